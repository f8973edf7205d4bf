"""The published networks: parameters, layers and operations, each network's built at full size."""

import functools
import gc
import pathlib
import resource
import time

import keras
import pytest

from recipes.cnn_architectures import (
    alexnet,
    densenet,
    googlenet,
    inception_resnet_v2,
    inception_v2,
    inception_v3,
    mobilenet,
    resnet,
    senet,
    shufflenet,
    squeezenet,
    vgg,
    xception,
)
from recipes.cnn_architectures.architectures_compared import PUBLISHED
from recipes.common.network_cost import network_cost
from tests.recipes.cnn_architectures import references

ONE_GROUP = functools.partial(alexnet.alexnet, groups=1)
RESNET_152 = functools.partial(resnet.resnet, depths=(3, 8, 36, 3))
SQUEEZENET_1_1 = functools.partial(squeezenet.squeezenet, version="1.1")
INCEPTION_RESNET = inception_resnet_v2.inception_resnet_v2
# Function, height and width of the images, trainable parameters, all parameters as
# `keras.applications` counts them (None where it has no such network), layers by the slides' rule,
# multiply–accumulates in billions.
NETWORKS = {
    "AlexNet": (alexnet.alexnet, 227, 60_965_224, None, 8, 0.72),
    "AlexNet, one group": (ONE_GROUP, 227, 62_378_344, None, 8, 1.14),
    "ZFNet": (alexnet.zfnet, 224, 87_250_536, None, 8, 1.48),
    "GoogLeNet": (googlenet.googlenet, 224, 6_998_552, None, 22, 1.58),
    "Inception-v2": (inception_v2.inception_v2, 224, 11_194_984, None, 3 + 10 * 3 + 1, 2.02),
    "Inception-v3": (inception_v3.inception_v3, 299, 23_817_352, 23_851_784, 48, 5.71),
    # 8 layers in the stem, 40 blocks of 4 layers, twice 3 between them, and 2 at the end.
    "Inception-ResNet-v2": (INCEPTION_RESNET, 299, 55_813_192, 55_873_736, 8 + 160 + 6 + 2, 13.16),
    "ResNet-50": (resnet.resnet, 224, 25_557_032, 25_636_712, 50, 3.86),
    "ResNet-152": (RESNET_152, 224, 60_192_808, 60_419_944, 152, 11.28),
    # Two dense layers more for each block than ResNet-50.
    "SE-ResNet-50": (senet.senet, 224, 28_088_024, None, 50 + 16 * 2, 3.86),
    "SqueezeNet": (squeezenet.squeezenet, 227, 1_248_424, None, 1 + 8 * 2 + 1, 0.83),
    "SqueezeNet 1.1": (SQUEEZENET_1_1, 227, 1_235_496, None, 1 + 8 * 2 + 1, 0.35),
    # 36 convolutions of which 34 are two, and a dense layer.
    "Xception": (xception.xception, 299, 22_855_952, 22_910_480, 2 + 2 * 34 + 1, 8.36),
    "MobileNet": (mobilenet.mobilenet, 224, 4_231_976, 4_253_864, 28, 0.57),
    # 2.83 in the paper's order, in which a transition convolves before it pools.
    "DenseNet-121": (densenet.densenet, 224, 7_978_856, 8_062_504, 121, 2.60),
    # Two layers outside the 16 units of three.
    "ShuffleNet": (shufflenet.shufflenet, 224, 1_865_728, None, 1 + 3 * 16 + 1, 0.14),
}
VGG = {  # column of the paper's table 1, parameters, layers, billions of multiply–accumulates
    "VGG-11": ("A", 132_863_336, 11, 7.61),
    "VGG-11, LRN": ("A-LRN", 132_863_336, 11, 7.61),
    "VGG-13": ("B", 133_047_848, 13, 11.31),
    "VGG-16, column C": ("C", 133_638_952, 16, 11.77),
    "VGG-16": ("D", 138_357_544, 16, 15.47),
    "VGG-19": ("E", 143_667_240, 19, 19.63),
}
for name, (column, parameters, layers, products) in VGG.items():
    function = functools.partial(vgg.vgg, configuration=column)
    NETWORKS[name] = (function, 224, parameters, parameters, layers, products)
FULL = {"SE-ResNet-50"}  # No slide counts it.


def networks():
    for name, facts in NETWORKS.items():
        marks = [pytest.mark.full] if name in FULL else []
        yield pytest.param(name, *facts, id=name, marks=marks)


def reference_seconds():
    """The CPU seconds that it takes to build and to count ResNet-50 of Keras."""
    begun = time.process_time()
    network_cost(keras.applications.ResNet50(weights=None))
    spent = time.process_time() - begun
    keras.backend.clear_session(free_memory=False)
    return spent


@pytest.fixture(scope="module")
def spent():
    """CPU seconds, one number for each network that has been counted."""
    return []


@pytest.fixture(scope="module")
def reference_before():
    """The reference's CPU seconds before the first network."""
    return reference_seconds()


def memory():
    """What this process holds now, in bytes; 0 where there is no `/proc`, as on macOS."""
    path = pathlib.Path("/proc/self/statm")
    return int(path.read_text().split()[1]) * resource.getpagesize() if path.exists() else 0


@pytest.fixture(scope="module")
def memory_before():
    """What this process held before the first network."""
    return memory()


@pytest.fixture
def let_go():
    yield
    keras.backend.clear_session(free_memory=False)
    gc.collect()


def filters(model):
    """How many all convolutions have together."""
    layers = references.weighted_layers(model)
    return sum(layer.filters for layer in layers if isinstance(layer, keras.layers.Conv2D))


@pytest.mark.slides
@pytest.mark.usefixtures("let_go")
@pytest.mark.parametrize(
    ("name", "function", "size", "parameters", "counted", "layers", "products"), networks()
)
def test_published_network(
    name,
    function,
    size,
    parameters,
    counted,
    layers,
    products,
    spent,
    reference_before,
    memory_before,
):
    begun = time.process_time()
    model = references.published(function, size)
    cost = network_cost(model)
    assert cost["parameters"] == parameters
    assert cost["layers"] == layers
    assert round(cost["multiply_accumulates"] / 1e9, 2) == products
    if counted:
        # The convolutions of Keras' ResNets have biases, too.
        biases = filters(model) if name in ("ResNet-50", "ResNet-152") else 0
        assert model.count_params() + biases == counted
    if name in PUBLISHED:
        assert PUBLISHED[name].parameters == round(parameters / 1e6, 2)
        assert PUBLISHED[name].products == products
    spent.append(time.process_time() - begun)
    # Of this network and of what is left of those before it.
    assert memory() - memory_before < 3 * 2**30


def test_every_network_that_is_compared_is_counted():
    assert PUBLISHED.keys() <= NETWORKS.keys()


def test_all_counts_together_cost_little(spent, reference_before):
    """Less than 25 times ResNet-50 of Keras: 30 CPU seconds where that takes 1.2.

    Seconds alone would be a matter of the machine, which is not equally fast all the time.
    """
    assert spent, "run together with the counts"
    reference = (reference_before + reference_seconds()) / 2
    assert sum(spent) < 25 * reference
