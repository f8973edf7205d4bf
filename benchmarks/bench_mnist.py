"""How much computing it takes to read MNIST: `cnn_mnist` beside two known examples, on the CPU.

    make bench-mnist                          five repetitions; over an hour on two cores
    make bench-mnist ARGS="--quick"           a few steps each, to see that it works
    make bench-mnist ARGS="--only keras_io recipe_1 --json timings.json"

Each contender runs in a fresh process, one after the other, in an order that rotates from
repetition to repetition. The clocks run while training does: not while importing, reading data or
testing; compiling the first step counts. Contenders with a target train until an epoch ends with
99.0 % on the test set. All have the same images ready in memory when their clock starts, and none
has tf.data's autotune, whose stalls would otherwise be measured. (Someone who types
`make recipe-cnn-mnist` waits for the reading too: images are unpacked in the first epoch, 4 to 5
CPU seconds.) What the runner adds to `fit` is less than two processes that do the same differ by:
it is measured within one. For one epoch, no augmentation and three quarters of the filters were
chosen on validation images; of the rates tried on them (0.01 to 0.045) the highest was best, and
0.04 is the value next to it in the recipe's search space.
"""

import argparse
import functools
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from unittest import mock

TARGET = 0.99
QUICK_STEPS = 5
PAIRS = 10
ONE_EPOCH = [
    "--epochs",
    "1",
    "--set",
    "filters=12",
    "--set",
    "augment=0",
    "--set",
    "learning_rate=0.04",
]
CONTENDERS = {
    "recipe_1": "cnn_mnist by the runner, one epoch",
    "recipe": "cnn_mnist by the runner, its own schedule",
    "bare_fit": "cnn_mnist by a bare fit, the same schedule",
    "keras_io": "keras.io's MNIST convnet, to 99.0 %",
    "pytorch": "PyTorch's basic MNIST example, to 99.0 %",
}


class Clock:
    """Adds up the CPU and wall seconds spent inside `with clock:`."""

    def __init__(self):
        self.cpu = self.wall = 0.0

    def __enter__(self):
        self.started = time.process_time(), time.perf_counter()

    def __exit__(self, *exception):
        self.cpu += time.process_time() - self.started[0]
        self.wall += time.perf_counter() - self.started[1]


def outcome(clock, accuracy, epochs, images):
    return {
        "cpu_seconds": clock.cpu,
        "wall_seconds": clock.wall,
        "accuracy": float(accuracy),
        "epochs": epochs,
        "images": images,
    }


# The contenders. Each runs in its own process and returns its `outcome`.


def read_before(load_data):
    """The function, with the images of its training set unpacked into their cache."""

    @functools.wraps(load_data)
    def load(*arguments, **keywords):
        sets = load_data(*arguments, **keywords)
        for _ in sets[0]:
            pass
        return sets

    return load


def recipe(seed, quick, flags=()):
    """`python -m recipes run cnn_mnist`, in a folder of its own."""
    from recipes._runner import cli
    from recipes.convolution import cnn_mnist

    ready = mock.patch.object(cnn_mnist, "load_data", read_before(cnn_mnist.load_data))
    with ready, tempfile.TemporaryDirectory() as folder:
        command = ["run", "cnn_mnist", "--seed", str(seed), "--output", folder, *flags]
        if cli.main(command + ["--smoke"] * quick):
            raise SystemExit("the run failed")
        metrics = json.loads(
            next(pathlib.Path(folder).rglob("metrics.json")).read_text(encoding="utf8")
        )
    if "stand-in" in metrics["data"].values() and not quick:
        raise SystemExit("MNIST is not prepared here; TFDS_DATA_DIR=… says where it is")
    clock = Clock()
    clock.cpu, clock.wall = metrics["fit_cpu_seconds"], metrics["fit_seconds"]
    images = 2 * 128 if quick else metrics["epochs"] * 57_000
    return outcome(clock, metrics["scores"]["accuracy"], metrics["epochs"], images)


def bare_fit(seed, quick, epochs=None):
    """The same network, data and schedule in four lines of plain Keras."""
    import keras

    from recipes.convolution import cnn_mnist

    keras.utils.set_random_seed(seed)
    train, validation, test = map(without_autotune, read_before(cnn_mnist.load_data)())
    epochs = 1 if quick else epochs or cnn_mnist.EPOCHS
    steps = QUICK_STEPS if quick else int(train.cardinality())
    model = cnn_mnist.build_model(steps=epochs * steps)
    clock = Clock()
    with clock:
        model.fit(
            train.take(steps) if quick else train,
            validation_data=validation,
            epochs=epochs,
            shuffle=False,
        )
    images = 128 * steps if quick else 57_000 * epochs
    return outcome(clock, model.evaluate(test, return_dict=True)["accuracy"], epochs, images)


def keras_io(seed, quick):
    """34,826 parameters: all as at https://keras.io/examples/vision/mnist_convnet."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    (images, labels), (test_images, test_labels) = mnist()
    train = (
        tf.data.Dataset.from_tensor_slices((images / 255, labels))
        .shuffle(10_000)
        .batch(128)
        .prefetch(2)
    )
    test = tf.data.Dataset.from_tensor_slices((test_images / 255, test_labels)).batch(500)
    train, test = (
        without_autotune(train.take(QUICK_STEPS) if quick else train),
        without_autotune(test),
    )
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    assert model.count_params() == 34_826
    model.compile(
        keras.optimizers.Adam(0.001), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    clock = Clock()
    for epoch in range(1 if quick else 15):
        with clock:
            model.fit(train, initial_epoch=epoch, epochs=epoch + 1, shuffle=False)
        accuracy = model.evaluate(test, return_dict=True, verbose=0)["accuracy"]
        if accuracy >= TARGET:
            break
    return outcome(clock, accuracy, epoch + 1, 128 * QUICK_STEPS if quick else 60_000 * (epoch + 1))


def pytorch(seed, quick):
    """1,199,882 parameters: all as at https://github.com/pytorch/examples/tree/main/mnist."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    (images, labels), (test_images, test_labels) = (
        (torch.tensor((x / 255 - 0.1307) / 0.3081).permute(0, 3, 1, 2), torch.tensor(y))
        for x, y in mnist()
    )
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )
    assert sum(parameter.numel() for parameter in model.parameters()) == 1_199_882
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    clock = Clock()
    for epoch in range(1 if quick else 14):  # noqa: B007 (read after the loop)
        model.train()
        with clock:
            for batch in torch.randperm(len(images)).split(64)[: QUICK_STEPS if quick else None]:
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
                optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            right = [
                model(x).argmax(1) == y
                for x, y in zip(test_images.split(1000), test_labels.split(1000), strict=True)
            ]
        accuracy = torch.cat(right).float().mean().item()
        if accuracy >= TARGET:
            break
    return outcome(clock, accuracy, epoch + 1, 64 * QUICK_STEPS if quick else 60_000 * (epoch + 1))


def overhead(seed, quick):
    """CPU seconds of a one-epoch `fit`, by the runner and bare: pairs, in turns, after a warmup."""
    import keras

    fit, clock = keras.Model.fit, Clock()

    def timed(*arguments, **keywords):
        with clock:
            return fit(*arguments, **keywords)

    contenders = [
        functools.partial(recipe, flags=["--epochs", "1"]),
        functools.partial(bare_fit, epochs=1),
    ]
    pairs = []
    with mock.patch.object(keras.Model, "fit", timed):
        for turn in range(2 if quick else PAIRS + 1):
            pair = [0.0, 0.0]
            for index in (0, 1) if turn % 2 else (1, 0):
                clock.cpu = 0.0
                contenders[index](seed, quick)
                pair[index] = clock.cpu
            pairs.append(pair)
    return pairs[1:]


def mnist():
    """Training and test set: float32 images (rows, 28, 28, 1) from 0 to 255 and int64 labels."""
    import tensorflow_datasets as tfds

    parts = tfds.load(
        "mnist", split=["train", "test"], batch_size=-1, as_supervised=True, download=False
    )
    return [(images.numpy().astype("float32"), labels.numpy()) for images, labels in parts]


def without_autotune(data):
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


WORKERS = {
    "recipe_1": functools.partial(recipe, flags=ONE_EPOCH),
    "recipe": recipe,
    "bare_fit": bare_fit,
    "keras_io": keras_io,
    "pytorch": pytorch,
    "overhead": overhead,
}


# The benchmark: processes, medians, table.


def measure(name, seed, quick):
    """One contender in a fresh process. Returns its outcome; None after saying why it has none."""
    with tempfile.TemporaryDirectory() as folder:
        result = pathlib.Path(folder) / "outcome.json"
        command = [sys.executable, __file__, "--worker", name, str(seed), str(result)] + [
            "--quick"
        ] * quick
        environment = {
            "TF_CPP_MIN_LOG_LEVEL": "2",
            **os.environ,
            "CUDA_VISIBLE_DEVICES": "",
            "KERAS_BACKEND": "tensorflow",
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            print(
                f"{name}: failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}",
                file=sys.stderr,
            )
            return None
        return json.loads(result.read_text(encoding="utf8"))


def table(outcomes):
    """The table's lines: medians over the repetitions, CPU seconds relative to the first one's."""
    yield f"{'':42}   CPU s  ratio  wall s epochs accuracy images/s per CPU-s"
    first = None
    for name, runs in outcomes.items():
        if not runs:
            continue
        cpu, wall, epochs, accuracy = (
            statistics.median(run[key] for run in runs)
            for key in ("cpu_seconds", "wall_seconds", "epochs", "accuracy")
        )
        first = first or cpu
        speed = statistics.median(run["images"] / run["wall_seconds"] for run in runs)
        cpu_speed = statistics.median(run["images"] / run["cpu_seconds"] for run in runs)
        yield (
            f"{CONTENDERS[name]:42} {cpu:7.1f} {cpu / first:6.2f} {wall:7.1f} {epochs:6g} "
            f"{accuracy:8.2%} {speed:8,.0f} {cpu_speed:9,.0f}"
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--repeats", type=int, default=5, metavar="N", help="repetitions of each [5]"
    )
    parser.add_argument(
        "--only", nargs="+", choices=WORKERS, metavar="NAME", help=f"of {', '.join(WORKERS)}"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one repetition of a few steps: shows only that it works",
    )
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write every run there")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        name, seed, result = options.worker
        pathlib.Path(result).write_text(
            json.dumps(WORKERS[name](int(seed), options.quick)), encoding="utf8"
        )
        return

    names = [name for name in CONTENDERS if not options.only or name in options.only]
    if "pytorch" in names and importlib.util.find_spec("torch") is None:
        print("pytorch: skipped, torch is not installed (make setup EXTRAS=torch)")
        names.remove("pytorch")
    outcomes = {name: [] for name in names}
    for repetition in range(1 if options.quick else options.repeats):
        turn = repetition % (len(names) or 1)
        for name in names[turn:] + names[:turn]:
            result = measure(name, repetition, options.quick)
            if result:
                outcomes[name].append({"repetition": repetition, **result})
                cpu, accuracy = result["cpu_seconds"], result["accuracy"]
                print(
                    f"{repetition + 1}. {name}: {cpu:.1f} CPU s, {result['wall_seconds']:.1f} s, "
                    f"{accuracy:.2%}",
                    flush=True,
                )
            if options.json:
                options.json.write_text(json.dumps(outcomes, indent=1), encoding="utf8")
    if any(outcomes.values()):
        print(*table(outcomes), sep="\n")
    if not options.only or "overhead" in options.only:
        pairs = measure("overhead", 0, options.quick) or []
        if options.json:
            options.json.write_text(
                json.dumps(outcomes | {"overhead": pairs}, indent=1), encoding="utf8"
            )
        shares = [runner / bare - 1 for runner, bare in pairs]
        if shares:
            found = f"{statistics.median(shares):+.1%}, the median of {len(shares)} pairs"
            print(
                f"The runner's fit takes {found} ({min(shares):+.1%} to {max(shares):+.1%}), "
                "beside a bare fit."
            )


if __name__ == "__main__":
    main()
