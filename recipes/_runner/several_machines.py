"""One network trained on several machines at once, or on all devices of one, by Keras on JAX.

    KERAS_BACKEND=jax python -m recipes._runner.several_machines cnn_mnist --epochs 3 \\
        --machines 10.0.0.5:7000,10.0.0.6:7000 --number 0 --folder /shared/cnn_mnist

Run the same command on each machine, with its number in the list; without `--machines`, all devices
of this machine are used. Each device processes a share of every batch, and all apply the mean
gradient (`keras.distribution.DataParallel`): this equals training on one device with the whole
batch. It works with recipes that use plain `fit`; strings are looked up by the CPU.

The first machine saves the state after each epoch; the test uses the last epoch. If a machine is
lost, the training ends on all of them, and the same commands continue it.
"""

import argparse
import os
import subprocess
import sys
import warnings

import numpy as np

from recipes._runner import arguments
from recipes._runner.errors import UserError
from recipes._runner.recipe import find
from recipes._runner.run_command import positive

INSIDE = "RECIPES_INSIDE"  # set in the process that trains


def distribute(machines=None, number=0):
    """Distribute the training of all further models over all devices of some machines.

    Args:
        machines: `"host:port,host:port"`, the first of which leads; None for this machine alone.
        number: of this machine in the list.

    Returns:
        The number of devices.

    Raises:
        UserError: if the backend is not JAX. On TensorFlow, `keras.distribution` silently does
            nothing.
    """
    import keras

    if keras.backend.backend() != "jax":
        raise UserError(
            f"keras.distribution does nothing on {keras.backend.backend()}: "
            "`make setup EXTRAS=jax`, then put KERAS_BACKEND=jax before the line"
        )
    if machines:
        keras.distribution.initialize(machines, machines.count(",") + 1, number)
    devices = keras.distribution.list_devices()
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
    return len(devices)


def shared(data, devices, what):
    """Batches that all devices share equally, as JAX requires; reports the examples left out.

    Args:
        data: batches of a recipe, a tf.data set.
        devices: their number.
        what: `"training"` or `"validation"`.

    Raises:
        UserError: if a batch has fewer examples than there are devices.
    """
    import tensorflow as tf

    sizes = [len(tf.nest.flatten(batch)[0]) for batch in data]
    size = sizes[0] - sizes[0] % devices
    if not size:
        raise UserError(f"{devices} devices cannot share {sizes[0]} examples of {what}")
    if sum(sizes) % size:
        print(
            f"{sum(sizes) % size} of {sum(sizes)} examples of {what} are left out of each epoch: "
            f"batches of {size} are what {devices} devices can share.",
            flush=True,
        )
    full = data.rebatch(size, drop_remainder=True)
    return full.apply(tf.data.experimental.assert_cardinality(sum(sizes) // size))


def without_strings(model, data, validation, one_device):
    """The part of a network that JAX can compute, which takes numbers only, and its data.

    Args:
        model: The compiled network.
        data: Training or test set.
        validation: Validation set, or None.
        one_device: How to train on one device, for the message.

    Returns:
        `model`, or the part of it without the layers that read strings, which shares its weights
        and optimizer; the two sets, with numbers in place of strings.

    Raises:
        UserError: if strings remain, or the layers that read them have weights to train.
    """
    from recipes._runner import host_strings

    if host_strings.takes_string(model):
        look_up, model = host_strings.split(model, one_device)
        data, validation = (host_strings.mapped(each, look_up) for each in (data, validation))
        data, validation = host_strings.padded(data, validation)
    if host_strings.has_string(data):
        raise UserError(
            "JAX cannot read strings, and only the inputs of a graph of layers are looked up by "
            "the CPU: convert others to numbers in load_data, with `map`"
        )
    return model, data, validation


def latest(folder):
    """The last saved state and its number of epochs; (None, 0) if there is none."""
    states = {}
    for path in folder.glob("epoch-*.weights.h5"):
        states[int(path.name.split("-")[1].split(".")[0])] = path
    if not states:
        return None, 0
    return states[max(states)], max(states)


def train(options):
    """Train on this machine's share; the first machine saves and tests."""
    import keras
    import tensorflow as tf

    from recipes._runner import data, devices, output
    from recipes.tuning import progress

    # Connect the machines.
    tf.config.set_visible_devices([], "GPU")  # reserve them for JAX
    recipe = find(options.recipe)
    count = distribute(options.machines, options.number)
    first = options.number == 0
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)

    # Load the data and build the model.
    data.choose(data.names(recipe.path), data_dir=options.data_dir)
    # The order of the data must be the same on all machines, also if one had to generate them.
    keras.utils.set_random_seed(options.seed)
    tf.random.set_seed(options.seed)
    module = recipe.module
    given = {
        **arguments.of_variant(recipe, options.variant),
        **arguments.parse(module, options.set, options.batch_size),
    }
    of_data, given = arguments.split(module, given)
    train_set, validation, test = module.load_data(**of_data)
    train_set = shared(train_set, count, "training")
    validation = validation and shared(validation, count, "validation")
    epochs = options.epochs or module.EPOCHS
    if arguments.wants(module.build_model, "steps"):
        given["steps"] = epochs * len(train_set)
    if arguments.wants(module.build_model, "train"):
        given["train"] = train_set
    model = module.build_model(**given)
    one_device = f"`{output.command('run', recipe)}`"
    if devices.own_training(model):
        raise UserError(
            f"{recipe.name} has a training step of its own and needs one device: {one_device}"
        )
    network, train_set, held_out = without_strings(model, train_set, validation, one_device)

    # Continue from the last state.
    state, done = latest(folder)
    if state:
        network.optimizer.build(network.trainable_variables)  # otherwise its variables are skipped
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Keras only warns about what it skips
            network.load_weights(state)
        generators = progress.outside_weights(network)
        with np.load(folder / f"epoch-{done}.seeds.npz") as seeds:
            for generator, value in zip(generators, seeds.values(), strict=True):
                generator.assign(value)
        print(f"Continuing after epoch {done}.", flush=True)
        progress.skip_epochs(train_set, done)

    def save(write, name):
        """Write a file atomically. All machines must call this, although only one writes it."""
        mine = folder / f".new-{options.number}-{name}"
        write(mine)
        if first:
            os.replace(mine, folder / name)
        else:
            mine.unlink()

    class Save(keras.callbacks.Callback):
        """Saves the state after each epoch."""

        def on_epoch_end(self, epoch, logs=None):
            # The weights last: a state is there as soon as they are.
            save(self.save_seeds, f"epoch-{epoch + 1}.seeds.npz")
            save(self.model.save_weights, f"epoch-{epoch + 1}.weights.h5")
            if first:
                (folder / f"epoch-{epoch}.weights.h5").unlink(missing_ok=True)
                (folder / f"epoch-{epoch}.seeds.npz").unlink(missing_ok=True)

        def save_seeds(self, path):
            """Write the states of the seed generators, which draw the masks of dropout."""
            np.savez(path, *map(np.asarray, progress.outside_weights(self.model)))

    warnings.filterwarnings("ignore", "Your input ran out of data")  # its length is not declared
    warnings.filterwarnings("ignore", "Explicitly requested dtype int64")  # of words: JAX has int32
    callbacks = module.callbacks() if hasattr(module, "callbacks") else []
    network.fit(
        train_set,
        validation_data=held_out,
        epochs=epochs,
        initial_epoch=done,
        shuffle=False,
        verbose=2 if first else 0,
        callbacks=[*callbacks, Save()],
    )
    # Save, and test on the first machine.
    save(model.save, "model.keras")
    if not first:
        return
    keras.distribution.set_distribution(None)  # test on one device, with all examples
    model = keras.saving.load_model(folder / "model.keras")
    tested = test if test is not None else validation
    network, tested, _ = without_strings(model, tested, None, one_device)
    scores = network.evaluate(tested, return_dict=True, verbose=0)
    if hasattr(module, "deployed"):
        module.deployed(model).save(folder / "deployed.keras")
    print(", ".join(f"{name} {score:.8g}" for name, score in scores.items()), flush=True)


def watch(words, options):
    """Train in a child process, which JAX may kill; print how to continue; return its status."""
    command = [sys.executable, "-m", "recipes._runner.several_machines", *words]
    status = subprocess.run(command, env={**os.environ, INSIDE: "1"}).returncode
    if status in (0, 2):
        return status
    why = ", perhaps for a machine that was lost" if options.machines else ""
    where = " on each machine" if options.machines else ""
    _, done = latest(options.folder)
    print(
        f"recipes: the training has ended early{why}; {done} epochs are saved: "
        f"the same line{where} continues",
        file=sys.stderr,
    )
    return 1


def main(words):
    parser = argparse.ArgumentParser(prog="several_machines", description=__doc__.splitlines()[0])
    parser.add_argument("recipe", help="whose training is plain fit")
    parser.add_argument("--machines", metavar="HOST:PORT,…", help="all of them, the first leads")
    parser.add_argument("--number", type=int, default=0, metavar="N", help="of this one, from 0")
    parser.add_argument("--variant", metavar="NAME", help="one of the recipe's variants")
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="as in `run`")
    parser.add_argument("--epochs", type=positive, metavar="N", help="[the recipe's]")
    parser.add_argument("--batch-size", type=positive, metavar="N", help="of all [the recipe's]")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all machines [0]")
    parser.add_argument("--data-dir", metavar="DIR", help="prepared data sets [as in `run`]")
    parser.add_argument(
        "--folder",
        type=arguments.expanded_path,
        required=True,
        help="for state and model; all see it",
    )
    options = parser.parse_args(words)
    if INSIDE not in os.environ:
        return watch(words, options)
    try:
        train(options)
    except UserError as error:
        print(f"recipes: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
