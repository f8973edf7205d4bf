"""Show, attend and tell: a network describes an image in words, and shows where it looked for each.

Slides: 000 «Mecanismos de atención en la descripción de imágenes», «Image captioning»;
        002 «Mecanismo de atención (imagen)», «Subtitulado».
Paper:  Xu et al. (2015), Show, attend and tell: neural image caption generation with visual
        attention, https://arxiv.org/abs/1502.03044;
        Vinyals et al. (2015), Show and tell: a neural image caption generator,
        https://arxiv.org/abs/1411.4555;
        Luong et al. (2015), Effective approaches to attention-based neural machine translation,
        https://arxiv.org/abs/1508.04025 (attention after the LSTM)
Departs from Xu et al.: drawn scenes of one or two shapes replace photographs, and the convolutional
network is trained here; attention comes after the LSTM instead of before it, so that all words of
a caption are trained at once.

A convolutional network maps the image to features at 6 × 6 positions. An LSTM reads the previous
words. Its state is the query for attention over the positions. The next word is predicted from the
state and the attention-weighted mean of the features. `no_attention` uses the unweighted mean for
every word.

A caption is correct if all its words are. In training and in the metric, the inputs are the true
previous words (teacher forcing): if the most probable word is correct at every step, greedy
decoding generates the same caption.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.neighbors import NearestNeighbors

from recipes.common.arrays import to_numpy
from recipes.common.scenes import SHAPES, inside

EPOCHS = 8
OBJECTIVE = ("val_exact", "max")
VARIANTS = {"attention": {}, "no_attention": {"attention": False}}
SIDE = 48  # pixels
PLACES = 6  # positions of features along each side
COLORS = {
    "red": (215, 50, 40),
    "green": (50, 165, 70),
    "blue": (50, 90, 215),
    "yellow": (235, 205, 60),
    "white": (245, 245, 245),
    "black": (25, 25, 25),
}
SIZES = {"small": (8, 12), "large": (16, 21)}  # minimum and maximum in pixels
RELATIONS = ("above", "beside")
WORDS = ["", "<start>", "<end>", "a", *SIZES, *COLORS, *SHAPES, *RELATIONS]
LENGTH = 10  # words of a caption with its end, "a large red circle above a small blue square <end>"


def sample_scene(rng):
    """Draw and describe a scene of one or two shapes; the upper or left one comes first.

    Args:
        rng: A NumPy generator.

    Returns:
        image: Array (SIDE, SIDE, 3), uint8.
        caption: Words of `WORDS`, a list.
        boxes: Bounding boxes in the order of the caption: left, top, right and bottom in pixels.
    """
    count = rng.choice([1, 2], p=[0.25, 0.75])
    objects = [random_object(rng) for _ in range(count)]
    relation = None
    if len(objects) == 2:
        relation, objects = in_order(objects)
        if relation is None:  # neither clearly above nor clearly beside
            return sample_scene(rng)
    # Draw the shapes on a gray background with noise.
    gray = rng.uniform(95, 150)
    image = gray + rng.normal(0, 12, (SIDE, SIDE, 3))
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    caption = []
    boxes = []
    for size, color, shape, (x, y, half) in objects:
        across = (columns - x) / half  # −1 to 1 in the bounding box
        down = (rows - y) / half
        mask = inside(SHAPES.index(shape), across, down)
        image[mask] = COLORS[color] + rng.normal(0, 12, 3)
        if caption:  # relation of the first shape to this one
            caption.append(relation)
        caption += ["a", size, color, shape]
        boxes.append((x - half, y - half, x + half, y + half))
    image = np.clip(image, 0, 255).astype("uint8")
    return image, caption, boxes


def random_object(rng):
    """A random size, color and shape, and the center and half the side in pixels."""
    size = rng.choice(list(SIZES))
    half = rng.uniform(*SIZES[size]) / 2
    x, y = rng.uniform(half, SIDE - half, 2)
    color = rng.choice(list(COLORS))
    shape = rng.choice(SHAPES)
    return size, color, shape, (x, y, half)


def in_order(objects):
    """The relation of two objects (None if unclear), and both, the upper or left one first."""
    one, other = objects
    *_, (x, y, half) = one
    *_, (other_x, other_y, other_half) = other
    across = other_x - x
    down = other_y - y
    # They must not touch, and must be much further apart in one direction than in the other.
    apart = max(abs(across), abs(down)) > half + other_half + 2
    ratio = abs(across) / (abs(down) + 1e-9)
    diagonal = 0.6 < ratio < 1 / 0.6
    if diagonal or not apart:
        return None, objects
    if abs(down) > abs(across):
        relation = "above"
        ordered = down > 0
    else:
        relation = "beside"
        ordered = across > 0
    if not ordered:
        objects = [other, one]
    return relation, objects


def numbers(caption):
    """The word indices of a caption with its end, padded with zeros: a list of LENGTH."""
    found = [WORDS.index(word) for word in [*caption, "<end>"]]
    return found + [0] * (LENGTH - len(found))


def sample_scenes(count, seed):
    """Images (count, SIDE, SIDE, 3), uint8, and captions (count, LENGTH), integers."""
    rng = np.random.default_rng(seed)
    images = []
    captions = []
    for _ in range(count):
        image, caption, _ = sample_scene(rng)
        images.append(image)
        captions.append(numbers(caption))
    return np.array(images), np.array(captions, "int32")


def with_words_so_far(images, captions):
    """Inputs for teacher forcing: the images, and at each step the previous word."""
    before = captions[:, :-1]
    start = np.full_like(captions[:, :1], WORDS.index("<start>"))
    so_far = np.concatenate([start, before], axis=1)  # (count, LENGTH)
    return {"image": images, "words": so_far}, captions


def load_data(batch_size=64, count=6000):
    """Train, validation and test batches of scenes, previous words (10,), and next words (10,)."""
    parts = []
    for seed, size in enumerate((count, count // 10, count // 6)):
        images, captions = sample_scenes(size, seed)
        inputs, targets = with_words_so_far(images, captions)
        parts.append(tf.data.Dataset.from_tensor_slices((inputs, targets)))
    train, validation, test = parts
    train = train.shuffle(count).batch(batch_size)
    return train, validation.batch(500), test.batch(500)


def encode(x, filters):
    """Images to features at 36 positions: (batch, 36, 4 · filters)."""
    # Reduce 48 pixels to 24, 12 and 6 positions.
    for factor, strides in ((1, 2), (2, 2), (2, 1), (4, 2), (4, 1)):
        channels = factor * filters
        x = keras.layers.Conv2D(channels, 3, strides, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
    return keras.layers.Reshape((PLACES * PLACES, 4 * filters))(x)


def build_model(filters=16, units=128, attention=True, learning_rate=0.003, steps=EPOCHS * 94):
    """The compiled network: scenes and previous words to the next words. 247,681 parameters.

    247,265 of them are trainable.

    Args:
        filters: Number of filters of the first convolution; the last have four times as many.
        units: Size of the LSTM, the word embeddings and the projected features.
        attention: Whether each word has its own attention weights over the positions.
        learning_rate: Initial rate of Adam, followed by cosine decay to zero.
        steps: Number of training steps.
    """
    image = keras.Input((SIDE, SIDE, 3), name="image")
    words = keras.Input((LENGTH,), dtype="int32", name="words")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
    places = encode(x, filters)  # (batch, 36, 4 · filters)
    places = keras.layers.Dense(units, name="places")(places)  # (batch, 36, units)
    x = keras.layers.Embedding(len(WORDS), units)(words)
    states = keras.layers.LSTM(units, return_sequences=True)(x)  # (batch, words, units)
    if attention:
        # (batch, words, units); the attention weights, (batch, words, 36), are for the pictures
        seen, _ = keras.layers.AdditiveAttention(name="attention")(
            [states, places], return_attention_scores=True
        )
    else:
        average = keras.layers.GlobalAveragePooling1D()(places)
        seen = keras.layers.RepeatVector(LENGTH)(average)
    x = keras.layers.Concatenate()([states, seen])
    x = keras.layers.Dense(units, activation="tanh")(x)
    outputs = keras.layers.Dense(len(WORDS), activation="softmax")(x)
    model = keras.Model({"image": image, "words": words}, outputs)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=0),
        metrics=[exact],
    )
    return model


@keras.saving.register_keras_serializable(package="captioning")
def exact(captions, answers):
    """1 for each caption (batch, LENGTH) if its most probable words (…, words) are all correct."""
    likeliest = keras.ops.argmax(answers, axis=-1)
    likeliest = keras.ops.cast(likeliest, captions.dtype)
    right = keras.ops.logical_or(likeliest == captions, captions == 0)
    all_right = keras.ops.all(right, axis=-1)
    return keras.ops.cast(all_right, "float32")


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "filters": hp.Choice("filters", [8, 16, 32], default=16),
        "units": hp.Choice("units", [64, 128, 256], default=128),
        "learning_rate": hp.Float(
            "learning_rate", 0.00075, 0.012, step=2, sampling="log", default=0.003
        ),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def baseline(train, test):
    """The caption of the training image whose pixels are nearest."""
    inputs, captions = to_numpy(train)
    known = NearestNeighbors(n_neighbors=1)
    known.fit(pixels(inputs["image"]))
    inputs, wanted = to_numpy(test)
    nearest = known.kneighbors(pixels(inputs["image"]), return_distance=False)  # (count, 1)
    found = captions[nearest[:, 0]]
    right = np.all(found == wanted, axis=1)
    return {"exact": right.mean()}


def pixels(images):
    """Pixels from 0 to 1, one row for each image."""
    return images.reshape(len(images), -1) / np.float32(255)


def describe(model, images, most=LENGTH):
    """Generate captions by greedy decoding, with the attention weights for each word.

    Args:
        model: A trained network.
        images: Array (batch, SIDE, SIDE, 3).
        most: Maximum number of words, including the end.

    Returns:
        captions: Lists of words, without the end.
        maps: Attention weights for each word, (batch, LENGTH, PLACES, PLACES); None for a network
            without attention.
    """
    outputs = {"words": model.output}
    if "attention" in [layer.name for layer in model.layers]:
        _, outputs["weights"] = model.get_layer("attention").output
    network = keras.Model(model.input, outputs)
    captions = np.zeros((len(images), LENGTH), "int32")
    for step in range(most):
        inputs, _ = with_words_so_far(images, captions)
        answers = network.predict_on_batch(inputs)
        captions[:, step] = answers["words"][:, step].argmax(axis=-1)
    maps = None
    if "weights" in answers:
        maps = answers["weights"].reshape(-1, LENGTH, PLACES, PLACES)
    return [in_words(caption) for caption in captions], maps


def in_words(caption):
    """The words of a caption (LENGTH,) up to its end."""
    words = [WORDS[number] for number in caption]
    if "<end>" not in words:
        return words
    return words[: words.index("<end>")]


def grade(found, wanted):
    """Grade a caption by the four grades of the slide.

    Args:
        found, wanted: The generated and the true caption, lists of words.
    """
    if found == wanted:
        return "without errors"
    if len(found) == len(wanted):
        wrong = [word for word, right in zip(found, wanted, strict=True) if word != right]
        if len(wrong) == 1:
            return "minor errors"
    # At least half of the sizes, colors and shapes.
    meant = set(wanted) - {"a", *RELATIONS}
    in_common = meant & set(found)
    if len(in_common) >= len(meant) / 2:
        return "somewhat related"
    return "unrelated"


def pointing(maps, captions, boxes):
    """How often the highest attention weight is on the object, for words of color and shape.

    Args:
        maps: Attention weights, (batch, LENGTH, PLACES, PLACES).
        captions: True captions, lists of words.
        boxes: Bounding boxes of the objects in the order of the caption, in pixels.
    """
    hits = []
    for weights, caption, own in zip(maps, captions, boxes, strict=True):
        for step, word in enumerate(caption):
            if word in COLORS or word in SHAPES:
                highest = weights[step].argmax()
                row, column = np.unravel_index(highest, (PLACES, PLACES))
                box = own[step // 5]  # an object has four words, the relation one
                hits.append(touches(row, column, box))
    return np.mean(hits)


def touches(row, column, box):
    """Whether a cell of the attention map and a box in pixels overlap."""
    left, top, right, bottom = np.array(box) * PLACES / SIDE
    return left < column + 1 and column < right and top < row + 1 and row < bottom


def unseen_scenes(count=300, seed=10):
    """Scenes that are in none of the sets: images (count, SIDE, SIDE, 3), captions and boxes."""
    rng = np.random.default_rng(seed)
    scenes = [sample_scene(rng) for _ in range(count)]
    images, captions, boxes = zip(*scenes, strict=True)
    return np.array(images), captions, boxes


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        path = f"captioning_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_exact", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        images, captions, boxes = unseen_scenes()
        found, maps = describe(model, images)
        for words, wanted in zip(found[:3], captions, strict=False):
            print(f"  {' '.join(words)}: {grade(words, wanted)}")
        if maps is not None:
            print(f"  Attention is on the object: {pointing(maps, captions, boxes):.0%}")
    print("The caption of the nearest image:", baseline(train, test))


if __name__ == "__main__":
    main()
