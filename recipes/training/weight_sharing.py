"""Weight sharing: a convolution beside locally and fully connected layers, on 1,000 digits.

Slides: 000 «Capacidad: weight sharing».
Paper:  LeCun (1989), Generalization and network design strategies,
        http://yann.lecun.com/exdb/publis/pdf/lecun-89.pdf
Departs from the paper: MNIST instead of 480 digits drawn with a mouse, and ReLU instead of tanh.

Three networks with the same units: hidden layers of 12 × 12 × 8 and 4 × 4 × 16, then ten classes.
In the fully connected network each unit has a weight for every unit of the layer below. In the
locally connected one it has weights for 5 × 5 positions only, its receptive field. In a convolution
all units of a map share these weights. Each of the two constraints leaves about a fourteenth of the
parameters. All three networks fit the 1,000 training images; on new ones the two with constraints
are ahead. On shifted digits the convolution is: a shared filter detects at every position what it
has learned at one.
"""

import keras
import tensorflow_datasets as tfds
from keras import ops
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 10
IMAGES = 1000  # to learn from
REPEATS = 2  # of them in an epoch
VARIANTS = {
    "convolution": {"connections": "convolution"},
    "local": {"connections": "local", "learning_rate": 0.01},
    "full": {"connections": "full", "learning_rate": 0.003},
}


def load_data(batch_size=50):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9.

    An epoch has the 1,000 training images twice.
    """
    splits = ["train[:10%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.take(IMAGES).cache().shuffle(IMAGES).repeat(REPEATS).batch(batch_size)
    return train, validation.batch(1000).cache(), test.batch(1000).cache()


@keras.saving.register_keras_serializable(package="weight_sharing")
class LocallyConnected2D(keras.layers.Layer):
    """A convolution without weight sharing: filters of its own at each position. No padding.

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the receptive field.
        strides: Pixels from one receptive field to the next.
        activation: As in `keras.layers.Conv2D`.

    Input shape: `(batch, height, width, channels)`. Output shape: `(batch, rows, columns,
    filters)`, with rows and columns as of a convolution.

    Raises:
        ValueError: in `build`, if height, width or channels are unknown.
    """

    def __init__(self, filters, kernel_size, strides=1, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        if None in input_shape[1:]:
            raise ValueError(f"height, width and channels must be known, not {input_shape}")
        _, rows, columns, filters = self.compute_output_shape(input_shape)
        fan_in = self.kernel_size**2 * input_shape[-1]
        # Glorot's limit for a convolution with the same receptive fields.
        limit = (6 / (fan_in + self.kernel_size**2 * filters)) ** 0.5
        self.kernel = self.add_weight(
            name="kernel",
            shape=(rows, columns, fan_in, filters),
            initializer=keras.initializers.RandomUniform(-limit, limit),
        )
        self.bias = self.add_weight(
            name="bias", shape=(rows, columns, filters), initializer="zeros"
        )
        self.built = True

    def call(self, inputs):
        # Receptive fields: (batch, rows, columns, fan_in).
        patches = ops.image.extract_patches(
            inputs, self.kernel_size, strides=self.strides, padding="valid"
        )
        outputs = ops.einsum("brci,rcif->brcf", patches, self.kernel) + self.bias
        return self.activation(outputs)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        rows = (height - self.kernel_size) // self.strides + 1
        columns = (width - self.kernel_size) // self.strides + 1
        return batch, rows, columns, self.filters

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "activation": keras.activations.serialize(self.activation),
        }


def hidden_layers(connections, filters):
    """Two layers with outputs of shape (12, 12, filters) and (4, 4, 2 · filters)."""
    layers = []
    for side, count in ((12, filters), (4, 2 * filters)):
        if connections == "convolution":
            layers.append(keras.layers.Conv2D(count, 5, strides=2, activation="relu"))
        elif connections == "local":
            layers.append(LocallyConnected2D(count, 5, strides=2, activation="relu"))
        else:
            layers.append(keras.layers.Flatten())
            layers.append(keras.layers.Dense(side * side * count, activation="relu"))
            layers.append(keras.layers.Reshape((side, side, count)))
    return layers


def build_model(connections="convolution", filters=8, learning_rate=0.02, steps=EPOCHS * 40):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 5,994 parameters.

    Locally connected it has 83,978, fully connected 1,202,058.

    Args:
        connections: `"convolution"`, `"local"` or `"full"`.
        filters: Number of maps of the first layer; the second has twice as many.
        learning_rate: Initial rate of Adam, followed by cosine decay to zero.
        steps: Number of training steps.
    """
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            *hidden_layers(connections, filters),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    connections = ["convolution", "local", "full"]
    return {
        "connections": hp.Choice("connections", connections, default="convolution"),
        "filters": hp.Choice("filters", [2, 4, 8, 16], default=8),
        "learning_rate": hp.Choice("learning_rate", [0.003, 0.01, 0.02], default=0.02),
        "batch_size": hp.Choice("batch_size", [25, 50, 100], default=50),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    model = LogisticRegression(solver="saga", tol=0.05)
    model.fit(images.reshape(-1, 784) / 255, labels)
    images, labels = to_numpy(test)
    return {"accuracy": model.score(images.reshape(-1, 784) / 255, labels)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"weight_sharing_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(
            train,
            validation_data=validation,
            epochs=EPOCHS,
            shuffle=False,
            callbacks=[best],
            verbose=2,
        )
        model = keras.saving.load_model(f"weight_sharing_{name}.keras")  # the best epoch
        scores = model.evaluate(test, return_dict=True, verbose=0)
        print(name, f"{model.count_params():,} parameters:", scores)
    print("Logistic regression on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()
