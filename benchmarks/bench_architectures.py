"""Our networks beside those of `keras.applications`: CPU time of a training step and of inference.

    make bench-architectures                       all of them; minutes on one core
    make bench-architectures ARGS="vgg resnet"     some of them
    make bench-architectures ARGS="--rounds 15"    steadier medians
    make bench-architectures ARGS="--quick"        small batches, one round, to see that it works

Both networks have the same sizes and batches, random weights and random images, and compute the
same: where ours is ordered otherwise, or leaves out the biases that batch normalization subtracts
again (ResNet-50), outputs are equal. They take turns in one process, after a first round that
compiles. Dropout is off, for Keras' VGG-16 has none. A ratio below 1 says that ours takes less CPU
time; the median counts. To see how much of a ratio is noise, a second network of Keras, built
in the same way, takes its turn, too: it should take as long as the first.
"""

import argparse
import collections
import statistics
import time

import keras
import numpy as np

from recipes.cnn_architectures.densenet import densenet
from recipes.cnn_architectures.inception_resnet_v2 import inception_resnet_v2
from recipes.cnn_architectures.inception_v3 import inception_v3
from recipes.cnn_architectures.mobilenet import mobilenet
from recipes.cnn_architectures.resnet import resnet
from recipes.cnn_architectures.vgg import vgg
from recipes.cnn_architectures.xception import xception

CLASSES = 10
BATCH = 16
ROUNDS = 5
# By name: our function, their class, height and width of the images.
NETWORKS = {
    "vgg": (vgg, keras.applications.VGG16, 64),
    "resnet": (resnet, keras.applications.ResNet50, 64),
    "densenet": (densenet, keras.applications.DenseNet121, 64),
    "mobilenet": (mobilenet, keras.applications.MobileNet, 64),
    "xception": (xception, keras.applications.Xception, 80),
    "inception_v3": (inception_v3, keras.applications.InceptionV3, 80),
    "inception_resnet_v2": (inception_resnet_v2, keras.applications.InceptionResNetV2, 80),
}


def build(name):
    """Our network, theirs, and theirs again as a control, compiled."""
    ours, theirs, size = NETWORKS[name]
    shape = (size, size, 3)
    images = keras.Input(shape)
    models = {
        "ours": keras.Model(images, ours(images, classes=CLASSES)),
        "theirs": theirs(weights=None, input_shape=shape, classes=CLASSES),
        "control": theirs(weights=None, input_shape=shape, classes=CLASSES),
    }
    for model in models.values():
        for layer in model.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0
        model.compile(keras.optimizers.SGD(0.001), loss="sparse_categorical_crossentropy")
    return models


def seconds(step):
    """The CPU time that a call takes."""
    start = time.process_time()
    step()
    return time.process_time() - start


def compare(name, batch, rounds):
    """Ratios of CPU time, ours and the control's to theirs, one for each round.

    Returns:
        `{("training", "ours"): [ratios], ("training", "control"): [ratios], ("inference", …): …}`.
    """
    models = build(name)
    size = NETWORKS[name][2]
    generator = np.random.default_rng(0)
    images = generator.normal(size=(batch, size, size, 3)).astype("float32")
    labels = generator.integers(0, CLASSES, batch)
    names = list(models)
    ratios = collections.defaultdict(list)
    for number in range(rounds + 1):
        # The one that begins changes from round to round.
        first = number % len(names)
        order = names[first:] + names[:first]
        for kind in ("training", "inference"):
            spent = {}
            for whose in order:
                model = models[whose]
                if kind == "training":
                    spent[whose] = seconds(lambda model=model: model.train_on_batch(images, labels))
                else:
                    spent[whose] = seconds(lambda model=model: model.predict_on_batch(images))
            # The first round compiles.
            if number > 0:
                ratios[kind, "ours"].append(spent["ours"] / spent["theirs"])
                ratios[kind, "control"].append(spent["control"] / spent["theirs"])
    return ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("networks", nargs="*", help=f"of {', '.join(NETWORKS)} [all]")
    parser.add_argument("--quick", action="store_true", help="two images, one round")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"[{ROUNDS}]")
    options = parser.parse_args()
    unknown = set(options.networks) - set(NETWORKS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(NETWORKS)}")
    if options.rounds < 1:
        parser.error(f"--rounds {options.rounds}: at least 1")
    batch = 2 if options.quick else BATCH
    rounds = 1 if options.quick else options.rounds
    print("CPU time relative to keras.applications: median (smallest to largest)")
    for name in options.networks or NETWORKS:
        columns = []
        for (kind, whose), ratios in compare(name, batch, rounds).items():
            median = statistics.median(ratios)
            columns.append(f"{kind}, {whose} {median:.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
        print(f"{name:>20}  {'   '.join(columns)}", flush=True)
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
