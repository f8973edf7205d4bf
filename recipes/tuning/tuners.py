"""KerasTuner's four tuners with dependable oracles, fixed seeds, recorded failures and limits.

The folder of a search, `<directory>/<project_name>/`:

    search.json                  algorithm, space, objective, seed: another search is refused
    trial_<id>/trial.json        the oracle's record: values, status, score, message
    trial_<id>/run.json          the tuner's record: seconds, epochs, message, scores and curves
    trial_<id>/checkpoint.weights.h5, build_config.json    best weights, of the best `keep` trials
    trial_<id>/execution<k>/     the state after the last epoch, while the trial may continue

Each JSON file has a `.copy` beside it. Running the same program again continues a killed search.
"""

import contextlib
import copy
import itertools
import json
import math
import os
import pathlib
import shutil
import statistics
import time
import traceback

import keras
import keras_tuner
from keras_tuner.src.distribute import utils as distribute
from keras_tuner.src.engine import tuner as tuner_module
from keras_tuner.src.engine import tuner_utils

from recipes.tuning import oracles, progress, storage, time_left

PRUNE_TRIALS = 4  # other trials that must have reached an epoch before a trial is pruned there
PRUNE_EPOCHS = 1  # epochs without pruning at the start of every trial
OWN_FILES = ("trial_*", "search.json*", "oracle.json*", "tuner*.json*")


class OutOfTimeError(keras_tuner.errors.FailedTrialError):
    """A trial ran longer than `trial_time_limit`."""


class Tuner(keras_tuner.Tuner):
    """Base class of the four tuners.

    Takes the arguments of the KerasTuner tuner of the same name, and these:

    Args:
        trial_time_limit: seconds after which a trial fails, whatever its score so far. Checked
            after each batch.
        time_limit: seconds after the start of `search` after which no new trial starts.
        prune: `"median"` stops a trial whose best value so far is worse than the median of the
            other trials' values at the same epoch (Golovin et al. 2017,
            https://doi.org/10.1145/3097983.3098043), once four others have reached it. The trial
            counts as completed, with its best value and a message. None: no pruning.
        keep: number of best trials that keep their weights on disk; None: all.
        first_points: dictionaries of hyperparameters' values to try right after the defaults, which
            the others keep. Grid search has an order of its own and ignores them.

    Raises:
        ValueError: if the project folder contains another search, if `overwrite=True` is used with
            a folder that no tuner created, or if `prune` is combined with Hyperband, which already
            stops bad trials.

    Scores: the best finite value over the epochs. A trial whose *last* value is not finite has
    diverged and fails, as does one with a weight that is NaN or infinite; NaN in an early epoch (a
    precision without positives, for instance) is ignored. With several executions the score is
    their mean; if one of them fails, the trial fails.

    Seeds: before each build Python, NumPy and the backend are seeded by a hash of seed,
    hyperparameter values, execution and retry, so equal hyperparameters get equal scores, whatever
    ran before. This includes the order of the data if `x` is an array, or a *function* that returns
    the data (called before each execution): a shuffled tf.data set itself would continue from trial
    to trial.
    """

    Oracle = None

    def __init__(
        self,
        hypermodel=None,
        *arguments,
        max_model_size=None,
        optimizer=None,
        loss=None,
        metrics=None,
        distribution_strategy=None,
        directory=None,
        project_name=None,
        tuner_id=None,
        overwrite=False,
        executions_per_trial=1,
        trial_time_limit=None,
        time_limit=None,
        prune=None,
        keep=3,
        first_points=(),
        **keywords,
    ):
        if prune not in (None, "median"):
            raise ValueError(f'prune must be None or "median", not {prune!r}')
        if prune and issubclass(self.Oracle, keras_tuner.oracles.HyperbandOracle):
            raise ValueError(
                'prune="median" does not go with Hyperband, which stops bad trials itself: '
                "leave it out"
            )
        if hypermodel is None and type(self).run_trial is Tuner.run_trial:
            raise ValueError(
                "hypermodel is missing: a function build_model(hp), or a run_trial of your own"
            )
        self.trial_time_limit = trial_time_limit
        self.time_limit = time_limit
        self.prune = prune
        self.keep = keep
        self._quiet = False
        self._error = None  # of the first trial
        self._curves = {}  # trial id: the objective after each epoch
        # State of the current trial:
        self._began = time.monotonic()
        self._seconds_before = 0  # in earlier runs of the search
        self._execution = 0
        self._attempt = 0
        self._run = {}  # what goes into run.json
        oracle = self.Oracle(*arguments, **keywords)
        oracle.keep = keep
        oracle.first_points = list(first_points)
        folder = pathlib.Path(directory or ".") / (project_name or "untitled_project")
        worker = distribute.has_chief_oracle() and not distribute.is_chief_oracle()
        if overwrite and not worker:
            self._delete(folder)
        super().__init__(
            oracle,
            hypermodel,
            max_model_size=max_model_size,
            optimizer=optimizer,
            loss=loss,
            metrics=metrics,
            distribution_strategy=distribution_strategy,
            directory=directory,
            project_name=project_name,
            tuner_id=tuner_id,
            executions_per_trial=executions_per_trial,
        )
        self._local = oracle  # even on a worker, where `self.oracle` is a client of the chief
        self._identity = self._describe()
        self._check_identity()
        if worker:
            from recipes.tuning import chief

            self.oracle = chief.Client(oracle)
        else:
            oracle.reload()

    # The identity of the search

    def _describe(self):
        oracle = self._local
        algorithm = (
            "num_initial_points",
            "alpha",
            "beta",
            "acquisition",
            "max_epochs",
            "factor",
            "hyperband_iterations",
        )
        arguments = {name: getattr(oracle, name) for name in algorithm if hasattr(oracle, name)}
        return {
            "algorithm": self.Oracle.__name__.removesuffix("Oracle"),
            "objective": str(oracle.objective),
            "seed": oracle.seed if oracle.seeded else None,
            "executions_per_trial": self.executions_per_trial,
            "prune": self.prune,
            **{name: value if value != math.inf else "inf" for name, value in arguments.items()},
            "space": oracle.get_space().get_config()["space"],
        }

    def _check_identity(self):
        """Compare with the search in the folder; use its seed if none was given.

        Raises:
            ValueError: if they differ, with the differences.
        """
        identity = json.loads(json.dumps(self._identity))
        there = storage.load_json(os.path.join(self.project_dir, "search.json"))
        advice = "pass overwrite=True to start anew, or another project_name"
        if there is None:
            if os.path.exists(os.path.join(self.project_dir, "oracle.json")):
                raise ValueError(f"{self.project_dir} holds a search of plain KerasTuner: {advice}")
            return
        self._local.seed = there["seed"]
        if identity["seed"] is None:
            identity["seed"] = there["seed"]
        differences = _differences(there, identity)
        if differences:
            raise ValueError(
                f"{self.project_dir} holds another search ({'; '.join(differences)}): {advice}"
            )

    @staticmethod
    def _delete(folder):
        """Delete the files of a tuner in `folder`, and nothing else."""
        if not folder.exists() or not any(folder.iterdir()):
            return
        records = ("search.json", "search.json.copy", "oracle.json")
        made = any((folder / name).exists() for name in records)
        if not made and {path.name for path in folder.iterdir()} != {storage.LOCK}:
            raise ValueError(
                f"overwrite=True: no tuner made {folder}, so nothing is deleted; "
                "choose another project_name"
            )
        with storage.held(folder):
            for pattern in OWN_FILES:
                for path in folder.glob(pattern):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    # The search

    def search(self, *fit_args, **fit_kwargs):
        """Search, or continue an interrupted search.

        It ends after `max_trials`, when all points have been tried, or at `time_limit`.

        Args:
            *fit_args: for `fit`; the first, or `x`, may be a function that returns the training
                data: `x`, a data set, or a tuple `(x, y)` or `(x, y, sample_weight)`.
            **fit_kwargs: for `fit`. `verbose` is 0 for `fit` unless given; `verbose=0` silences the
                search, too.

        Raises:
            RuntimeError: if another search is using the project folder.
            Exception: any exception of the first trial, which has the default values: the others
                would probably fail, too.
        """
        self._quiet = fit_kwargs.get("verbose") in (0, "0")
        if self._is_worker():
            self._search(*fit_args, **fit_kwargs)
            return
        with self.project():
            if distribute.is_chief_oracle():
                from recipes.tuning import chief

                chief.serve(
                    self.oracle,
                    os.environ["KERASTUNER_ORACLE_IP"],
                    int(os.environ["KERASTUNER_ORACLE_PORT"]),
                ).wait()
                if self.oracle.first_failed():
                    raise RuntimeError(
                        f"the trial with the default values failed: {self._first_line(0)}"
                    )
            else:
                self._search(*fit_args, **fit_kwargs)

    @contextlib.contextmanager
    def project(self):
        """Lock the project folder and restore the search in it.

        For programs that serve the oracle to workers.

        Raises:
            RuntimeError: if another search is using the folder.
            ValueError: if it contains another search.
        """
        with storage.held(self.project_dir):
            self._check_identity()
            identity = {**self._identity, "seed": self._local.seed}
            storage.save_json(os.path.join(self.project_dir, "search.json"), identity)
            self._local.reload()
            yield

    def _search(self, *fit_args, **fit_kwargs):
        self._search_began, self._ended_here = time.monotonic(), 0
        self.on_search_begin()
        while True:
            spent = time.monotonic() - self._search_began
            if self.time_limit is not None and spent >= self.time_limit:
                limit = f"{self.time_limit:g} s"
                self._say(f"The time limit of {limit} is reached: no new trial is begun.")
                break
            self.pre_create_trial()
            trial = self.oracle.create_trial(self.tuner_id)
            if trial.status == oracles.STOPPED:
                self._say_why_stopped()
                break
            if trial.status == oracles.IDLE:
                time.sleep(0.2)
                continue
            self.on_trial_begin(trial)
            self._try_run_and_update_trial(trial, *fit_args, **fit_kwargs)
            self.on_trial_end(trial)
        self.on_search_end()

    def _say(self, line):
        if not self._quiet:
            print(line, flush=True)

    def _say_why_stopped(self):
        done, planned = len(self._local.trials), self._local.max_trials
        if not self._is_worker() and planned and done < planned:
            self._say(
                "All points of the search space are tried: "
                f"the search ends after {done} of {planned} trials."
            )

    def on_trial_end(self, trial):
        """Record the trial, report it, and raise the error of the first one."""
        self.oracle.end_trial(trial)
        ended = self.oracle.get_trial(trial.trial_id)
        if ended.status == oracles.FAILED and int(trial.trial_id) == 0:
            raise self._error or RuntimeError(
                f"the trial with the default values failed: {trial.message}"
            )
        if not self._quiet and ended.status != oracles.INVALID:
            self.report(ended)

    def report(self, trial):
        """Print one line about a trial that has ended."""
        number = int(trial.trial_id) + 1
        planned = self.oracle.max_trials
        completed = trial.status == oracles.COMPLETED
        words = [f"Trial {number} of {planned}: " if planned else f"Trial {number}: "]
        if completed:
            words.append(f"{self.oracle.objective.name} {trial.score:.5g}")
        else:
            words.append(f"failed ({_first_line(trial.message or self._run.get('message'))})")
        best = self.oracle.get_best_trials(1)
        if best:
            words.append(f", best {best[0].score:.5g} (trial {int(best[0].trial_id) + 1})")
        self._ended_here += 1
        left = time_left.seconds_left(
            time.monotonic() - self._search_began,
            self._ended_here,
            planned - number if planned else None,
            self.time_limit,
        )
        if left is not None:
            words.append(f", {time_left.in_words(left)}")
        if completed and trial.message:
            words.append(f" [{_first_line(trial.message)}]")
        print("".join(words), flush=True)

    # One trial

    def _try_run_and_update_trial(self, trial, *fit_args, **fit_kwargs):
        self._began = time.monotonic()
        self._seconds_before = 0.0
        self._execution = 0
        self._run = {"seconds": 0.0, "epochs": 0, "message": None, "score": None, "executions": []}
        record = storage.load_json(os.path.join(self.get_trial_dir(trial.trial_id), "trial.json"))
        self._attempt = record["runs"] if isinstance(record, dict) else 0
        trial.message = None
        keras.utils.set_random_seed(self.trial_seed(trial.hyperparameters.values))
        try:
            self._run_and_update_trial(trial, *fit_args, **fit_kwargs)
            trial.status = oracles.COMPLETED
            trial.message = self._run["message"]
        except keras_tuner.errors.FatalError:
            raise
        except Exception as error:
            final = isinstance(error, keras_tuner.errors.FailedTrialError)
            trial.status = oracles.FAILED if final else oracles.INVALID
            if isinstance(error, progress.NotFiniteError | OutOfTimeError):
                trial.message = str(error)
            else:
                trial.message = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
            self._error = error if int(trial.trial_id) == 0 else None
            self._forget_states(trial.trial_id)
        self._run["message"] = trial.message
        self._run["seconds"] = self.seconds()
        storage.save_json(os.path.join(self.get_trial_dir(trial.trial_id), "run.json"), self._run)

    def _run_and_update_trial(self, trial, *fit_args, **fit_kwargs):
        objective = self.oracle.objective
        results = self.run_trial(trial, *fit_args, **fit_kwargs)
        tuner_utils.validate_trial_results(results, objective, "Tuner.run_trial()")
        if not isinstance(results, list):
            results = [results]
        executions = [_best_metrics(result, objective) for result in results]
        for number, (metrics, _) in enumerate(executions):
            if number >= len(self._run["executions"]):
                self._run["executions"].append({})
            self._run["executions"][number]["score"] = metrics[objective.name]
        metrics = tuner_utils.average_metrics_dicts([metrics for metrics, _ in executions])
        metrics = {name: float(value) for name, value in metrics.items()}
        if not math.isfinite(metrics[objective.name]):
            raise progress.NotFiniteError(f"{objective.name} is {metrics[objective.name]}")
        self._run["score"] = metrics[objective.name]
        step = round(sum(step for _, step in executions) / len(executions))
        self.oracle.update_trial(trial.trial_id, metrics, step=step)

    def run_trial(self, trial, *fit_args, **fit_kwargs):
        """Train the model `executions_per_trial` times, each from its last saved state.

        Returns:
            The results of `HyperModel.fit`, a list with one for each execution.
        """
        fit_kwargs.setdefault("verbose", 0)
        values = trial.hyperparameters.values
        if "tuner/epochs" in values:
            fit_kwargs["epochs"] = values["tuner/epochs"]
        results, best = [], None
        for execution in range(self.executions_per_trial):
            self._execution = execution
            result, best, stopped = self._execute(trial, best, *fit_args, **copy.copy(fit_kwargs))
            results.append(result)
            if stopped:  # pruned: further executions would be wasted
                break
        self._execution = 0
        return results

    def _execute(self, trial, best, *fit_args, **fit_kwargs):
        """Train the model once, from its last saved state.

        Returns:
            The result of `fit`, the best value of all executions, and whether it was pruned.
        """
        hp = trial.hyperparameters
        trial_id = trial.trial_id
        folder = os.path.join(self.get_trial_dir(trial_id), f"execution{self._execution}")
        callbacks = self._deepcopy_callbacks(list(fit_kwargs.pop("callbacks", None) or []))
        self._configure_tensorboard_dir(callbacks, trial, self._execution)
        checkpoint = self._get_checkpoint_fname(trial_id)
        follower = progress.Follower(
            self, trial, self.oracle.objective, folder, checkpoint, callbacks, best
        )

        # Build the model and restore its last state, if there is one.
        saved, begun = self._state_to_continue(hp, folder, checkpoint)
        model = self._try_build(hp)
        reminder = []
        if saved is not None:
            try:
                with tuner_module.maybe_distribute(self.distribution_strategy):
                    reminder = progress.restore(saved, model, callbacks)
                follower.take_up(saved)
                fit_kwargs["initial_epoch"] = saved["epochs"]
                if saved["stopped"]:
                    fit_kwargs["epochs"] = saved["epochs"]
            except (OSError, ValueError):  # a corrupt file
                if begun:
                    raise keras_tuner.errors.FailedTrialError(
                        "the state to continue from cannot be read"
                    ) from None
                shutil.rmtree(folder)
                model = self._try_build(hp)

        # Train, and record the curves.
        fit_args, fit_kwargs = _with_data(fit_args, fit_kwargs, skip=follower.epochs)
        callbacks = [*reminder, *callbacks, tuner_utils.TunerCallback(self, trial), follower]
        result = self.hypermodel.fit(hp, model, *fit_args, callbacks=callbacks, **fit_kwargs)
        storage.save_json(self._get_build_config_fname(trial_id), model.get_build_config())
        tuner_utils.validate_trial_results(result, self.oracle.objective, "HyperModel.fit()")
        if isinstance(result, keras.callbacks.History):
            result.history = follower.history()
            result.epoch = list(range(follower.epochs))
        self._run["executions"].append({"values": follower.values(), "history": follower.history()})
        self._run["epochs"] += follower.epochs - begun
        self._run["message"] = self._run["message"] or follower.message
        return result, follower.best, follower.message is not None

    def _state_to_continue(self, hp, folder, checkpoint):
        """The state to continue an execution from, or None; and its epochs from another trial."""
        saved = progress.load(folder)
        if saved is not None:
            self._seconds_before = max(self._seconds_before, saved["seconds"])
            return saved, hp.values.get("tuner/initial_epoch", 0)
        if "tuner/trial_id" not in hp.values:
            return None, 0
        # A promoted trial continues where the other trial ended.
        origin = self.get_trial_dir(hp.values["tuner/trial_id"])
        saved = progress.load(os.path.join(origin, f"execution{self._execution}"))
        if saved is None:
            raise keras_tuner.errors.FailedTrialError(
                f"the state to continue from is not in {origin}"
            )
        if self._execution == 0:
            best = self._get_checkpoint_fname(hp.values["tuner/trial_id"])
            storage.link_or_copy(best, checkpoint)
        return saved, saved["epochs"]

    def trial_seed(self, values, execution=None):
        """The seed for hyperparameter values: the same in every process."""
        values = {name: value for name, value in values.items() if not name.startswith("tuner/")}
        execution = self._execution if execution is None else execution
        return oracles.random_number("build", self._seed(), values, execution, self._attempt)

    def _seed(self):
        if self._is_worker() and self._identity["seed"] is None:  # the chief drew one
            return storage.load_json(os.path.join(self.project_dir, "search.json"))["seed"]
        return self._local.seed

    def _build_hypermodel(self, hp):
        keras.utils.set_random_seed(self.trial_seed(hp.values))
        model = super()._build_hypermodel(hp)
        _let_go_of_graphs(model)
        return model

    def seconds(self):
        """Run time of the current trial, including earlier runs of the search."""
        return self._seconds_before + time.monotonic() - self._began

    def check_time(self, epochs):
        """Fail the current trial if it has run longer than `trial_time_limit`."""
        if self.trial_time_limit is not None and self.seconds() > self.trial_time_limit:
            raise OutOfTimeError(
                f"exceeded its time limit of {self.trial_time_limit:g} s in epoch {epochs + 1}"
            )

    def verdict(self, trial, values):
        """The reason to prune a trial with these values of the objective so far, or None.

        This is the median rule; override it for another one.
        """
        epoch, objective = len(values), self.oracle.objective
        if self.prune is None or self._execution > 0 or epoch <= PRUNE_EPOCHS:
            return None
        finite = [value for value in values if math.isfinite(value)]
        others = []  # values of the other trials at this epoch
        for curve in self._other_curves(trial.trial_id):
            value = curve[epoch - 1] if len(curve) >= epoch else None
            if value is not None and math.isfinite(value):
                others.append(value)
        if len(others) < PRUNE_TRIALS or not finite:
            return None
        best = max(finite) if objective.direction == "max" else min(finite)
        middle = statistics.median(others)
        if not objective.better_than(middle, best):
            return None
        return (
            f"pruned at epoch {epoch}: {best:.5g} is worse than {middle:.5g}, "
            f"the median of {len(others)} others"
        )

    def _other_curves(self, trial_id):
        for folder in os.scandir(self.project_dir):
            other = folder.name.removeprefix("trial_")
            if not folder.name.startswith("trial_") or other == trial_id or other in self._curves:
                continue
            run = storage.load_json(os.path.join(folder.path, "run.json"))
            if run and run["executions"] and run["score"] is not None:
                self._curves[other] = run["executions"][0].get("values") or []
        return [curve for other, curve in self._curves.items() if other != trial_id]

    def _forget_states(self, trial_id):
        for states in pathlib.Path(self.get_trial_dir(trial_id)).glob("execution*"):
            shutil.rmtree(states, ignore_errors=True)

    # Results

    def leaderboard(self):
        """All trials as dictionaries, the best first, failed and unfinished ones last.

        Keys: `rank` (equal for equal scores; None if there is no score), `trial` (its id), `score`,
        `status`, `message` (one line or None), `epochs` and `seconds` (spent on this trial),
        `scores` (of each execution), `hyperparameters`.
        """
        if self._is_worker():
            self._local.reload()
        ranked = self._local.get_best_trials(len(self._local.trials))
        rest = [trial for trial in self._local.trials.values() if trial not in ranked]
        rows = []
        for place, trial in enumerate(ranked, start=1):
            tied = rows and rows[-1]["score"] == trial.score
            rows.append(self._row(trial, rows[-1]["rank"] if tied else place))
        rows += [self._row(trial, None) for trial in rest]
        return rows

    def _row(self, trial, rank):
        run = self._run_record(trial.trial_id)
        searched = {
            name: value
            for name, value in trial.hyperparameters.values.items()
            if not name.startswith("tuner/")
        }
        return {
            "rank": rank,
            "trial": trial.trial_id,
            "score": trial.score,
            "status": trial.status,
            "message": _first_line(trial.message),
            "epochs": run.get("epochs", 0),
            "seconds": run.get("seconds", 0.0),
            "scores": [execution.get("score") for execution in run.get("executions", [])],
            "hyperparameters": searched,
        }

    def _run_record(self, trial_id):
        return storage.load_json(os.path.join(self.get_trial_dir(trial_id), "run.json")) or {}

    def curves(self, trial_id):
        """The metrics of a trial after each epoch: a dictionary of lists for each execution."""
        executions = self._run_record(trial_id).get("executions", [])
        return [execution.get("history", {}) for execution in executions]

    def load_model(self, trial):
        """The model of a trial with its best weights.

        Raises:
            ValueError: if they were not kept.
        """
        if not os.path.exists(self._get_checkpoint_fname(trial.trial_id)):
            raise ValueError(
                f"the weights of trial {trial.trial_id} are gone: "
                f"those of the best {self.keep} are kept"
            )
        self._execution = self._attempt = 0
        return super().load_model(trial)

    def _first_line(self, number):
        return _first_line(self._local.trials[self._local.start_order[number]].message)

    # KerasTuner's own state files are not needed: the records of the trials contain everything.

    def save(self):
        """Nothing to do."""

    def reload(self):
        """Restore the state from the project folder."""
        self._local.reload()


class RandomSearch(Tuner):
    """Dependable `keras_tuner.RandomSearch`: the defaults first, and no point twice."""

    Oracle = oracles.RandomSearchOracle


class BayesianOptimization(Tuner):
    """Dependable `keras_tuner.BayesianOptimization`, with expected improvement."""

    Oracle = oracles.BayesianOptimizationOracle


class Hyperband(Tuner):
    """Dependable `keras_tuner.Hyperband`.

    A promoted trial continues exactly as if it had never been interrupted.
    """

    Oracle = oracles.HyperbandOracle


class GridSearch(Tuner):
    """Dependable `keras_tuner.GridSearch`: it can be resumed."""

    Oracle = oracles.GridSearchOracle


def _first_line(message):
    return message.strip().splitlines()[0] if message and message.strip() else None


def _differences(there, here):
    """The differences between two descriptions of a search, in words."""
    lines = []
    for name in dict.fromkeys([*there, *here]):
        if name != "space" and there.get(name) != here.get(name):
            lines.append(f"{name}: {there.get(name)} there, {here.get(name)} here")
    old = _entries(there.get("space", []))
    new = _entries(here["space"])
    for key in dict.fromkeys([*old, *new]):
        hyperparameter = f"hyperparameter {key[0]!r}"
        if key not in new:
            lines.append(f"{hyperparameter}: only there")
        elif key not in old:
            lines.append(f"{hyperparameter}: only here")
        elif old[key] != new[key]:
            lines.append(f"{hyperparameter}: {_changes(old[key], new[key])}")
    return lines


def _entries(space):
    """`{(name, conditions): (kind, settings)}` of the hyperparameters of a space."""
    entries = {}
    for hp in space:
        config = hp["config"]
        key = config["name"], json.dumps(config["conditions"])
        entries[key] = hp["class_name"], config
    return entries


def _changes(old, new):
    """The differences between two hyperparameters of the same name, in words."""
    old_kind, old_config = old
    new_kind, new_config = new
    changed = [
        f"{name} {old_config.get(name)} there, {new_config.get(name)} here"
        for name in new_config
        if old_config.get(name) != new_config.get(name)
    ]
    return ", ".join(changed) or f"{old_kind} there, {new_kind} here"


def _best_metrics(result, objective):
    """The metrics of the best epoch, including the objective, and the number of that epoch.

    Raises:
        NotFiniteError: if no value of the objective is finite, or the last is not.
    """
    if isinstance(result, keras.callbacks.History):
        epochs = []
        for row in itertools.zip_longest(*result.history.values()):
            named = zip(result.history, row, strict=True)
            epochs.append({name: value for name, value in named if value is not None})
        epochs = [metrics for metrics in epochs if objective.has_value(metrics)]
    elif isinstance(result, dict):
        epochs = [dict(result)]
    else:
        epochs = [{objective.name: float(result)}]
    if not epochs:
        raise progress.NotFiniteError(f"there is no value of {objective.name}")
    values = []
    for metrics in epochs:
        if objective.name in metrics:
            values.append(metrics[objective.name])
        else:
            values.append(objective.get_value(metrics))
    if not math.isfinite(values[-1]):
        where = f" after epoch {len(values)}" if len(values) > 1 else ""
        raise progress.NotFiniteError(f"{objective.name} is {values[-1]}{where}")
    finite = [number for number, value in enumerate(values) if math.isfinite(value)]
    better = max if objective.direction == "max" else min
    best = better(finite, key=lambda number: values[number])
    return {**epochs[best], objective.name: values[best]}, best


def _let_go_of_graphs(model):
    """Disable the optimizer's sum of gradients over replicas if there is only one.

    In TensorFlow that sum is a custom gradient, whose entry in the global gradient registry keeps
    the whole training graph, at least 3 MB per trial, until the process ends. Neither
    `clear_session` nor garbage collection helps.
    """
    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
    if keras.backend.backend() != "tensorflow" or not hasattr(
        optimizer, "_all_reduce_sum_gradients"
    ):
        return
    if model.distribute_strategy.num_replicas_in_sync == 1:
        optimizer._all_reduce_sum_gradients = list


def _with_data(fit_args, fit_kwargs, skip):
    """The arguments for `fit`: call `x` if it is a function, and skip `skip` epochs of the data.

    The function may return `(x, y)` or `(x, y, sample_weight)`, unless `y` is already given.
    """
    data = fit_args[0] if fit_args else fit_kwargs.get("x")
    if callable(data) and not isinstance(data, keras.utils.PyDataset):
        data = data()
        alone = len(fit_args) < 2 and fit_kwargs.get("y") is None
        if alone and isinstance(data, tuple) and len(data) in (2, 3):
            data, *rest = data
            fit_kwargs = {**fit_kwargs, **dict(zip(("y", "sample_weight"), rest, strict=False))}
        if fit_args:
            fit_args = (data, *fit_args[1:])
        else:
            fit_kwargs = {**fit_kwargs, "x": data}
    progress.skip_epochs(data, skip)
    return fit_args, fit_kwargs
