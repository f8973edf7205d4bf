"""Face verification: a siamese network learns a distance between people, with contrastive loss.

Slides: 002 «Verificación facial (DeepFace, Taigman 2014)».
Paper:  Hadsell et al. (2006), Dimensionality reduction by learning an invariant mapping,
        https://doi.org/10.1109/CVPR.2006.100 (the loss);
        Taigman et al. (2014), DeepFace, https://doi.org/10.1109/CVPR.2014.220;
        Samaria & Harter (1994), https://doi.org/10.1109/ACV.1994.341300 (the data)
Departs from DeepFace: 240 photographs of 24 people instead of four million of 4,000; no alignment
of the faces; one small network whose filters are shared over the image, instead of locally
connected layers; and it is trained on pairs from the start, not by classification first.

Are two photographs of the same person? The answer has to generalize to people who are not in the
training set, so there are no classes to learn: the same network, with the same weights, maps each
photograph to a descriptor, a point on a sphere. Contrastive loss pulls descriptors of the same
person together, and pushes those of different people apart up to a margin. The split is by people,
not by photographs: 24 for training, six for validation, and ten for the test, which compares all
4,950 pairs of their photographs.
"""

import itertools

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.metrics import roc_auc_score

import recipes.datasets.olivetti_faces  # noqa: F401 (registers the data set)
from layers.random_affine import RandomAffine
from recipes.common.arrays import to_numpy

EPOCHS = 5
OBJECTIVE = ("val_auc", "max")
SPLITS = ["train[:60%]", "train[60%:75%]", "train[75%:]"]  # 24, 6 and 10 people
PAIRS = 3200  # in an epoch, half of them of the same person
MARGIN = 1.0  # least distance that descriptors of different people should have


def photographs(data):
    """Images (n, 64, 64, 1), uint8, and the index of the person in each, (n,)."""
    rows = list(data.as_numpy_iterator())
    images = np.array([row["image"] for row in rows])
    return images, np.array([row["person"] for row in rows])


def all_pairs(people):
    """Indices (pairs, 2) of all pairs of photographs, and (pairs, 1) 1 if of the same person."""
    pairs = np.array(list(itertools.combinations(range(len(people)), 2)))
    same = people[pairs[:, 0]] == people[pairs[:, 1]]
    return pairs, same[:, None].astype("float32")


def take_pairs(images, pairs, same):
    """A data set of pairs of photographs (2, 64, 64, 1) and whether the person is the same."""
    images = tf.constant(images)
    data = tf.data.Dataset.from_tensor_slices((pairs, same))
    return data.map(lambda pair, target: (tf.gather(images, pair), target))


def joined(alike, different):
    """Two batches of pairs and targets, concatenated."""
    pairs = tf.concat([alike[0], different[0]], axis=0)
    return pairs, tf.concat([alike[1], different[1]], axis=0)


def load_data(batch_size=32):
    """Train, validation and test batches of pairs (2, 64, 64, 1), uint8, and of (1,) targets.

    The target is 1 for photographs of the same person, as in half of the training pairs; the pairs
    are sampled anew for each epoch. Validation and test have all possible pairs.
    """
    train, validation, test = (
        photographs(part) for part in tfds.load("olivetti_faces", split=SPLITS)
    )
    pairs, same = all_pairs(train[1])
    is_same = same[:, 0] == 1
    alike = take_pairs(train[0], pairs[is_same], same[is_same])
    different = take_pairs(train[0], pairs[~is_same], same[~is_same])
    alike = alike.shuffle(5000).repeat().batch(batch_size // 2)
    different = different.shuffle(50_000).batch(batch_size // 2)
    train = tf.data.Dataset.zip(alike, different).map(joined).take(PAIRS // batch_size)
    validation = take_pairs(validation[0], *all_pairs(validation[1]))
    test = take_pairs(test[0], *all_pairs(test[1]))
    return train.prefetch(2), validation.batch(250), test.batch(250)


def descriptor_network(filters=16, units=32):
    """From photographs (64, 64, 1) to descriptors (units,) of norm 1."""
    return keras.Sequential(
        [
            keras.Input((64, 64, 1)),
            # Brightness and contrast depend on the light, not on the person.
            keras.layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False),
            RandomAffine(rotation=5, scale=0.1, translation=3),
            # 64 × 64 to 32 × 32 by the stride, which takes less time than pooling.
            *conv_relu(filters, strides=2),
            # 32 × 32 to 16, 8 and 4 × 4.
            *conv_relu(2 * filters),
            keras.layers.MaxPooling2D(2),
            *conv_relu(4 * filters),
            keras.layers.MaxPooling2D(2),
            *conv_relu(4 * filters),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(units),
            keras.layers.UnitNormalization(dtype="float32"),
        ],
        name="descriptor",
    )


def conv_relu(filters, strides=1):
    """Convolution, batch normalization and ReLU."""
    return [
        keras.layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False),
        keras.layers.BatchNormalization(momentum=0.9),
        keras.layers.ReLU(),
    ]


@keras.saving.register_keras_serializable(package="face_verification")
def contrastive_loss(same, similarity):
    """d² for the same person, max(0, MARGIN − d)² for different ones, of similarities 1 − d / 2."""
    distance = 2 * (1 - similarity)
    apart = keras.ops.maximum(MARGIN - distance, 0.0)
    loss = same * distance**2 + (1 - same) * apart**2
    return keras.ops.mean(loss, axis=-1)


def build_model(filters=16, units=32, learning_rate=0.003, steps=EPOCHS * 100):
    """The compiled network: two photographs (2, 64, 64, 1) to their similarity. 93,552 parameters.

    93,200 of them are trainable. The similarity (1,) is 1 − d / 2, where d, from 0 to 2, is the
    distance of the descriptors. The learning rate has a cosine decay to zero.
    """
    pair = keras.Input((2, 64, 64, 1))
    network = descriptor_network(filters, units)
    # The same network, twice.
    first = network(pair[:, 0])
    second = network(pair[:, 1])
    squares = keras.ops.sum((first - second) ** 2, axis=-1, keepdims=True)
    distance = keras.ops.sqrt(squares + 1e-6)  # the gradient of √x at 0 is infinite
    model = keras.Model(pair, 1 - distance / 2)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss=contrastive_loss,
        metrics=[keras.metrics.AUC(num_thresholds=1000, name="auc")],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "filters": hp.Int("filters", 8, 32, step=8, default=16),
        "units": hp.Choice("units", [8, 16, 32, 64], default=32),
        "learning_rate": hp.Float(
            "learning_rate", 0.00075, 0.012, step=2, sampling="log", default=0.003
        ),
        "batch_size": hp.Choice("batch_size", [16, 32, 64], default=32),
    }


def pixel_distance(pairs):
    """The Euclidean distance of the pixels of two photographs, (n, 2, 64, 64, 1): (n,)."""
    pixels = pairs.reshape(len(pairs), 2, -1).astype("float32")
    return np.linalg.norm(pixels[:, 0] - pixels[:, 1], axis=-1)


def baseline(train, test):
    """The distance of the pixels."""
    pairs, same = to_numpy(test)
    return {"auc": roc_auc_score(same[:, 0], -pixel_distance(pairs))}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "face_verification.keras", monitor="val_auc", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("face_verification.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()
