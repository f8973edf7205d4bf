"""Conv3D on video clips: in which of eight directions a shape moves; no single frame tells.

Slides: 001 «Conv2D (también 1D y 3D)».
Paper:  Tran et al. (2015), Learning spatiotemporal features with 3D convolutional networks (C3D),
        https://arxiv.org/abs/1412.0767
Departs from the paper: generated clips of 8 frames of 24 × 24 pixels replace videos.

A Conv3D slides filters along time, height and width: T × F × F × Cin × Cout weights. A square, a
cross or a ring moves steadily past another shape that stands still; a shape that leaves on one side
returns on the other. So single frames of all classes look alike, and only their order reveals the
direction. The variant `conv3d` has filters of three frames. `conv2d` has the same layers, but with
filters of one frame, and averages over time: its output is the same for a clip played backwards, so
it cannot distinguish a direction from its opposite, and its expected accuracy is at most one half.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 6
VARIANTS = {"conv3d": {"frames": 3}, "conv2d": {"frames": 1}}
CLASSES = ["right", "down right", "down", "down left", "left", "up left", "up", "up right"]
FRAMES = 8  # in a clip
SIDE = 24  # pixels of each side of a frame
NOISE = 0.4  # standard deviation, for shapes of brightness 1


def render(kind, x, y):
    """Frames (n, 24, 24) of a shape on a torus, white on black.

    Args:
        kind: 0 for a square, 1 for a cross, 2 for a ring.
        x, y: Column and row of its center in each frame, (n,), not necessarily integers.
    """
    # Distances from the center, across the border if that is shorter.
    place = np.arange(SIDE)
    across = np.abs((place - x[:, None] + SIDE / 2) % SIDE - SIDE / 2)[:, None, :]  # (n, 1, 24)
    down = np.abs((place - y[:, None] + SIDE / 2) % SIDE - SIDE / 2)[:, :, None]  # (n, 24, 1)
    # Distance of each pixel from the shape, negative inside.
    if kind == 0:
        distance = np.maximum(across, down) - 3
    elif kind == 1:
        distance = np.maximum(np.minimum(across, down) - 1, np.maximum(across, down) - 4)
    else:
        distance = np.abs(np.hypot(across, down) - 3.5) - 1
    return np.clip(0.5 - distance, 0, 1)  # antialiased edges


def sample_clips(count, seed):
    """Noisy clips of a shape that moves in one of eight directions, and of one that stands still.

    Returns:
        Clips (count, 8, 24, 24, 1), float32, and labels (count,), equally many of each class.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    clips = np.empty((count, FRAMES, SIDE, SIDE), "float32")
    times = np.arange(FRAMES)
    for index, label in enumerate(labels):
        angle = 2 * np.pi * label / len(CLASSES)  # from the right, clockwise
        speed = rng.uniform(0.75, 1.5)  # in pixels per frame
        start_x, start_y = rng.uniform(0, SIDE, 2)
        x = start_x + times * speed * np.cos(angle)
        y = start_y + times * speed * np.sin(angle)
        moving = render(rng.integers(3), x, y)
        still = render(rng.integers(3), rng.uniform(0, SIDE, 1), rng.uniform(0, SIDE, 1))
        clips[index] = np.maximum(moving, still)
    clips += NOISE * rng.standard_normal(clips.shape, "float32")
    return clips[..., None], labels


def load_data(batch_size=32):
    """Train, validation and test batches of (8, 24, 24, 1) clips and integer labels 0–7."""
    train = tf.data.Dataset.from_tensor_slices(sample_clips(2400, seed=1))
    validation = tf.data.Dataset.from_tensor_slices(sample_clips(400, seed=2))
    test = tf.data.Dataset.from_tensor_slices(sample_clips(1600, seed=3))
    return train.shuffle(2400).batch(batch_size), validation.batch(100), test.batch(200)


def conv_bn_relu(filters, size, strides=1):
    """Three layers: convolution, batch normalization and ReLU."""
    return [
        keras.layers.Conv3D(filters, size, strides=strides, padding="same", use_bias=False),
        keras.layers.BatchNormalization(momentum=0.9),
        keras.layers.ReLU(),
    ]


def build_model(frames=3, filters=8, learning_rate=0.01, steps=EPOCHS * 75):
    """The compiled network: (8, 24, 24, 1) clips to 8 class probabilities. 17,984 parameters.

    17,872 of them are trainable. The variant `conv2d` has 6,320.

    Args:
        frames: Length of the filters in time; with 1, each frame is filtered separately.
        filters: Number of filters of the first layer; the next ones have twice and four times as
            many.
        learning_rate: Its initial value, followed by cosine decay to zero.
        steps: Number of training steps.
    """
    size = (frames, 3, 3)
    model = keras.Sequential(
        [
            keras.Input((FRAMES, SIDE, SIDE, 1)),
            # To (batch, 8, 12, 12, filters): a stride of 2 in space only.
            *conv_bn_relu(filters, size, strides=(1, 2, 2)),
            # To (batch, 8, 6, 6, 2 * filters).
            *conv_bn_relu(2 * filters, size, strides=(1, 2, 2)),
            # To (batch, 8, 6, 6, 4 * filters).
            *conv_bn_relu(4 * filters, size),
            # Mean over time and space: (batch, 4 * filters).
            keras.layers.GlobalAveragePooling3D(),
            keras.layers.Dense(len(CLASSES), activation="softmax"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "frames": hp.Int("frames", 1, 5, step=2, default=3),
        "filters": hp.Int("filters", 4, 32, step=4, default=8),
        "learning_rate": hp.Float(
            "learning_rate", 0.00125, 0.08, step=2, sampling="log", default=0.01
        ),
        "batch_size": hp.Choice("batch_size", [16, 32, 64], default=32),
    }


def baseline(train, test):
    """Logistic regression on the middle frame."""
    clips, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(clips[:, FRAMES // 2].reshape(len(clips), -1), labels)
    clips, labels = to_numpy(test)
    frames = clips[:, FRAMES // 2].reshape(len(clips), -1)
    return {"accuracy": classifier.score(frames, labels)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"conv3d_clips_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"conv3d_clips_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the middle frame:", baseline(train, test))


if __name__ == "__main__":
    main()
