"""U-Net: a class for each pixel, here the membranes of nerve cells; with and without skips.

Slides: 000 «Segmentación de imágenes», 001 «UNet (Ronneberger, Fischer y Brox 2015)».
Paper:  Ronneberger et al. (2015), U-Net: convolutional networks for biomedical image segmentation,
        https://arxiv.org/abs/1505.04597;
        Arganda-Carreras et al. (2015), https://doi.org/10.3389/fnana.2015.00142 (the data)
Departs from the paper: an eighth of the filters, batch normalization, and zero
padding instead of cropping, so that the output is as large as the image; no elastic deformations,
no dropout, and the same weight for all pixels. `unet` itself is the paper's: with its defaults, one
channel and two classes it has 31,030,658 parameters, and an output of 388 × 388 for an input of 572
× 572 pixels.

In the contracting path, receptive fields grow and maps become coarser; the expanding path enlarges
the maps again. The exact position of a border is lost in the coarse maps, and the skip connections
restore it. Variants: `skips` has them, `no_skips` does not.

The challenge published labels for 30 slices; the first 20 are for training, five for validation,
and the last five for the test (`recipes/common/isbi2012.py`).
"""

import keras
import tensorflow_datasets as tfds

import recipes.datasets.isbi2012  # noqa: F401 (registers the data set)
from recipes.common import isbi2012

EPOCHS = 15
OBJECTIVE = ("val_iou", "max")
CLASSES = isbi2012.CLASSES
VARIANTS = {
    "skips": {},
    "no_skips": {"skips": False},
}


def load_data(batch_size=8, size=128):
    """Train, validation and test batches of uint8 images (height, width, 1) and classes of pixels.

    The classes (height, width) are 0 inside cells and 1 on membranes. Training batches are random
    crops of `size` × `size` pixels, others whole slices of 512 × 512.
    """
    splits = tfds.load("isbi2012", split=isbi2012.SPLITS)
    return isbi2012.batches(*splits, batch_size, size)


def two_convolutions(x, filters, padding, normalize):
    """Twice a 3 × 3 convolution and ReLU, with optional batch normalization between the two."""
    for _ in range(2):
        x = keras.layers.Conv2D(
            filters,
            3,
            padding=padding,
            use_bias=not normalize,
            kernel_initializer="he_normal",
        )(x)
        if normalize:
            x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
    return x


def crop_to(x, other):
    """The center of the maps `x`, cropped to the height and width of the `other` maps."""
    height = x.shape[1] - other.shape[1]
    width = x.shape[2] - other.shape[2]
    rows = (height // 2, height - height // 2)
    columns = (width // 2, width - width // 2)
    return keras.layers.Cropping2D((rows, columns))(x)


def unet(x, classes, filters=64, depth=4, padding="valid", skips=True, normalize=False):
    """From images to the probabilities of the classes in each pixel, by the paper's figure 1.

    Args:
        x: Images, a tensor (batch, height, width, channels). With `padding="same"`, height and
            width are multiples of 2 ** `depth`, and may be None.
        classes: Number of classes.
        filters: Of the first convolutions; each further level has twice as many.
        depth: Number of times that height and width are halved.
        padding: With "valid", each convolution loses a pixel on each side, with "same" none.
        skips: Whether there are skip connections from the contracting to the expanding path.
        normalize: Whether there is batch normalization after each 3 × 3 convolution.
    """
    copies = []
    # Contracting path: 572 × 572 to 280, 136, 64 and 28 × 28 pixels.
    for level in range(depth):
        x = two_convolutions(x, filters * 2**level, padding, normalize)
        copies.append(x)
        x = keras.layers.MaxPooling2D(2)(x)
    x = two_convolutions(x, filters * 2**depth, padding, normalize)
    # Expanding path: 28 × 28 to 52, 100, 196 and 388 × 388.
    for level in reversed(range(depth)):
        x = keras.layers.Conv2DTranspose(filters * 2**level, 2, strides=2)(x)
        if skips:
            copy = copies[level]
            if padding == "valid":
                copy = crop_to(copy, x)
            x = keras.layers.Concatenate()([copy, x])
        x = two_convolutions(x, filters * 2**level, padding, normalize)
    return keras.layers.Conv2D(classes, 1, activation="softmax")(x)


def build_model(
    filters=8,
    depth=4,
    skips=True,
    learning_rate=0.005,
    steps=EPOCHS * 40,
    classes=2,
    input_shape=(None, None, 1),
):
    """The compiled network: images of any size to 2 probabilities per pixel. 487,890 parameters.

    486,418 of them are trainable. Without `skips` there are 438,930. Height and width of an image
    are multiples of 2 ** `depth`. The learning rate has a cosine decay to zero.
    """
    images = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    probabilities = unet(x, classes, filters, depth, padding="same", skips=skips, normalize=True)
    model = keras.Model(images, probabilities)
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
        "filters": hp.Int("filters", 4, 16, step=4, default=8),
        "depth": hp.Int("depth", 2, 5, default=4),
        "learning_rate": hp.Float(
            "learning_rate", 0.00125, 0.02, step=2, sampling="log", default=0.005
        ),
        "size": hp.Choice("size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Thresholding at the gray value that is best on the training crops."""
    return isbi2012.best_threshold(train, test)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"unet_{name}.keras", monitor="val_iou", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"unet_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("The best gray value:", baseline(train, test))


if __name__ == "__main__":
    main()
