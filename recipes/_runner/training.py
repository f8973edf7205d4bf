"""Training a recipe's network: build, check the head, fit, choose the best epoch, test once."""

import dataclasses
import importlib.metadata
import math
import sys
import warnings

import keras
import numpy as np
import tensorflow as tf

from recipes._runner import arguments, devices, host_strings
from recipes._runner.checkpoint import Checkpoint
from recipes._runner.errors import UserError
from recipes._runner.output import write_json
from recipes.common import head_check
from recipes.common.network_cost import network_cost
from recipes.tuning import progress

SMOKE_STEPS = 2


@dataclasses.dataclass(frozen=True)
class Plan:
    """Everything that determines a run's result, and must be equal when it is resumed."""

    recipe: str
    epochs: int
    seed: int
    arguments: dict
    data: dict
    precision: str
    deterministic: bool
    smoke: bool
    variant: str | None = None  # the only variant to train; None: all
    all_data: bool = False  # whether to train on the validation set, too
    early_stopping: int | None = None  # patience in epochs
    class_weights: str | None = None  # "balanced" or None
    own: dict | None = None  # the user's data: its path, options and hash


@dataclasses.dataclass
class Result:
    """A trained network with everything that its report needs."""

    model: keras.Model
    test: object
    history: dict
    monitored: tuple  # name and direction of the metric that selected the epoch
    metrics: dict
    head: head_check.HeadCheck


class Curves(keras.callbacks.TensorBoard):
    """TensorBoard's curves over the epochs, without its unused work at each step."""

    on_train_batch_begin = keras.callbacks.Callback.on_train_batch_begin
    on_train_batch_end = keras.callbacks.Callback.on_train_batch_end
    on_test_batch_begin = keras.callbacks.Callback.on_test_batch_begin
    on_test_batch_end = keras.callbacks.Callback.on_test_batch_end


def versions():
    found = {}
    for name in ("keras", "tensorflow", "tensorflow-datasets", "numpy"):
        # TensorFlow for TPUs has a different package name.
        found[name] = tf.__version__ if name == "tensorflow" else importlib.metadata.version(name)
    return found


def without_autotune(data):
    """The data without tf.data's autotuning, which can stall the end of `fit` for seconds."""
    if not isinstance(data, tf.data.Dataset):
        return data
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


def together(plan, train, validation):
    """Training and validation set combined and shuffled, with the training set's batch size."""
    if validation is None:
        raise UserError(
            f"--all-data: {plan.recipe} has no validation set, all "
            "its data is training data already"
        )

    size = devices.examples(next(iter(train.take(1))))
    both = train.unbatch().concatenate(validation.unbatch())
    both = both.shuffle(20_000).batch(size).prefetch(2)
    count = sum(devices.examples(batch) for part in (train, validation) for batch in part)
    batches = math.ceil(count / size)
    return without_autotune(both.apply(tf.data.experimental.assert_cardinality(batches)))


def steps_per_epoch(train):
    cardinality = int(train.cardinality()) if isinstance(train, tf.data.Dataset) else len(train)
    return cardinality if cardinality >= 0 else sum(1 for _ in train)


def prepare(module, plan, given, strategy):
    """The data, and the model compiled and built, ready for `fit` or for a saved state."""
    # Load the data.
    load_arguments, model_arguments = arguments.split(module, given)
    keras.utils.set_random_seed(plan.seed)
    train, validation, test = (
        without_autotune(data) for data in module.load_data(**load_arguments)
    )
    if plan.all_data and test is None:
        raise UserError(
            f"--all-data: {plan.recipe} has no test set, so its "
            "validation set is needed for the score"
        )
    if plan.all_data:
        train, validation = together(plan, train, validation), None
    train = devices.for_fit(train, strategy, "training")

    # Build the model.
    if arguments.wants(module.build_model, "steps"):
        model_arguments["steps"] = plan.epochs * steps_per_epoch(train)
    if arguments.wants(module.build_model, "train"):
        model_arguments["train"] = train
    with strategy.scope():
        model = module.build_model(**model_arguments)
    host_strings.refuse(train, model, strategy)
    if strategy.num_replicas_in_sync > 1:
        size = {**arguments.parameters(module), **load_arguments}["batch_size"]
        # Reading a batch changes the shuffled order; with a single batch, there is no order.
        small = int(train.cardinality()) < 2
        first = devices.examples(next(iter(train.take(1)))) if small else size
        devices.refuse(plan.recipe, model, size, first, strategy)
        validation = devices.in_shares(validation, strategy, "validation")
        test = devices.in_shares(test, strategy, "the test")
    devices.make_ready(model, strategy)
    # Prefer a batch of the validation set: it is not shuffled, so reading it is cheaper and does
    # not change the order of `train`.
    batch = next(iter((validation if validation is not None else train).take(1)))
    with strategy.scope():
        if not model.built:
            model(batch[0] if isinstance(batch, tuple) else batch, training=False)
        optimizer = model.optimizer
        if isinstance(optimizer, keras.optimizers.Optimizer) and not optimizer.built:
            optimizer.build(model.trainable_variables)
        build_metrics(model, batch)
    return model, batch, train, validation, test


def build_metrics(model, batch):
    """Build the metrics of a network before `fit`, in inference mode.

    If they created variables in `fit`, the training step would be traced twice. In training mode,
    augmentation would consume random numbers, unlike in a script.
    """
    if not devices.own_training(model):
        x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
        model.compute_metrics(x, y, model(x, training=False), weights)
        model.reset_metrics()


def for_devices(model, batch, train, validation, strategy):
    """The network that `fit` trains, and its sets: on the devices, those without strings.

    Args:
        model, batch, train, validation: From `prepare`; `validation` may be None.
        strategy: The result of `devices.strategy`.

    Returns:
        `model`, or the part of it that its devices can train, which shares its weights and
        optimizer; a training and a validation set for it.

    Raises:
        UserError: if there is no such part, or the sets do not suit the devices.
    """
    if host_strings.needed(model, strategy):
        with strategy.scope():
            look_up, model = host_strings.split(model, devices.one_device(strategy))
            build_metrics(model, look_up(*batch))
        train, validation = (host_strings.mapped(data, look_up) for data in (train, validation))
        if devices.is_tpu(strategy):
            train, validation = host_strings.padded(train, validation)
            devices.check_shapes(train, "training")
    return model, train, devices.for_fit(validation, strategy, "validation")


def monitored(module, model):
    """Name and direction of the metric that selects the best epoch: `OBJECTIVE`, or by the head.

    Raises:
        UserError: if `OBJECTIVE` has no direction.
    """
    objective = getattr(module, "OBJECTIVE", None)
    if objective is None:
        return head_check.monitor(model)
    if isinstance(objective, str):
        raise UserError(
            f'OBJECTIVE = "{objective}" does not say which direction is better: '
            f'write OBJECTIVE = ("{objective}", "min") or ("{objective}", "max")'
        )
    name, direction = objective
    return name, direction


def train(module, plan, given, folder, strategy, variant=None):
    """Train a network in `folder`, from its saved state; save the model and `metrics.json`."""
    with arguments.blamed(module, plan.arguments):
        model, batch, train_set, validation, test = prepare(module, plan, given, strategy)
    head = head_check.check_head(model, batch)
    if head.status == "wrong" and variant not in getattr(module, "WRONG", {}):
        print(f"Head check: {head.message}")

    # Callbacks.
    callbacks = list(module.callbacks()) if hasattr(module, "callbacks") else []
    monitor, direction = monitored(module, model)
    if plan.early_stopping:
        if monitor.startswith("val_") and validation is None:
            raise UserError(
                f"--early-stopping: {plan.recipe} has no validation set here to stop by"
            )
        patience = plan.early_stopping
        callbacks.append(keras.callbacks.EarlyStopping(monitor, mode=direction, patience=patience))
    weights = class_weights(plan, model, train_set, head) if plan.class_weights else None
    checkpoint = Checkpoint(
        folder, monitor, direction, callbacks, keep=getattr(module, "KEEP", "best")
    )

    # Train the remaining epochs.
    done = checkpoint.restore(model)
    if done < plan.epochs and not checkpoint.stopped:
        if done:
            print(f"Continuing after epoch {done} of {plan.epochs}.")
        network, train_set, held_out = for_devices(model, batch, train_set, validation, strategy)
        progress.skip_epochs(train_set, done)
        logs = Curves(folder / "logs", write_graph=False)
        keras.config.set_max_steps_per_epoch(SMOKE_STEPS if plan.smoke else None)
        with warnings.catch_warnings():
            # Suppress Keras' warning that two steps are less than an epoch, or too many.
            if plan.smoke:
                warnings.filterwarnings("ignore", module="keras.src.trainers.epoch_iterator")
            network.fit(
                train_set,
                validation_data=held_out,
                epochs=plan.epochs,
                initial_epoch=done,
                shuffle=False,
                class_weight=weights,
                verbose=1 if sys.stdout.isatty() else 2,  # a bar for a terminal, lines for a file
                callbacks=[*callbacks, logs, checkpoint],
            )
        keras.config.set_max_steps_per_epoch(None)

    # Save and test the model.
    checkpoint.load_best(model)
    save(model, folder / "model.keras")
    split = "test" if test is not None else "validation"
    with devices.host(strategy):
        # A TPU leaves out examples, and several devices read no strings; the score must cover all.
        if devices.is_tpu(strategy) or host_strings.needed(model, strategy):
            model = keras.saving.load_model(folder / "model.keras")
        scored = test if test is not None else validation
        scores = model.evaluate(scored, return_dict=True, verbose=0)
        if hasattr(module, "further_scores"):
            scores |= module.further_scores(model, scored, checkpoint.history)
    if hasattr(module, "deployed"):
        save(module.deployed(model), folder / "deployed.keras")

    # Metadata.
    cost = {} if plan.smoke else inference_cost(model)
    metrics = {
        "recipe": plan.recipe,
        "variant": variant,
        "data": plan.data,
        "split": split,
        "metric": main_metric(monitor, scores),
        "scores": {name: float(value) for name, value in scores.items()},
        "validation": {monitor: checkpoint.best_score},
        "direction": direction,
        "task": head.task,
        "head_check": head.status,
        "parameters": model.count_params(),
        "trainable_parameters": trainable_parameters(model),
        "multiply_accumulates": cost.get("multiply_accumulates"),
        "activations": cost.get("activations"),
        "epochs": checkpoint.finished_epochs,
        "best_epoch": checkpoint.best_epoch,
        "fit_seconds": round(checkpoint.seconds, 3),
        "fit_cpu_seconds": round(checkpoint.cpu_seconds, 3),
        "seed": plan.seed,
        "deterministic": plan.deterministic,
        "precision": plan.precision,
        "class_weights": plan.class_weights,
        "arguments": given,
        "classes": classes(module, plan, model),
        "hardware": devices.hardware(),
        "versions": versions(),
    }
    # The columns of a table; in other recipes the name may have another meaning.
    if isinstance(getattr(module, "COLUMNS", None), dict | list):
        # A copy for a user's table has a dictionary.
        metrics["columns"] = [list(each) for each in dict(module.COLUMNS).items()]
        metrics["reading"] = getattr(module, "READING", {})
    write_json(folder / "metrics.json", without_nan(metrics))
    return Result(model, test, checkpoint.history, (monitor, direction), metrics, head)


def class_weights(plan, model, train_set, head):
    """`{class: weight}` for `fit` that gives all classes equal total weight; also printed.

    The weight of a class is examples / (classes · examples of the class), as in scikit-learn.

    Raises:
        UserError: if the targets are not classes, or the network would ignore the weights.
    """
    if head.task not in ("binary", "multi-class"):
        what = head.task or "what is no row of the table of heads"
        raise UserError(
            f"--class-weights: {plan.recipe} learns {what}, which has no classes to weigh"
        )
    if head.dense:
        raise UserError(
            f"--class-weights: {plan.recipe} learns a class for each pixel or step, and Keras "
            "weighs those of whole examples only"
        )
    if devices.own_training(model):
        raise UserError(f"--class-weights: {plan.recipe} has a training step of its own")
    labels = []
    for batch in train_set:
        _, targets, _ = keras.utils.unpack_x_y_sample_weight(batch)
        targets = np.asarray(targets)
        several = targets.ndim > 1 and targets.shape[-1] > 1
        labels.append(targets.argmax(axis=-1) if several else targets.reshape(-1).astype(int))
    labels = np.concatenate(labels)
    found, counts = np.unique(labels, return_counts=True)
    weights = len(labels) / (len(found) * counts)
    print(f"Class weights: {min(weights):.3g} for the largest class to {max(weights):.3g}")
    return dict(zip(found.tolist(), weights.tolist(), strict=True))


def save(model, path):
    """Save a network, and load it to check that it comes back with the same weights.

    Raises:
        UserError: if it cannot be loaded, or has other weights.
    """
    model.save(path)
    try:
        again = keras.saving.load_model(path)
    except Exception as error:
        # Keras reports the cause after pages of configuration.
        cause = str(error).rpartition("Exception encountered: ")[2].strip().partition("\n")[0][:300]
        what = f"{path.name} was written but cannot be loaded ({type(error).__name__}: {cause})"
        raise UserError(f"{what}; nothing saved earlier was changed") from error
    saved, loaded = (network.get_weights() for network in (model, again))
    if len(saved) != len(loaded) or not all(map(np.array_equal, saved, loaded)):
        what = f"{path.name} was written but comes back with other weights"
        raise UserError(f"{what}; nothing saved earlier was changed")


def trainable_parameters(model):
    """The number of trainable parameters.

    They include neither layers that a recipe froze (`trainable = False`) nor other state of layers,
    such as moving averages and statistics of the data.
    """
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def inference_cost(model):
    """`network_cost` of a network; {} if it cannot be computed.

    This is so with several inputs, an input of unknown shape, loops, or a model that is not a graph
    of layers. Any exception is caught, so that the finished training is not lost.
    """
    if len(getattr(model, "inputs", None) or ()) != 1:
        return {}
    try:
        return network_cost(model)
    except Exception:
        return {}


def main_metric(monitor, scores):
    """The score to show first: the metric that selected the epoch, if the test has it."""
    name = monitor.removeprefix("val_")
    return name if name in scores else next(iter(scores))


def classes(module, plan, model):
    """Names of the classes: the recipe's `CLASSES`, or the data set's if they fit, or None."""
    if getattr(module, "CLASSES", None):
        return list(module.CLASSES)
    if plan.own:
        return None
    import tensorflow_datasets as tfds

    shape = getattr(model, "output_shape", None)  # a subclassed model has none
    units = shape[-1] if isinstance(shape, tuple) else None
    count = 2 if units == 1 else units  # one unit distinguishes two classes
    for name in plan.data:
        for feature in tfds.builder(name).info.features.values():
            if isinstance(feature, tfds.features.ClassLabel) and feature.num_classes == count:
                return feature.names
    return None


def compute_in_float32(model):
    """Switch a trained network of 16-bit precision to float32, including its outputs.

    Its weights were already float32. A network that computes in float32 is unchanged.
    """
    sixteen = [
        layer for layer in model._flatten_layers() if layer.dtype_policy.name.startswith("mixed_")
    ]
    for layer in sixteen:
        layer.dtype_policy = "float32"
    if sixteen:  # compiled functions still compute in 16 bits
        model.predict_function = model.test_function = model.train_function = None


def answers(model, test):
    """Inputs, targets and predictions over the test set, as arrays or dictionaries of arrays."""
    inputs, targets, predictions = [], [], []
    for batch in test:
        inputs.append(batch[0])
        targets.append(batch[1])
        predictions.append(model.predict_on_batch(batch[0]))

    def joined(parts):
        return tf.nest.map_structure(
            lambda *values: np.concatenate([np.asarray(value) for value in values]), *parts
        )

    return joined(inputs), joined(targets), joined(predictions)


def without_nan(value):
    """The value with None instead of NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
