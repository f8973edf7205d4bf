"""Mixed precision: float32, float16 and bfloat16, loss scaling, and what each format loses.

Slides: 000 «DSAs: 16 bit», 000 «DSAs: DSL (Halide, TensorFlow)».
Paper:  Micikevicius et al. (2018), Mixed precision training, https://arxiv.org/abs/1710.03740;
        Kalamkar et al. (2019), A study of BFLOAT16 for deep learning training,
        https://arxiv.org/abs/1905.12322
Departs from the papers: a CPU without arithmetic of 16 bits, on which they save memory, and no
time; and a small network, whose gradients are made small by dividing the loss.

A number of 16 bits takes half the memory of one of 32. float16 has 10 bits of mantissa, but only 5
of exponent: what is below 6 · 10⁻⁸ becomes 0, and what is above 65,504 infinite. bfloat16 has the
range of float32, but only 7 bits of mantissa. Three techniques make up for that: weights are kept
in float32, for a small step would not change one of 16 bits; many small numbers are summed in
float32; and the loss is multiplied by a large number, so that gradients in float16 do not become 0,
and the optimizer divides them by it again.

Variants: all in 32 bits; layers that compute in bfloat16, with weights in float32 and in bfloat16;
layers that compute in float16, with loss scaling and without. With a small loss, a mean over as
many answers as an image of 256 × 256 pixels has, float16 does not learn without loss scaling.
"""

import time

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 3
PIXELS = 256 * 256  # by which a small loss is divided
VARIANTS = {
    "float32": {},
    "bfloat16": {"policy": "mixed_bfloat16"},
    "bfloat16_weights": {"policy": "bfloat16"},
    "float16": {"policy": "mixed_float16", "loss_scaling": True},
    "float16_unscaled": {"policy": "mixed_float16"},
    "small_loss": {"policy": "mixed_float16", "loss_scaling": True, "divisor": PIXELS},
    "small_loss_unscaled": {"policy": "mixed_float16", "divisor": PIXELS},
}
FORMATS = {  # bits of the exponent and of the mantissa; one more bit is the sign
    "float32": (8, 23),
    "bfloat16": (8, 7),
    "float16": (5, 10),
}
NUMBERS = (0.1, 0.999, 1e-8, 70_000)  # examples to be rounded
ADDEND = 0.001  # of a sum
ADDENDS = 5000
SCALE = 2.0**15  # by which the loss is multiplied at first
BATCH = 128  # whose gradients and memory are shown
REPEATS = 5  # of timed inferences, the fastest of which counts


def load_data(batch_size=BATCH):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("fashion_mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def build_model(
    policy="float32",
    loss_scaling=False,
    divisor=1,
    units=128,
    learning_rate=0.05,
    steps=EPOCHS * 446,
):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 134,794 parameters.

    Args:
        policy: Keras' name of a dtype policy: "mixed_float16" computes in float16, with weights in
            float32; "float16" has its weights in float16, too.
        loss_scaling: Whether the loss is multiplied by a number, which is doubled from time to time
            and halved whenever a gradient becomes infinite.
        divisor: The loss is divided by it, and the learning rate multiplied by it: all that
            changes is how the gradients are rounded.
        units: Of each of the three hidden layers.
        learning_rate: Of gradient descent with momentum; its initial value, followed by cosine
            decay to zero.
        steps: Of the whole training.
    """
    hidden = [keras.layers.Dense(units, "relu", dtype=policy) for _ in range(3)]
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255, dtype=policy),
            keras.layers.Flatten(dtype=policy),
            *hidden,
            keras.layers.Dense(10, dtype=policy),
            # Probabilities, and so the loss, are computed in 32 bits.
            keras.layers.Activation("softmax", dtype="float32"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(divisor * learning_rate, steps)
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9)
    if loss_scaling:
        optimizer = keras.mixed_precision.LossScaleOptimizer(optimizer, SCALE)
    model.compile(
        optimizer,
        loss="sparse_categorical_crossentropy",
        loss_weights=[1 / divisor],
        metrics=["accuracy"],
        auto_scale_loss=False,  # Keras would add it wherever the policy is "mixed_float16"
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    policies = ["float32", "mixed_bfloat16", "mixed_float16"]
    return {
        "policy": hp.Choice("policy", policies, default="float32"),
        "units": hp.Int("units", 32, 256, step=32, default=128),
        "learning_rate": hp.Choice("learning_rate", [0.01, 0.02, 0.05, 0.1], default=0.05),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


def limits(exponent_bits, mantissa_bits):
    """What a format can represent.

    Returns:
        `largest`, the `smallest` number above 0, the smallest `normal` one, below which bits of the
        mantissa are lost, the `spacing` of numbers above 1, and the largest integer up to which the
        format `counts` one by one.
    """
    bias = 2 ** (exponent_bits - 1) - 1
    spacing = 2.0**-mantissa_bits
    return {
        "largest": 2.0**bias * (2 - spacing),
        "normal": 2.0 ** (1 - bias),
        "smallest": 2.0 ** (1 - bias) * spacing,
        "spacing": spacing,
        "counts": 2 ** (mantissa_bits + 1),
    }


def rounded(values, exponent_bits, mantissa_bits):
    """The nearest numbers of a format, as float64; of two, the one whose last bit is 0.

    Args:
        values: A number or an array, which is taken as float64.
        exponent_bits, mantissa_bits: Of the format, fewer than those of float64.
    """
    values = np.asarray(values, "float64")
    limit = limits(exponent_bits, mantissa_bits)
    _, exponents = np.frexp(values)  # values are below 2 ** exponents
    # Numbers from 2ⁿ to 2ⁿ⁺¹ are equally spaced, and those below the normal ones like the first.
    steps = np.maximum(np.ldexp(limit["spacing"], exponents - 1), limit["smallest"])
    nearest = np.rint(values / steps) * steps
    return np.where(np.abs(nearest) > limit["largest"], np.copysign(np.inf, values), nearest)


def running_sums(exponent_bits, mantissa_bits):
    """The sums of the first 1, 2, … of `ADDENDS` equal addends, each rounded: an array."""
    addend = rounded(ADDEND, exponent_bits, mantissa_bits)
    total = 0.0
    sums = []
    for _ in range(ADDENDS):
        total = rounded(total + addend, exponent_bits, mantissa_bits)
        sums.append(total)
    return np.array(sums)


def activation_gradients(model, images, labels):
    """The gradients of a batch's mean loss with respect to the outputs of the dense layers.

    Args:
        model: A network in float32.
        images, labels: The batch.

    Returns:
        Arrays (batch, units), that of the first layer first.
    """
    outputs = []
    x = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        for layer in model.layers:
            x = layer(x)
            if isinstance(layer, keras.layers.Dense):
                tape.watch(x)
                outputs.append(x)
        losses = keras.losses.sparse_categorical_crossentropy(labels, x)
        loss = keras.ops.mean(losses)
    return [keras.ops.convert_to_numpy(gradient) for gradient in tape.gradient(loss, outputs)]


def share_lost(gradients, scale=1.0):
    """The share of gradients other than 0 that become 0 in float16, multiplied by `scale`."""
    gradients = gradients[gradients != 0]
    return float(np.mean(rounded(scale * gradients, *FORMATS["float16"]) == 0))


def memory(model, batch_size):
    """Bytes of the `weights`, of the state of the `optimizer`, and of a batch's `activations`.

    Activations are the outputs of all layers, which training keeps for backpropagation.
    """
    activations = 0
    for layer in model.layers:
        values = batch_size * np.prod(layer.output.shape[1:])
        activations += values * np.dtype(layer.output.dtype).itemsize
    return {
        "weights": sum(weight.numpy().nbytes for weight in model.weights),
        "optimizer": sum(variable.numpy().nbytes for variable in model.optimizer.variables),
        "activations": int(activations),
    }


def compare_compiled(model, images):
    """A network as a graph of TensorFlow's operations, and compiled by XLA.

    Returns:
        The milliseconds of one inference of all images in each way, `{"graph": …, "XLA": …}`, and
        the largest difference of a probability.
    """
    milliseconds = {}
    answers = {}
    for name, jit_compile in (("graph", False), ("XLA", True)):
        function = tf.function(model, jit_compile=jit_compile)
        answers[name] = function(images).numpy()  # it is traced and compiled here
        times = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            function(images)
            times.append(time.perf_counter() - started)
        milliseconds[name] = 1000 * min(times)
    return milliseconds, float(np.abs(answers["graph"] - answers["XLA"]).max())


def main():
    models = {}
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"mixed_precision_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"mixed_precision_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        models[name] = model
    print("Logistic regression on the pixels:", baseline(train, test))

    for name, bits in FORMATS.items():
        described = ", ".join(f"{key} {value:.3g}" for key, value in limits(*bits).items())
        print(f"{name}: {described}")
        examples = ", ".join(f"{number:g} is {rounded(number, *bits):.6g}" for number in NUMBERS)
        print(f"{name}: {examples}")
        print(f"{name}: {ADDENDS:,} times {ADDEND} is {running_sums(*bits)[-1]:.4g}")

    images, labels = to_numpy(test.unbatch().take(BATCH).batch(BATCH))
    for layer, gradients in enumerate(activation_gradients(models["float32"], images, labels)):
        for divisor, scale in ((1, 1), (PIXELS, 1), (PIXELS, SCALE)):
            lost = share_lost(gradients, scale / divisor)
            print(f"dense layer {layer}: of gradients · {scale:g} / {divisor}, {lost:.1%} are lost")

    for name, model in models.items():
        sizes = ", ".join(f"{what} {size:,}" for what, size in memory(model, BATCH).items())
        milliseconds, difference = compare_compiled(model, images)
        times = ", ".join(f"{way} {time:.2f} ms" for way, time in milliseconds.items())
        print(f"{name}: bytes of {sizes}; {times}, and probabilities differ by {difference:.1e}")


if __name__ == "__main__":
    main()
