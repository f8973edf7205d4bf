"""Vanishing gradient: ten layers with sigmoid or ReLU, small or scaled weights, few or many labels.

Slides: 000 «Deep Learning», 001 «vanishing gradient», 001 «Entrenamiento»,
        000 «Algunos hechos hicieron que backpropagation no tuviera éxito».
Paper:  Glorot & Bengio (2010), Understanding the difficulty of training deep feedforward neural
        networks, https://proceedings.mlr.press/v9/glorot10a.html;
        He et al. (2015), Delving deep into rectifiers, https://arxiv.org/abs/1502.01852
Departs from the slide: its fourth reason, slow computers, is omitted; all networks here are trained
for the same number of steps.

On its way back through a layer, the gradient is multiplied by the weights and by the slope of the
activation function. The slope of a sigmoid is at most 1/4, so ten layers scale the gradient by
at most 0.25¹⁰ ≈ 10⁻⁶, unless large weights compensate. The slope of ReLU is 1 wherever the unit is
on; weights of variance 2 / inputs (He) then keep the gradient's size from layer to layer.

The slide names three things that backpropagation lacked: enough labels, large enough networks, and
sensible initial weights. Ten hidden layers are trained with each combination of activation (ReLU or
sigmoid), initial weights (scaled to the layer's size, or simply small) and number of labels (10,000
or 500).
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 5
IMAGES = 10_000  # in an epoch; if fewer images have labels, they are repeated
VARIANTS = {
    "relu_scaled": {},
    "relu_small": {"initialization": "small"},
    "sigmoid_scaled": {"activation": "sigmoid"},
    "sigmoid_small": {"activation": "sigmoid", "initialization": "small"},
    "relu_scaled_500": {"labels": 500},
    "relu_small_500": {"initialization": "small", "labels": 500},
    "sigmoid_scaled_500": {"activation": "sigmoid", "labels": 500},
    "sigmoid_small_500": {"activation": "sigmoid", "initialization": "small", "labels": 500},
}


def load_data(labels=IMAGES, batch_size=50):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9.

    An epoch has 10,000 images, which are repeated if there are fewer `labels`.
    """
    splits = ["train[:20%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.take(labels).cache().shuffle(10_000).repeat().take(IMAGES)
    return train.batch(batch_size), validation.batch(1000).cache(), test.batch(1000).cache()


def initial_weights(initialization, activation):
    """The initializer of the layers' weights.

    Args:
        initialization: `"scaled"` to the activation and the layer's size, or `"small"` for a
            standard deviation of 0.01 in every layer.
        activation: `"relu"` for He initialization, any other for Glorot.
    """
    if initialization == "small":
        return keras.initializers.RandomNormal(stddev=0.01)
    if activation == "relu":
        return keras.initializers.HeNormal()
    return keras.initializers.GlorotNormal()


def build_model(activation="relu", initialization="scaled", depth=10, units=64, learning_rate=0.01):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 88,330 parameters.

    Args:
        activation: Activation function of the hidden layers.
        initialization: `"scaled"` or `"small"`, see `initial_weights`.
        depth: Number of hidden layers.
        units: Number of units in each hidden layer.
        learning_rate: Learning rate of gradient descent with momentum. Adam divides by the size of
            the gradient, which would hide that it vanishes.
    """
    hidden = []
    for _ in range(depth):
        weights = initial_weights(initialization, activation)
        hidden.append(keras.layers.Dense(units, activation, kernel_initializer=weights))
    # If layers are added one by one, Keras rebuilds the network with each of them.
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            *hidden,
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.SGD(learning_rate, momentum=0.9),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def gradient_sizes(model, images, labels):
    """The size of the gradient of each layer's weights, from the first layer to the last.

    Args:
        model: A network of `Dense` layers.
        images, labels: A batch.

    Returns:
        Array (layers,): the root mean square of the derivatives of the loss with respect to them.
    """
    kernels = [layer.kernel for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    with tf.GradientTape() as tape:
        probabilities = model(images, training=True)
        losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
        loss = keras.ops.mean(losses)
    gradients = tape.gradient(loss, [kernel.value for kernel in kernels])
    return np.array([np.sqrt(np.mean(gradient**2)) for gradient in gradients])


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "activation": hp.Choice("activation", ["relu", "tanh", "sigmoid"], default="relu"),
        "initialization": hp.Choice("initialization", ["scaled", "small"], default="scaled"),
        "depth": hp.Int("depth", 1, 20, default=10),
        "units": hp.Int("units", 32, 128, step=32, default=64),
        "learning_rate": hp.Choice("learning_rate", [0.003, 0.01, 0.03, 0.1, 0.3], default=0.01),
        "batch_size": hp.Choice("batch_size", [25, 50, 100], default=50),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        arguments = dict(arguments)
        train, validation, test = load_data(arguments.pop("labels", IMAGES))
        model = build_model(**arguments)
        sizes = gradient_sizes(model, *next(iter(test)))
        print(f"{name}: gradient of the last layer {sizes[-1]:.1e}, of the first {sizes[0]:.1e}")
        best = keras.callbacks.ModelCheckpoint(
            f"vanishing_gradient_{name}.keras",
            monitor="val_accuracy",
            mode="max",
            save_best_only=True,
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"vanishing_gradient_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        print("Logistic regression on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()
