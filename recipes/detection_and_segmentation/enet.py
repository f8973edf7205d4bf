"""ENet: semantic segmentation with a tenth of U-Net's parameters, unpooling by stored indices.

Slides: 003 «ENet (2016)».
Paper:  Paszke et al. (2016), ENet: a deep neural network architecture for real-time semantic
        segmentation, https://arxiv.org/abs/1606.02147;
        Arganda-Carreras et al. (2015), https://doi.org/10.3389/fnana.2015.00142 (the data)
Departs from the paper: seven initial channels instead of 16, and no third stage, which repeats the
second one; gray images of membranes instead of streets, and the same weight for all pixels. PReLU
is used everywhere, as the paper says; the authors' code has ReLU in the decoder, and biases before
batch normalization, which have no effect.

The first two blocks reduce the image's height and width to a quarter, a third one halves them
again, so nearly all layers compute small maps. Most layers are bottlenecks: a convolution to a
quarter of the channels, a 3×3 convolution, a convolution back to all channels, and a residual
connection. Dilated and asymmetric convolutions have a larger receptive field at the same cost.
U-Net passes whole maps to its decoder. Here only the indices of the maxima are passed on, two bits
each: the decoder puts its values at the positions of the maxima.

`enet` itself is the paper's: for three colors and 12 classes it has 371,851 parameters, of which
363,499 are trainable (the paper says 0.37 M), and 1.71 G multiply–accumulates for 640 × 360 pixels
(the paper says 3.83 GFLOP, two for each). The data and the protocol are those of `unet`.
"""

import keras
import tensorflow_datasets as tfds

import recipes.datasets.isbi2012  # noqa: F401 (registers the data set)
from layers.enet_bottleneck import DownsamplingBottleneck, ENetBottleneck, UpsamplingBottleneck
from recipes.common import isbi2012

EPOCHS = 15
OBJECTIVE = ("val_iou", "max")
CLASSES = isbi2012.CLASSES
FIRST_STAGE = 4  # bottlenecks after the one that halves the map
# The main stage of the network: bottlenecks with ever larger receptive fields.
SECOND_STAGE = [
    {},
    {"dilation_rate": 2},
    {"asymmetric": 5},
    {"dilation_rate": 4},
    {},
    {"dilation_rate": 8},
    {"asymmetric": 5},
    {"dilation_rate": 16},
]


def load_data(batch_size=8, size=128):
    """Train, validation and test batches of uint8 images (height, width, 1) and classes of pixels.

    The classes (height, width) are 0 inside cells and 1 on membranes. Training batches are random
    crops of `size` × `size` pixels, others whole slices of 512 × 512.
    """
    splits = tfds.load("isbi2012", split=isbi2012.SPLITS)
    return isbi2012.batches(*splits, batch_size, size)


def initial_block(x, filters):
    """Half the height and width: a convolution, beside the pooled image itself."""
    channels = filters - x.shape[-1]
    convolved = keras.layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False)(x)
    pooled = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.Concatenate()([convolved, pooled])
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return keras.layers.PReLU(keras.initializers.Constant(0.25), shared_axes=[1, 2])(x)


def enet(x, classes, filters=16, repeats=2):
    """From images to the probabilities of the classes in each pixel, by the paper's table 1.

    Args:
        x: Images, a tensor (batch, height, width, channels). Height and width are multiples of 8,
            and may be None.
        classes: Number of classes.
        filters: Channels of the initial block; later there are four and eight times as many.
        repeats: How often `SECOND_STAGE` is run; 2 in the paper (its stages 2 and 3).
    """
    # 512 × 512 to 256 × 256 × 16.
    x = initial_block(x, filters)
    # Stage 1: 128 × 128 × 64.
    x, indices_1 = DownsamplingBottleneck(4 * filters, dropout=0.01)(x)
    for _ in range(FIRST_STAGE):
        x = ENetBottleneck(4 * filters, dropout=0.01)(x)
    # Stages 2 and 3: 64 × 64 × 128.
    x, indices_2 = DownsamplingBottleneck(8 * filters)(x)
    for _ in range(repeats):
        for kind in SECOND_STAGE:
            x = ENetBottleneck(8 * filters, **kind)(x)
    # Stage 4: 128 × 128 × 64.
    x = UpsamplingBottleneck(4 * filters)([x, indices_2])
    x = ENetBottleneck(4 * filters)(x)
    x = ENetBottleneck(4 * filters)(x)
    # Stage 5: 256 × 256 × 16.
    x = UpsamplingBottleneck(filters)([x, indices_1])
    x = ENetBottleneck(filters)(x)
    # 512 × 512, one map for each class.
    x = keras.layers.Conv2DTranspose(classes, 2, strides=2)(x)
    return keras.layers.Softmax()(x)


def build_model(
    filters=7,
    repeats=1,
    learning_rate=0.005,
    steps=EPOCHS * 40,
    classes=2,
    input_shape=(None, None, 1),
):
    """The compiled network: images of any size to 2 probabilities per pixel. 45,692 parameters.

    43,388 of them are trainable. Height and width of an image are multiples of 8. The learning rate
    has a cosine decay to zero.
    """
    images = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    model = keras.Model(images, enet(x, classes, filters, repeats))
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=[
            # Intersection over union of predicted and true membranes; the mean, if there are more
            # classes besides the first.
            keras.metrics.IoU(classes, range(1, classes), sparse_y_pred=False, name="iou"),
            "accuracy",
        ],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "filters": hp.Int("filters", 4, 16, default=7),
        "repeats": hp.Int("repeats", 1, 2, default=1),
        "learning_rate": hp.Float(
            "learning_rate", 0.00125, 0.02, step=2, sampling="log", default=0.005
        ),
        "size": hp.Choice("size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Thresholding at the gray value that is best on the training crops."""
    return isbi2012.best_threshold(train, test)


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "enet.keras", monitor="val_iou", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("enet.keras")  # the best epoch
    print("Test:", model.evaluate(test, return_dict=True))
    print("The best gray value:", baseline(train, test))


if __name__ == "__main__":
    main()
