"""Neocognitron: S-cells learn without labels, C-cells tolerate small shifts; compared with LeNet.

Slides: 003 «Neocognitron» (list B, no. 3).
Paper:  Fukushima (1980), Neocognitron: a self-organizing neural network model for a mechanism of
        pattern recognition unaffected by shift in position, https://doi.org/10.1007/BF00344251;
        Fukushima (2013), Artificial vision by multi-layered neural networks: neocognitron and its
        advances, https://doi.org/10.1016/j.neunet.2012.09.016 (new planes if all are silent)
Departs from the papers: MNIST's digits of 28×28 pixels and 16, 60 and 400 planes, where the first
paper has patterns of 16×16 pixels and 24 planes in each layer; C-cells do not inhibit each other,
and the last ones take the maximum of their plane; learning compares unit vectors instead of letting
weights grow without limit; and the classes of the last cells are learned from the labels, by
softmax regression.

A cell of an S-layer sees a small window. It fires if its window resembles its template, that is, if
the cosine of both exceeds a threshold. All cells of a plane have the same template: in modern
terms, a plane is a channel, and its template is the kernel of a convolution. A C-cell averages one
plane over a few positions, so it still fires if the feature is slightly shifted. Three such pairs
of layers together tolerate shifts of many pixels.

The layers learn one after another, without labels and without gradients. For each window, the
template of the plane that fires most moves towards the window (winner takes all). If all planes are
silent, a new one is added, with this window as its template. `lenet` learns from the same 3,000
digits by backpropagation.

The images have a fixed size, MNIST's 28×28 pixels: the thresholds, and how many layers it takes for
a cell to see the whole digit, are chosen for its strokes.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from keras import ops
from sklearn.neighbors import KNeighborsClassifier

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 10
VARIANTS = {"neocognitron": {"network": "neocognitron"}, "lenet": {"network": "lenet"}}
# For the three layers of S-cells: planes, and the thresholds during and after learning.
LAYERS = [(16, 0.75, 0.7), (60, 0.7, 0.6), (400, 0.7, 0.4)]
SIZE = 5  # cells along each side of the window that an S-cell sees
EPSILON = 0.1  # weaker inputs hardly excite an S-cell
SATURATION = 0.2  # average at which a C-cell fires with half of its strength
IMAGES = 1000  # to learn the templates from
WINDOWS = 8000  # of these images, for each layer
MIN_NORM = 0.5  # windows with a smaller norm are not used for learning


def load_data(batch_size=100):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9.

    3,000 images to train on, as many to validate, and all 10,000 test images.
    """
    splits = ["train[:5%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(3000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


@keras.saving.register_keras_serializable(package="neocognitron")
class SCells(keras.layers.Layer):
    """A layer of S-cells: how far the cosine of a window and a template exceeds the threshold.

    In the paper's terms, templates excite a cell, the root mean square of its window inhibits it.

    Args:
        planes: Number of templates.
        threshold: The cosine up to which a cell is silent, from 0 to below 1.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, height, width, planes)`.

    Raises:
        ValueError: if `planes` is below 1, `threshold` is negative or not below 1, or the input
            does not have four dimensions.
    """

    def __init__(self, planes, threshold, trainable=False, **kwargs):
        super().__init__(trainable=trainable, **kwargs)
        if planes < 1:
            raise ValueError(f"`planes` must be positive. Received: planes={planes}")
        if not 0 <= threshold < 1:
            raise ValueError(
                f"`threshold` must be from 0 to below 1. Received: threshold={threshold}"
            )
        self.planes = planes
        self.threshold = threshold
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        # Templates of norm 1; those of unused planes are zero, so that these stay silent.
        shape = (SIZE, SIZE, input_shape[-1], self.planes)
        self.templates = self.add_weight(name="templates", shape=shape, initializer="zeros")
        self.built = True

    def call(self, x):
        products = ops.conv(x, self.templates, padding="same")
        # The norm of each window: (batch, height, width, 1).
        ones = ops.ones((SIZE, SIZE, x.shape[-1], 1), dtype=x.dtype)
        lengths = ops.sqrt(ops.conv(ops.square(x), ones, padding="same"))
        excess = ops.relu(products - self.threshold * lengths)
        return excess / ((1 - self.threshold) * (lengths + EPSILON))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.planes)

    def get_config(self):
        return {**super().get_config(), "planes": self.planes, "threshold": self.threshold}


def c_cells(x):
    """A layer of C-cells: saturating averages of 3 × 3 cells of a plane, with a stride of 2."""
    averages = keras.layers.AveragePooling2D(3, strides=2, padding="same")(x)
    return averages / (averages + SATURATION)


def sample_windows(maps, rng):
    """Random windows (count, values) of maps (images, height, width, planes), scaled to norm 1.

    Faint ones are left out.
    """
    # All windows, as a view: (images, rows, columns, planes, SIZE, SIZE).
    windows = np.lib.stride_tricks.sliding_window_view(maps, (SIZE, SIZE), axis=(1, 2))
    which = rng.integers(0, windows.shape[:3], (WINDOWS, 3))
    windows = windows[tuple(which.T)].transpose(0, 2, 3, 1).reshape(WINDOWS, -1)
    lengths = np.linalg.norm(windows, axis=1)
    clear = lengths > MIN_NORM
    return windows[clear] / lengths[clear, None]


def learn_templates(windows, planes, threshold):
    """Templates (planes, values) of norm 1, learned from one window at a time.

    The template most similar to the window moves towards it; if none exceeds the threshold, the
    window becomes a new template, as long as there are unused planes.
    """
    sums = np.zeros((planes, windows.shape[1]), "float32")
    templates = np.zeros_like(sums)
    grown = 0
    for window in windows:
        cosines = templates @ window
        winner = cosines.argmax()
        if cosines[winner] < threshold:
            if grown == planes:
                continue
            winner = grown
            grown += 1
        sums[winner] += window
        templates[winner] = sums[winner] / np.linalg.norm(sums[winner])
    return templates


def fit_templates(model, train):
    """Train the layers of S-cells, each on the outputs of the previous layers."""
    # Random numbers that follow the seed of the run.
    rng = np.random.default_rng(int(keras.random.randint((), 0, 2**31 - 1)))
    images = to_numpy(train.unbatch().take(IMAGES).batch(IMAGES))[0]
    layers = [layer for layer in model.layers if isinstance(layer, SCells)]
    for layer, (planes, threshold, _) in zip(layers, LAYERS, strict=True):
        maps = keras.Model(model.input, layer.input).predict(images, verbose=0)
        templates = learn_templates(sample_windows(maps, rng), planes, threshold)
        shape = (planes, SIZE, SIZE, maps.shape[-1])
        layer.templates.assign(templates.reshape(shape).transpose(1, 2, 3, 0))


def neocognitron(images):
    """From images (batch, 28, 28, 1), values from 0 to 1, to the last C-cells, one per plane."""
    x = images
    for planes, _, threshold in LAYERS[:-1]:
        x = SCells(planes, threshold)(x)
        # 28 × 28 to 14 × 14, to 7 × 7.
        x = c_cells(x)
    planes, _, threshold = LAYERS[-1]
    x = SCells(planes, threshold)(x)
    # The last C-cells see their whole plane.
    x = keras.layers.GlobalMaxPooling2D()(x)
    return keras.layers.BatchNormalization(momentum=0.9, center=False, scale=False)(x)


def lenet(images):
    """From images to features as in LeNet: two convolutions with pooling, and a dense layer."""
    x = keras.layers.Conv2D(6, 5, padding="same", activation="relu")(images)
    x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.Conv2D(16, 5, activation="relu")(x)
    x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.Flatten()(x)
    return keras.layers.Dense(84, activation="relu")(x)


def build_model(network="neocognitron", learning_rate=0.003, steps=EPOCHS * 30, train=None):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 629,210 parameters.

    4,010 of them are trainable, those of the last layer. The templates are learned here, from the
    images of `train`; without them they are zero. `network="lenet"` has 37,106 parameters.
    """
    inputs = keras.Input((28, 28, 1))
    images = keras.layers.Rescaling(1 / 255)(inputs)
    features = {"neocognitron": neocognitron, "lenet": lenet}[network](images)
    outputs = keras.layers.Dense(10, activation="softmax")(features)
    model = keras.Model(inputs, outputs)
    if network == "neocognitron" and train is not None:
        fit_templates(model, train)
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def deployed(model):
    """The network for images of one digit, of any size, dark on light or light on dark.

    Besides the class probabilities it returns `unlike`, how unlike MNIST's digits the image is,
    from 0 to 1.
    """
    image = keras.Input((None, None, 1))
    digit = CenterDigit()(image)  # (batch, 28, 28, 1), white on black as in MNIST
    return keras.Model(image, {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)})


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "network": hp.Choice("network", list(VARIANTS), default="neocognitron"),
        "learning_rate": hp.Float(
            "learning_rate", 0.00075, 0.012, step=2, sampling="log", default=0.003
        ),
        "batch_size": hp.Choice("batch_size", [50, 100, 200], default=100),
    }


def baseline(train, test):
    """Template matching: the class of the training digit whose pixels are nearest."""
    images, labels = to_numpy(train)
    nearest = KNeighborsClassifier(1).fit(pixels(images), labels)
    images, labels = to_numpy(test)
    return {"accuracy": nearest.score(pixels(images), labels)}


def pixels(images):
    """One row of values from 0 to 1 for each image."""
    return images.reshape(len(images), -1) / np.float32(255)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train), train=train)
        best = keras.callbacks.ModelCheckpoint(
            f"neocognitron_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"neocognitron_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        deployed(model).save(f"neocognitron_{name}_deployed.keras")
    print("Nearest training digit:", baseline(train, test))


if __name__ == "__main__":
    main()
