"""Networks at their published sizes on one device: training steps and inference, by precision.

    make bench-devices                                 on TensorFlow, with XLA and without it
    KERAS_BACKEND=jax make bench-devices               on JAX, which compiles everything by XLA
    KERAS_BACKEND=torch make bench-devices             on PyTorch, without XLA
    make bench-devices ARGS="--peak 989"               with the share of a peak of 989 TFLOP/s
    make bench-devices ARGS="cnn_mnist --quick"        one network, small batches, three steps
    make bench-devices ARGS=runner                     what `run` and `tune` add to plain training

Training is plain Keras: `compile` and `fit`, which brings each batch from the host's memory. Images
and tokens are random. The first epoch compiles, the second one counts. The share of the peak is
that of 6 floating-point operations for each multiply–accumulate of an inference: two for the
inference, four for the gradients of its weights and of its inputs. The last two columns are the
slide's (002 «Costo de cómputo»): GoogLeNet on a Titan X, one image at a time and in batches of 128.

`runner`, on TensorFlow only: an epoch of the recipe cnn_mnist by the project's `run`, beside plain
`fit` with the same data; and trials per hour of a search by `tune`, whose trials take as long as
the recipe itself. What is not `trials · epochs` of plain training is the search's: processes that
start, building and compiling, states written after each epoch.
"""

import argparse
import contextlib
import functools
import io
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import unittest.mock

import keras
import numpy as np

from layers.transformer import Transformer
from recipes._runner import cli
from recipes.cnn_architectures.googlenet import googlenet
from recipes.cnn_architectures.resnet import resnet
from recipes.cnn_architectures.vgg import vgg
from recipes.convolution import cnn_mnist
from recipes.hardware import throughput

RUNNER = "runner"
CLASSES = 1000
STEPS = 40
CALLS = 100  # of inference
ROUNDS = 2  # of `run` and plain `fit` in turn
EPOCHS = 3  # of each, the first of which compiles
TRIALS = 4  # of the search
# The base model of Vaswani et al. (2017), with the vocabularies of the recipe.
TRANSFORMER = {"embed_dim": 512, "num_heads": 8, "ff_dim": 2048, "depth": 6, "dropout": 0.1}
WORDS = 6000
TOKENS = 32  # of each sentence
# Images a second, one at a time and in batches.
OF_THE_SLIDE = {
    "googlenet": [cost.images for cost in throughput.COSTS if cost.chip == "Titan X, 32 bits"]
}


def of_images(network, size):
    """A model from (size, size, 3) images of 0 to 255 to class probabilities."""
    images = keras.Input((size, size, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    return keras.Model(images, network(x, classes=CLASSES))


def translator():
    """A model from source and target tokens to the logits of the next target tokens."""
    source = keras.Input((TOKENS,), dtype="int32")
    target = keras.Input((TOKENS,), dtype="int32")
    logits = Transformer(WORDS, WORDS, **TRANSFORMER)([source, target])
    return keras.Model([source, target], logits)


# By name: what builds the model, and how many examples a training step takes.
NETWORKS = {
    "cnn_mnist": (cnn_mnist.build_model, 1024),
    "vgg": (lambda: of_images(vgg, 224), 128),
    "resnet": (lambda: of_images(resnet, 224), 128),
    "googlenet": (lambda: of_images(googlenet, 224), 128),
    "transformer": (translator, 256),
}


def random_batch(model, size):
    """Random inputs and targets for a model; targets are classes."""
    generator = np.random.default_rng(0)
    inputs = []
    for tensor in model.inputs:
        shape = (size, *tensor.shape[1:])
        if "int" not in tensor.dtype:
            inputs.append(generator.random(shape, "float32"))
        else:
            inputs.append(generator.integers(1, 256, shape).astype(tensor.dtype))
    targets = generator.integers(0, model.output_shape[-1], (size, *model.output_shape[1:-1]))
    return inputs if len(inputs) > 1 else inputs[0], targets.astype("int32")


class Clock(keras.callbacks.Callback):
    """Takes down when each epoch began, and the last one ended."""

    def __init__(self):
        super().__init__()
        self.times = []

    def on_epoch_begin(self, epoch, logs=None):
        self.times.append(time.perf_counter())

    # The loss of an epoch is known when its last step has ended.
    def on_train_end(self, logs=None):
        self.times.append(time.perf_counter())

    def epochs(self):
        """Seconds of each epoch but the first, which compiles."""
        return np.diff(self.times)[1:].tolist()


def training_speed(model, xla, size, steps):
    """Examples a second of `fit`, by batches of `size`."""
    for layer in model.layers:
        if xla and hasattr(layer, "xla"):
            layer.xla = True  # it knows another way for an operation that XLA lacks
    logits = model.output_shape[-1] == WORDS
    model.compile(
        keras.optimizers.SGD(0.001, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=logits),
        jit_compile=xla,
    )
    batch = random_batch(model, size)

    def batches():
        while True:
            yield batch

    clock = Clock()
    model.fit(
        batches(),
        steps_per_epoch=steps,
        epochs=2,
        shuffle=False,
        verbose=0,
        callbacks=[clock],
    )
    (seconds,) = clock.epochs()
    return size * steps / seconds


def inference_speed(model, xla, size, calls):
    """Examples a second of `predict_on_batch`, by batches of `size`."""
    model.compile(jit_compile=xla)
    inputs, _ = random_batch(model, size)
    for _ in range(3):
        model.predict_on_batch(inputs)
    start = time.perf_counter()
    for _ in range(calls):
        model.predict_on_batch(inputs)
    return size * calls / (time.perf_counter() - start)


@functools.cache
def multiply_accumulates(name):
    """Of one inference; those of images are read from TensorFlow's graph, in another process."""
    if name == "transformer":
        return of_transformer(TOKENS, TOKENS)
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-m", "benchmarks.bench_devices", name, "--count"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def of_transformer(source, target):
    """The same for one pair of sentences, of so many tokens each."""
    width = TRANSFORMER["embed_dim"]
    feed_forward = 2 * width * TRANSFORMER["ff_dim"]
    square = width * width
    # Query, key, value and output of each token, then the products of all pairs of tokens.
    encoder = source * (4 * square + feed_forward) + 2 * source * source * width
    decoder = target * (4 * square + feed_forward) + 2 * target * target * width
    # Cross-attention: keys and values are of the source, queries and outputs of the target.
    cross = (2 * source + 2 * target) * square + 2 * source * target * width
    return TRANSFORMER["depth"] * (encoder + decoder + cross) + target * width * WORDS


def measure(name, precision, xla, peak, quick):
    """One line of the table."""
    keras.config.set_dtype_policy(precision)
    build, size = NETWORKS[name]
    size = 2 if quick else size
    speed = training_speed(build(), xla, size, 3 if quick else STEPS)
    line = f"{name:12} {precision:15} {'XLA' if xla else '-':4} {size:5} {speed:10,.0f}"
    if peak:
        line += f" {6 * multiply_accumulates(name) * speed / (peak * 1e12):7.1%}"
    for batch in (1, size):
        speed = inference_speed(build(), xla, batch, 3 if quick else CALLS)
        line += f" {speed:10,.0f}"
    for speed in OF_THE_SLIDE.get(name, []):
        line += f" {speed:10,}"
    print(line, flush=True)
    keras.backend.clear_session()


def trials_of_a_search(quick):
    """The number of trials of a search of cnn_mnist, and the seconds until the last one ended."""
    # Not searched: what changes the time that a trial takes.
    words = ["--tuner", "random", "--set", "filters=16", "--set", "batch_size=128"]
    words += ["--smoke"] if quick else ["--trials", str(TRIALS)]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "recipes", "tune", "cnn_mnist", *words, "--output", folder]
        began = time.time()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        # The winner is trained once more after the last trial.
        ends = [path.stat().st_mtime for path in pathlib.Path(folder).rglob("trial_*/run.json")]
    return len(ends), max(ends) - began


def seconds_of_an_epoch(quick):
    """Seconds of an epoch of cnn_mnist by `run`, and by plain `fit`: medians."""
    by_run, by_fit = [], []
    words = ["run", "cnn_mnist", "--epochs", str(EPOCHS), *(["--smoke"] if quick else [])]
    for _ in range(ROUNDS):
        clock = Clock()
        with (
            tempfile.TemporaryDirectory() as folder,
            unittest.mock.patch.object(cnn_mnist, "callbacks", return_value=[clock], create=True),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            status = cli.main([*words, "--output", folder])
        if status:
            sys.exit(status)
        by_run += clock.epochs()
        # The same data, which `run` has chosen.
        train, validation, _ = cnn_mnist.load_data()
        model = cnn_mnist.build_model(steps=EPOCHS * len(train))
        clock = Clock()
        model.fit(
            train,
            validation_data=validation,
            epochs=EPOCHS,
            shuffle=False,
            verbose=0,
            callbacks=[clock],
        )
        by_fit += clock.epochs()
    return statistics.median(by_run), statistics.median(by_fit)


def measure_runner(quick):
    """Two lines on what `run` and `tune` add to plain training, of cnn_mnist."""
    keras.config.set_dtype_policy("float32")
    # First the search, in processes of its own: later, this one would have the GPU's memory.
    trials, seconds = trials_of_a_search(quick)
    by_run, by_fit = seconds_of_an_epoch(quick)
    print(
        f"cnn_mnist, an epoch: {by_run:.2f} s by run, {by_fit:.2f} s by plain fit; "
        f"{by_run / by_fit:.2f} times as long"
    )
    epochs = 1 if quick else cnn_mnist.EPOCHS
    share = 1 - trials * epochs * by_fit / seconds
    print(
        f"cnn_mnist, a search: {trials} trials of {epochs} epochs in {seconds:.0f} s, "
        f"{3600 * trials / seconds:,.0f} per hour; {share:.0%} of the time is not plain training",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    known = [RUNNER, *NETWORKS]
    parser.add_argument("networks", nargs="*", help=f"of {', '.join(known)} [all]")
    parser.add_argument("--peak", type=float, metavar="TFLOP/S", help="of the chip, in 16 bits")
    parser.add_argument("--quick", action="store_true", help="small batches, to see that it works")
    parser.add_argument("--count", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = set(options.networks) - set(known)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(known)}")
    if options.count:
        from recipes.common.network_cost import network_cost

        model = NETWORKS[options.networks[0]][0]()
        print(network_cost(model)["multiply_accumulates"])
        return
    backend = keras.backend.backend()
    if RUNNER in options.networks and backend != "tensorflow":
        parser.error(f"{RUNNER}: run and tune are on TensorFlow, and this is {backend}")
    names = options.networks or known
    if RUNNER in names and backend == "tensorflow":
        measure_runner(options.quick)
    names = [name for name in names if name != RUNNER]
    if not names:
        return
    print(f"{backend}; examples a second: training, inference of one, inference of a batch")
    head = f"{'network':12} {'precision':15} {'':4} {'batch':>5} {'training':>10}"
    head += " of peak" if options.peak else ""
    print(f"{head} {'one':>10} {'a batch':>10} {'slide: one':>10} {'a batch':>10}")
    for name in names:
        for precision in ("float32", "mixed_bfloat16"):
            for xla in {"tensorflow": (False, True), "jax": (True,), "torch": (False,)}[backend]:
                measure(name, precision, xla, options.peak, options.quick)


if __name__ == "__main__":
    main()
