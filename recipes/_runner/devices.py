"""The devices to train on: the CPU, a GPU, all GPUs of the machine, or a Cloud TPU."""

import contextlib
import functools
import os
import platform
import re

import keras
import tensorflow as tf

from recipes._runner import quiet
from recipes._runner.errors import UserError

MISSING = re.compile(r"(\w+) \(No registered")  # XLA's error about an unsupported operation


def strategy(choice):
    """The distribution strategy for building the model, for `--device auto|cpu|gpu|tpu`.

    Raises:
        UserError: if the chosen device does not exist.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if choice == "gpu" and not gpus:
        raise UserError(
            "--device gpu: TensorFlow sees no GPU here; "
            "`make setup EXTRAS=gpu` installs CUDA's libraries"
        )
    if choice == "tpu":
        return tpu_strategy()
    if choice == "cpu":
        tf.config.set_visible_devices([], "GPU")
        gpus = []
    with quiet.standard_error_closed():
        tf.zeros(1)  # the first operation starts the devices
    return tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy()


@functools.cache  # initializing it again would lose everything in its memory
def tpu_strategy():
    """`TPUStrategy` for all cores of the TPU of this machine, a Cloud TPU VM.

    A model that is built and compiled in its scope is trained on all cores; each core processes a
    share of every batch.

    Raises:
        UserError: if there is none.
    """
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu="local")
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (ValueError, tf.errors.OpError) as error:
        raise UserError(
            "--device tpu: TensorFlow sees no TPU here; recipes/DEVICES.md says what to type on a "
            "Cloud TPU VM, anywhere else leave --device out"
        ) from error
    return tf.distribute.TPUStrategy(resolver)


def is_tpu(strategy):
    """Whether the network is trained on a TPU, which compiles its steps for fixed shapes."""
    return isinstance(strategy, tf.distribute.TPUStrategy)


def host(strategy):
    """A context for what a TPU cannot compute: the CPU of its machine; no change elsewhere."""
    return tf.device("CPU:0") if is_tpu(strategy) else contextlib.nullcontext()


def examples(batch):
    """The number of examples in a batch."""
    return len(tf.nest.flatten(batch)[0])


def for_fit(data, strategy, what):
    """Training or validation set in a form that `fit` accepts: full batches only on a TPU.

    A TPU's programs have fixed shapes, and its cores take equal shares. Therefore all batches there
    have the size of the first one, rounded down to a multiple of the number of cores, and the last
    examples are left out: different ones in each epoch of a training set, which is shuffled.

    Args:
        data: Batches; None if there are none.
        strategy: The result of `strategy`.
        what: `"training"` or `"validation"`; for the latter, the number of examples left out is
            printed.

    Raises:
        UserError: if there are too few examples, or the batches differ in shape.
    """
    if data is None or not is_tpu(strategy):
        return data
    cores = strategy.num_replicas_in_sync
    first = examples(next(iter(data.take(1))))
    size = first - first % cores
    if not size:
        raise UserError(f"--device tpu: {cores} cores cannot share {first} examples of {what}")
    full = data.rebatch(size, drop_remainder=True)
    check_shapes(full, what)
    there = sum(examples(batch) for batch in data)
    if what == "validation" and there % size:
        print(
            f"On the TPU {there % size} of the {there} examples of validation are left out, "
            "for its batches must be full; the test has them all."
        )
    return full.apply(tf.data.experimental.assert_cardinality(there // size))


def check_shapes(data, what):
    """Raises a UserError if the batches of a set for a TPU differ in shape."""
    for spec in tf.nest.flatten(data.element_spec):
        if not spec.shape.is_fully_defined():
            raise UserError(
                f"--device tpu: the batches of {what} differ in shape, {spec.shape}, and a TPU's "
                "programs have fixed shapes; leave --device out"
            )


def in_shares(data, strategy, what):
    """Validation or test set in a form that `evaluate` accepts: its first batch can be shared.

    If the first batch is not a multiple of the number of devices, all batches are made smaller.

    Args:
        data: Batches; None if there are none.
        strategy: The result of `strategy`; for a TPU, `for_fit` makes the batches.
        what: `"validation"` or `"the test"`.

    Raises:
        UserError: if there are fewer examples than devices.
    """
    replicas = strategy.num_replicas_in_sync
    if data is None or replicas == 1 or is_tpu(strategy):
        return data
    first = examples(next(iter(data.take(1))))
    if first < replicas:
        raise UserError(
            f"{replicas} devices cannot share {first} example{'s' * (first > 1)} of {what}: "
            f"choose one, {one_device(strategy)}"
        )
    return data.rebatch(first - first % replicas) if first % replicas else data


def one_device(strategy):
    """The options to train on one device only."""
    if is_tpu(strategy):
        return "with --device cpu, or a TPU of one core"
    return "with CUDA_VISIBLE_DEVICES=0 or --device cpu"


def make_ready(model, strategy):
    """Make layers use operations that XLA, the TPU's compiler, supports, if they have a choice.

    Such layers have an attribute `xla`, for example `layers.random_affine.RandomAffine`.
    """
    for layer in model._flatten_layers():
        if is_tpu(strategy) and hasattr(layer, "xla"):
            layer.xla = True


def missing_operations(error):
    """The operations that XLA, the TPU's compiler, lacks, by its error; [] for other errors."""
    return list(dict.fromkeys(MISSING.findall(str(error))))


def explain(error):
    """A UserError in place of XLA's error about missing operations; other errors unchanged."""
    if missing := missing_operations(error):
        return UserError(
            f"XLA, the TPU's compiler, has no operation {', '.join(missing)}: what needs it, such "
            "as augmentation or IntegerLookup, can be done in load_data, with `map`"
        )
    return error


def hardware():
    """The processor, or the accelerators, in a few words."""
    if tpus := tf.config.list_logical_devices("TPU"):
        return f"{len(tpus)} cores of a Cloud TPU"
    accelerators = tf.config.get_visible_devices("GPU")
    if accelerators:
        name = tf.config.experimental.get_device_details(accelerators[0]).get("device_name", "GPU")
        return f"{len(accelerators)} × {name}"
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf8") as lines:
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        name = models[0] if models else name
    return f"{name}, {cores()}"


def cores():
    """`2 cores`; `1 of 2 cores` if this process is restricted to some of them."""
    there = os.cpu_count()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else there
    share = f"{usable} of " if usable < there else ""
    return f"{share}{there} core{'s' if there > 1 else ''}"


def own_training(model):
    """Whether the class of the model defines its own training step or loss."""
    return any(
        getattr(type(model), name, None) is not getattr(keras.Model, name)
        for name in ("train_step", "compute_loss")
    )


def not_shared(model):
    """The reason why `fit` cannot train a compiled model on several devices; None if it can."""
    if own_training(model):
        return "it has a training step of its own"
    if model.steps_per_execution > 1:
        return f"it is compiled with steps_per_execution={model.steps_per_execution}"
    if model.jit_compile is True:
        return "it is compiled with jit_compile=True"
    if getattr(model.optimizer, "gradient_accumulation_steps", None):
        return "its optimizer accumulates gradients"
    return None


def refuse(recipe, model, batch_size, first, strategy):
    """Refuse in advance to train a network that would fail under `strategy`.

    Args:
        recipe: Its name.
        model: The compiled network, built under the strategy.
        batch_size: Of all devices together; each gets a share of it.
        first: Number of examples in the first batch of the training set.
        strategy: The result of `strategy`.

    Raises:
        UserError: if there is a reason.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas > 1 and (reason := not_shared(model)):
        raise UserError(
            f"{recipe} cannot be trained on {replicas} devices, for {reason}: choose one, "
            f"{one_device(strategy)}"
        )
    if batch_size % replicas:
        below = batch_size - batch_size % replicas
        good = " or ".join(str(size) for size in (below, below + replicas) if size)
        raise UserError(
            f"--batch-size {batch_size} cannot be shared among {replicas} devices: {good} can"
        )
    if first % replicas:
        below = first - first % replicas
        way = f"--batch-size {below} can" if below else f"choose one, {one_device(strategy)}"
        raise UserError(
            f"the training set's {first} example{'s' * (first > 1)} cannot be shared among "
            f"{replicas} devices: {way}"
        )
