"""Quantization: a network in integers of 8 bits, at a quarter of its size, and in fewer bits.

Slides: 000 «DSAs: reducción de la precisión», 000 «Catapult», 000 «Flexpoint»,
        000 (table of CPU, GPU, FPGA and ASIC).
Paper:  Jacob et al. (2018), Quantization and training of neural networks for efficient
        integer-arithmetic-only inference, https://arxiv.org/abs/1712.05877;
        Köster et al. (2017), Flexpoint, https://arxiv.org/abs/1711.02213
Departs from the papers: the arithmetic is that of floats with quantized values, which gives the
same sums; the scale of activations is computed from the current batch; and only weights share
exponents, not activations and gradients.

There are three methods for 8 bits: by hand, with one scale per tensor or per channel; Keras'
`model.quantize`, which does not quantize convolutions; and LiteRT, which calibrates the scales of
activations on some images first. Variants: the network trained in floats, and with weights that
share an exponent: after every training step, each weight is rounded to a mantissa of 16 or 8 bits.
"""

import warnings

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.neighbors import NearestCentroid

from recipes.common.arrays import to_numpy

EPOCHS = 2
VARIANTS = {
    "float32": {},
    "flexpoint_16": {"mantissa_bits": 16},
    "flexpoint_8": {"mantissa_bits": 8},
}
BITS = (2, 3, 4, 5, 6, 7, 8)
CALIBRATION = 200  # images for LiteRT's calibration of activations


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("fashion_mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


@keras.saving.register_keras_serializable(package="quantization")
class SharedExponent(keras.constraints.Constraint):
    """Rounds a tensor to integers of some bits times one power of two (Flexpoint)."""

    def __init__(self, mantissa_bits):
        self.mantissa_bits = mantissa_bits

    def __call__(self, w):
        return share_exponent(w, self.mantissa_bits)

    def get_config(self):
        return {"mantissa_bits": self.mantissa_bits}


def share_exponent(values, mantissa_bits):
    """Values as integers of `mantissa_bits` bits, one of them the sign, times one power of two."""
    largest = keras.ops.maximum(keras.ops.max(keras.ops.abs(values)), 1e-30)
    exponent = keras.ops.floor(keras.ops.log2(largest)) + 1  # the largest is below 2 ** exponent
    step = 2.0 ** (exponent - (mantissa_bits - 1))
    limit = 2.0 ** (mantissa_bits - 1) - 1
    return step * keras.ops.clip(keras.ops.round(values / step), -limit, limit)


def build_model(filters=16, units=128, mantissa_bits=None, learning_rate=0.002, steps=EPOCHS * 446):
    """The compiled network: (28, 28, 1) images to 10 logits. 206,922 parameters.

    Args:
        filters: Of the first convolution; the second has twice as many.
        units: Of the hidden dense layer.
        mantissa_bits: Of weights that share an exponent; None for floats.
        learning_rate: Its initial value, followed by cosine decay to zero.
        steps: Of the whole training.
    """
    constraint = SharedExponent(mantissa_bits) if mantissa_bits else None
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            # 28 × 28 to 14 × 14 to 7 × 7.
            keras.layers.Conv2D(
                filters, 3, 2, padding="same", activation="relu", kernel_constraint=constraint
            ),
            keras.layers.Conv2D(
                2 * filters, 3, 2, padding="same", activation="relu", kernel_constraint=constraint
            ),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="relu", kernel_constraint=constraint),
            keras.layers.Dense(10, kernel_constraint=constraint),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "filters": hp.Int("filters", 8, 32, step=8, default=16),
        "units": hp.Int("units", 32, 256, step=32, default=128),
        "learning_rate": hp.Float(
            "learning_rate", 0.0005, 0.008, step=2, sampling="log", default=0.002
        ),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Nearest class mean."""
    images, labels = to_numpy(train)
    classifier = NearestCentroid().fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


def quantize(values, bits, per_channel=False):
    """Quantize values to integers with a scale: values ≈ integers · scale.

    Args:
        values: Array (…, channels).
        bits: The integers go from −(2^(bits−1) − 1) to 2^(bits−1) − 1.
        per_channel: Whether each channel has its own scale, or all share one.
    """
    axes = tuple(range(values.ndim - 1)) if per_channel else None
    largest = np.abs(values).max(axis=axes, keepdims=True)
    scale = np.where(largest > 0, largest, 1) / (2 ** (bits - 1) - 1)
    return np.rint(values / scale).astype("int32"), scale


def rounded(values, bits, per_channel=False):
    """Values after quantization and dequantization."""
    integers, scale = quantize(values, bits, per_channel)
    return (integers * scale).astype(values.dtype)


def forward(model, images, bits=None, per_channel=False, dtype="float32"):
    """The logits (count, 10) of a network, computed layer by layer.

    Args:
        model: As returned by `build_model`.
        images: Array (count, 28, 28, 1).
        bits: Of the weights and of the inputs of each layer; None for no quantization.
        per_channel: Whether each channel of the weights has its own scale.
        dtype: Of all computations.
    """
    x = images.astype(dtype) / 255
    for layer in model.layers:
        if isinstance(layer, keras.layers.Flatten):
            x = x.reshape(len(x), -1)
        if not isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            continue
        kernel, bias = (weight.astype(dtype) for weight in layer.get_weights())
        if bits:
            kernel = rounded(kernel, bits, per_channel)
            x = rounded(x, bits)
        if isinstance(layer, keras.layers.Conv2D):
            sums = keras.ops.conv(x, kernel, strides=layer.strides, padding="same")
        else:
            sums = keras.ops.matmul(x, kernel)
        x = keras.ops.convert_to_numpy(sums) + bias
        if layer.activation is keras.activations.relu:
            x = np.maximum(x, 0)
    return x


def with_few_bits(model, bits, per_channel):
    """A copy of a network with quantized kernels and unchanged biases."""
    copy = keras.models.clone_model(model)
    copy.set_weights(
        [
            rounded(weight, bits, per_channel) if weight.ndim > 1 else weight
            for weight in model.get_weights()
        ]
    )
    return copy


def by_hand_bytes(model, per_channel):
    """Bytes of a model with kernels of 8 bits, their scales, and biases of 32 bits."""
    count = 0
    for weight in model.get_weights():
        if weight.ndim == 1:
            count += weight.nbytes
        else:
            count += weight.size + 4 * (weight.shape[-1] if per_channel else 1)
    return count


def quantized_by_keras(model):
    """A copy whose dense layers have kernels of 8 bits; Keras does not quantize convolutions."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one for each layer that is not quantized
        copy.quantize("int8")
    return copy


def convert_to_litert(model, images):
    """The content of a LiteRT file with weights and activations of 8 bits."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in images)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return converter.convert()


def run_litert(content, images):
    """The logits (count, 10) that LiteRT computes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its move to another package
        interpreter = tf.lite.Interpreter(model_content=content)
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(place, images)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def compare_methods(model, train, test):
    """`{method: (accuracy, bytes)}` of a network in floats and in integers of 8 bits."""
    images, labels = to_numpy(test)
    images = images.astype("float32")
    samples, _ = to_numpy(train.unbatch().take(CALIBRATION).batch(CALIBRATION))
    by_keras = quantized_by_keras(model)
    file = convert_to_litert(model, samples.astype("float32"))
    logits = {
        "float32": forward(model, images),
        "by hand, per tensor": forward(model, images, 8),
        "by hand, per channel": forward(model, images, 8, per_channel=True),
        "Keras, dense layers": by_keras.predict(images, batch_size=500, verbose=0),
        "LiteRT": run_litert(file, images),
    }
    sizes = {
        "float32": sum(weight.nbytes for weight in model.get_weights()),
        "by hand, per tensor": by_hand_bytes(model, per_channel=False),
        "by hand, per channel": by_hand_bytes(model, per_channel=True),
        "Keras, dense layers": sum(weight.nbytes for weight in by_keras.get_weights()),
        "LiteRT": len(file),
    }
    compared = {}
    for method in logits:
        accuracy = np.mean(logits[method].argmax(axis=1) == labels)
        compared[method] = (accuracy, sizes[method])
    return compared


def further_scores(model, test, history):
    """The accuracy with weights and inputs of 8 bits, and a scale for each channel of weights."""
    images, labels = to_numpy(test)
    logits = forward(model, images.astype("float32"), 8, per_channel=True)
    return {"int8_accuracy": float(np.mean(logits.argmax(axis=1) == labels))}


def accuracy_by_bits(model, test):
    """`{granularity: accuracies}` with kernels of `BITS` bits."""
    images, labels = to_numpy(test)
    curves = {}
    for name, per_channel in (("one scale per tensor", False), ("one per channel", True)):
        curves[name] = []
        for bits in BITS:
            copy = with_few_bits(model, bits, per_channel)
            logits = copy.predict(images, batch_size=500, verbose=0)
            curves[name].append(np.mean(logits.argmax(axis=1) == labels))
    return curves


def formats(model, images):
    """`{format: (largest error of a logit, share of predictions equal to float64's)}`."""
    exact = forward(model, images, dtype="float64")
    outputs = {
        "float32": forward(model, images),
        "18 bits": forward(model, images, 18, dtype="float64"),
        "8 bits": forward(model, images, 8, dtype="float64"),
    }
    decisions = exact.argmax(axis=1)
    return {
        name: (np.abs(logits - exact).max(), np.mean(logits.argmax(axis=1) == decisions))
        for name, logits in outputs.items()
    }


def shared_exponent_errors(model):
    """Root mean squared rounding error of the largest kernel for each of `BITS` mantissa bits.

    It is relative to the kernel's standard deviation.
    """
    kernel = max(model.get_weights(), key=np.size)
    errors = []
    for bits in BITS:
        difference = keras.ops.convert_to_numpy(share_exponent(kernel, bits)) - kernel
        errors.append(np.sqrt(np.mean(difference**2)) / kernel.std())
    return errors


def row_by_row(left, right):
    """An integer matrix product in the order of a 1D unit: one row after the other."""
    return np.stack([(row[:, None] * right).sum(axis=0) for row in left])


def outer_products(left, right):
    """The same product in the order of a 2D unit: each step adds one product to every sum."""
    sums = np.zeros((left.shape[0], right.shape[1]), left.dtype)
    for column, row in zip(left.T, right, strict=True):
        sums += np.outer(column, row)
    return sums


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"quantization_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        history = model.fit(
            train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best]
        )
        model = keras.saving.load_model(f"quantization_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        print(name, further_scores(model, test, history.history))
    print("Nearest class mean:", baseline(train, test))

    model = keras.saving.load_model("quantization_float32.keras")  # the best epoch
    for method, (accuracy, size) in compare_methods(model, train, test).items():
        print(f"{method:21} accuracy {accuracy:.4f}, {size:9,} bytes")
    for name, accuracies in accuracy_by_bits(model, test).items():
        by_bits = zip(BITS, accuracies, strict=True)
        print(f"{name}:", ", ".join(f"{bits} bits {accuracy:.3f}" for bits, accuracy in by_bits))
    images, _ = to_numpy(test)
    for name, (error, agreed) in formats(model, images).items():
        print(f"{name:8} largest error of a logit {error:.1e}, {agreed:.2%} of decisions agree")
    errors = ", ".join(f"{error:.3f}" for error in shared_exponent_errors(model))
    print(f"Relative error of weights that share an exponent, {BITS} bits: {errors}")
    integers, _ = quantize(model.get_weights()[-2], 8)
    left, right = integers.T, integers
    same = np.array_equal(row_by_row(left, right), outer_products(left, right))
    print(f"Row by row and by outer products, integers give the same sums: {same}")


if __name__ == "__main__":
    main()
