"""Our networks beside those of `keras.applications`: CPU time of a training step and of inference.

    make bench-architectures                       all of them; minutes on one core
    make bench-architectures ARGS="vgg resnet"     some of them
    make bench-architectures ARGS="--quick"        small batches, one round, to see that it works

Both networks have the same layers, sizes and batches, random weights and random images. They take
turns in one process, after a first round that compiles. Dropout is off, for Keras' VGG-16 has none.
A ratio below 1 says that ours takes less CPU time; the median of five rounds counts.
"""

import argparse
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


def resnet_with_biases(x, classes):
    """ResNet-50 as Keras has it: its convolutions have biases."""
    return resnet(x, classes, use_bias=True)


# By name: our function, their class, height and width of the images.
NETWORKS = {
    "vgg": (vgg, keras.applications.VGG16, 64),
    "resnet": (resnet_with_biases, keras.applications.ResNet50, 64),
    "densenet": (densenet, keras.applications.DenseNet121, 64),
    "mobilenet": (mobilenet, keras.applications.MobileNet, 64),
    "xception": (xception, keras.applications.Xception, 80),
    "inception_v3": (inception_v3, keras.applications.InceptionV3, 80),
    "inception_resnet_v2": (inception_resnet_v2, keras.applications.InceptionResNetV2, 80),
}


def build(name):
    """Our network and theirs, compiled."""
    ours, theirs, size = NETWORKS[name]
    images = keras.Input((size, size, 3))
    models = {
        "ours": keras.Model(images, ours(images, classes=CLASSES)),
        "theirs": theirs(weights=None, input_shape=(size, size, 3), classes=CLASSES),
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
    """Ratios of CPU time, ours to theirs, one for each round.

    Returns:
        `{"training": [ratios], "inference": [ratios]}`.
    """
    models = build(name)
    size = NETWORKS[name][2]
    generator = np.random.default_rng(0)
    images = generator.normal(size=(batch, size, size, 3)).astype("float32")
    labels = generator.integers(0, CLASSES, batch)
    ratios = {"training": [], "inference": []}
    for number in range(rounds + 1):
        for kind, found in ratios.items():
            spent = {}
            # The one that begins changes from round to round.
            for whose in list(models)[:: 1 if number % 2 else -1]:
                model = models[whose]
                if kind == "training":
                    spent[whose] = seconds(lambda model=model: model.train_on_batch(images, labels))
                else:
                    spent[whose] = seconds(lambda model=model: model.predict_on_batch(images))
            # The first round compiles.
            if number > 0:
                found.append(spent["ours"] / spent["theirs"])
    return ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("networks", nargs="*", help=f"of {', '.join(NETWORKS)} [all]")
    parser.add_argument("--quick", action="store_true", help="two images, one round")
    options = parser.parse_args()
    unknown = set(options.networks) - set(NETWORKS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(NETWORKS)}")
    batch = 2 if options.quick else BATCH
    rounds = 1 if options.quick else ROUNDS
    print("CPU time, ours / keras.applications: median (smallest to largest)")
    for name in options.networks or NETWORKS:
        columns = []
        for kind, ratios in compare(name, batch, rounds).items():
            median = statistics.median(ratios)
            columns.append(f"{kind} {median:.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
        print(f"{name:>20}  {'   '.join(columns)}", flush=True)
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
