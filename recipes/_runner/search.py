"""A recipe for KerasTuner; `python -m recipes._runner.search FOLDER` is the process of its trials.

`plan.json` in the folder says what is searched; the process works for the chief that
KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT name. It leaves when it has grown too much, to be
replaced: memory grows from trial to trial.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import pickle
import resource
import sys
import threading
import time

from recipes._runner import quiet
from recipes._runner import recipe as recipes

REPLACE = 75  # exit status of a worker that has done nothing wrong but grown
GROWTH = 400  # MB more than after its first trial, at which a worker leaves
OWN_DATA = "own_data.pickle"  # in the folder of a search, for its workers


@dataclasses.dataclass(frozen=True)
class SearchPlan:
    """What decides a search's result, and so must be the same when an interrupted one continues."""

    recipe: str
    module: str  # dotted, or a file of the user's
    epochs: int  # of a trial; for Hyperband, of the longest
    variant: str | None  # of the recipe's variants, the one to start from
    defaults: dict  # the variant's arguments; those in the search space are where the search starts
    arguments: dict  # the same in all trials
    data: dict  # real or stand-in
    choice: dict  # arguments of `data.choose` that lead there
    precision: str
    smoke: bool
    tuner: str  # class in `recipes.tuning`
    objective: list  # name, "min" or "max"
    tuner_arguments: dict
    own: dict | None = None  # of the user's data: where it is, how it is read, and what it held
    class_weights: str | None = None  # "balanced"
    first: list = dataclasses.field(default_factory=list)  # variants to try after the start

    @property
    def fixed(self):
        """What is the same in all trials, `{name: value}`: arguments, and `class_weights`."""
        weights = {"class_weights": self.class_weights} if self.class_weights else {}
        return {**self.arguments, **weights}


def tuner_class(plan):
    from recipes import tuning

    return getattr(tuning, plan.tuner)


def module_of(plan, folder):
    """The recipe's module; with the user's data, as the chief read it, in place of its own."""
    from recipes._runner import own_network

    module = recipes.load(plan.module)
    if plan.own is None:
        return module
    with open(folder / OWN_DATA, "rb") as file:
        found = pickle.load(file)
    return own_network.adapted(module, found, plan.variant)


def make_tuner(cls, plan, folder, device="auto", **more):
    """The tuner of a plan; its project is `folder/trials`.

    Args:
        cls: a tuner of `recipes.tuning`, or a subclass.
        plan: a `SearchPlan`.
        folder: of the search.
        device: what the trials run on, as in `run`.
        **more: arguments of the tuner that do not change which search it is.

    Returns:
        The tuner and its `RecipeModel`.

    Raises:
        ValueError: if the folder holds another search.
    """
    import keras_tuner

    model = recipe_model(plan, device, folder)
    searched = space(model, plan)
    tuner = cls(
        model,
        objective=keras_tuner.Objective(*plan.objective),
        hyperparameters=searched,
        directory=str(folder),
        project_name="trials",
        first_points=[values for values in plan.first if contains(searched, values)],
        **plan.tuner_arguments,
        **more,
    )
    model.known = True
    return tuner, model


def space(model, plan):
    """The recipe's search space, from the variant's values, less what is the same in all trials.

    That includes what its own `load_data` takes, where the data is the user's, and class weights
    where that has no classes.
    """
    import keras_tuner

    from recipes._runner import arguments

    known = arguments.of_trials(model.module, plan.own)
    own, chosen = keras_tuner.HyperParameters(), keras_tuner.HyperParameters()
    model.values(own)
    for hp in own.space:
        start = plan.fixed.get(hp.name, plan.defaults.get(hp.name, hp.default))
        stepless = getattr(hp, "step", 1) is None
        unknown = plan.own and hp.name not in known
        if unknown or hp.name in plan.fixed or not (stepless or start in hp.values):
            hp = keras_tuner.engine.hyperparameters.Fixed(hp.name, start, conditions=hp.conditions)
        else:
            hp = type(hp).from_config({**hp.get_config(), "default": start})
        chosen.merge([hp])
    return chosen


def contains(space, values):
    """Whether all of these values may be chosen in the search space."""
    known = {hp.name: hp for hp in space.space}
    for name, value in values.items():
        hp = known.get(name)
        if hp is None:
            return False
        if getattr(hp, "step", 1) is None:  # a range without steps
            possible = hp.min_value <= value <= hp.max_value
        else:
            possible = value in hp.values
        if not possible:
            return False
    return True


def recipe_model(plan, device="auto", folder=None):
    """What KerasTuner builds and fits; `folder` is the search's, which holds the user's data."""
    import keras_tuner
    import numpy as np

    from recipes._runner import arguments, devices, training
    from recipes.common import head_check
    from recipes.tuning import progress

    module = module_of(plan, folder)

    class RecipeModel(keras_tuner.HyperModel):
        """`load_data`, `build_model` and `fit` of a recipe, with the values of a trial."""

        class_weights = None
        known = False  # whether the tuner has seen the space; until then building is only for that

        def __init__(self):
            super().__init__()
            self.module = module

        def values(self, hp):
            return {**plan.defaults, **module.search_space(hp), **plan.fixed}

        def build(self, hp):
            values = self.values(hp)
            if not self.known:
                return None
            run = training.Plan(
                recipe=plan.recipe,
                epochs=plan.epochs,
                seed=int(np.random.randint(2**31)),  # the tuner has seeded NumPy for this trial
                arguments=values,
                data=plan.data,
                precision=plan.precision,
                deterministic=False,
                smoke=plan.smoke,
                class_weights=arguments.class_weights(values),
                own=plan.own,
            )
            strategy = devices.strategy(device)
            model, batch, train, validation, _ = training.prepare(module, run, values, strategy)
            self.class_weights = None  # not those of the trial before
            if run.class_weights:
                head = head_check.check_head(model, batch)
                self.class_weights = training.class_weights(run, model, train, head)
            network, self.train, self.validation = training.for_devices(
                model, batch, train, validation, strategy
            )
            return network

        def fit(self, hp, model, initial_epoch=0, **keywords):
            progress.skip_epochs(self.train, initial_epoch)
            return model.fit(
                self.train,
                validation_data=self.validation,
                initial_epoch=initial_epoch,
                shuffle=False,
                class_weight=self.class_weights,
                **{"epochs": plan.epochs, **keywords},
            )

    return RecipeModel()


def leave_with(parent):
    """End this process soon after its parent has died: a restarted search has its own workers."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def work(folder, data_dir=None):
    """Run trials until the chief has no more, or the time is over, or too much memory is in use.

    Args:
        folder: of the search.
        data_dir: where data lies on this machine, if not where it does on the chief's.
    """
    threading.Thread(target=leave_with, args=(os.getppid(),), daemon=True).start()
    quiet.import_tensorflow()
    import keras

    from recipes._runner import data, machines, output, run_command, training

    keywords = json.loads((folder / "plan.json").read_text(encoding="utf8"))
    limits = json.loads((folder / "limits.json").read_text(encoding="utf8"))
    plan = SearchPlan(**keywords)
    module = module_of(plan, folder)
    if plan.own is None:
        choice = {**plan.choice, "data_dir": data_dir or plan.choice.get("data_dir")}
        chosen = data.choose(data.names(pathlib.Path(module.__file__)), **choice)
        if chosen != plan.data:
            sys.exit(f"the search is on other data: {plan.data} at its chief, {chosen} here")
    keras.config.set_dtype_policy(run_command.precision(plan.precision, limits["device"]))
    keras.config.set_max_steps_per_epoch(training.SMOKE_STEPS if plan.smoke else None)

    class Worker(tuner_class(plan)):
        first_peak = None

        def pre_create_trial(self):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            if self.first_peak is not None and peak > self.first_peak + GROWTH:
                sys.exit(REPLACE)

        def on_epoch_end(self, trial, model, epoch, logs=None):
            """Leave word for whoever looks at the search."""
            super().on_epoch_end(trial, model, epoch, logs)
            output.write_json(
                pathlib.Path(self.get_trial_dir(trial.trial_id)) / "epoch.json",
                {
                    "execution": self._execution,
                    "epoch": epoch + 1,
                    "epochs": trial.hyperparameters.values.get("tuner/epochs", plan.epochs),
                    "logs": {name: float(value) for name, value in (logs or {}).items()},
                },
            )

        def on_trial_end(self, trial):
            super().on_trial_end(trial)
            pathlib.Path(self.get_trial_dir(trial.trial_id), "epoch.json").unlink(missing_ok=True)
            self.first_peak = (
                self.first_peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            )

    left = limits["until"] and max(0.0, limits["until"] - time.time())
    tuner, _ = make_tuner(
        Worker, plan, folder, limits["device"], time_limit=left, trial_time_limit=limits["trial"]
    )
    own = list(module.callbacks()) if hasattr(module, "callbacks") else []
    curves = keras.callbacks.TensorBoard(folder / "logs", write_graph=False)
    signs = contextlib.nullcontext()
    if os.environ["KERASTUNER_ORACLE_IP"] != "unix":  # the chief may be on another machine
        signs = machines.living(folder, os.environ["KERASTUNER_TUNER_ID"])
    try:
        with signs:
            tuner.search(verbose=0, callbacks=[*own, curves])
    except ConnectionError as error:
        print(error, file=sys.stderr)
        sys.exit(machines.NO_CHIEF)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    work(pathlib.Path(sys.argv[1]), *sys.argv[2:])
