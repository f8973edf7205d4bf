"""KerasTuner's oracles (they choose what to try next), rebuilt from the records of the trials after any interruption.

The record of a trial, `trial_<id>/trial.json`, is written whole when the trial is created and when it has ended;
nothing else is state. What comes next depends only on the seed, the number of the trial and the trials that have
ended, so a search that was killed goes on exactly as it would have.
"""

import functools
import glob
import hashlib
import inspect
import json
import math
import os
import random
import shutil
import threading

import keras_tuner
import numpy as np
import threadpoolctl
from keras_tuner.engine import hyperparameters as hp_module
from keras_tuner.src.engine import metrics_tracking
from keras_tuner.src.engine import oracle as oracle_module
from keras_tuner.src.engine import trial as trial_module
from keras_tuner.src.tuners import gridsearch

from recipes.tuning import gaussian_process, storage

RUNNING, IDLE, STOPPED = "RUNNING", "IDLE", "STOPPED"
COMPLETED, FAILED, INVALID = "COMPLETED", "FAILED", "INVALID"
LARGEST_GRID = 20_000  # spaces of at most so many points are listed to find the untried ones


def random_number(*origin):
    """A number below 2³² that looks random and is the same for the same arguments (JSON values) on every machine."""
    return int.from_bytes(
        hashlib.sha256(json.dumps(origin, sort_keys=True).encode()).digest()[:4], "big"
    )


def locked(method):
    """One thread at a time; the lock is let go on an error too, which KerasTuner's `synchronized` forgets."""

    @functools.wraps(method)
    def wrapped(self, *arguments, **keywords):
        with self._lock:
            try:
                return method(self, *arguments, **keywords)
            finally:
                if oracle_module.LOCKS[self].locked():
                    oracle_module.THREADS[self] = None
                    oracle_module.LOCKS[self].release()

    return wrapped


class Dependable:
    """What the four oracles have in common; goes before an oracle of KerasTuner among the base classes.

    Takes the arguments of the oracle, with `max_consecutive_failed_trials` None by default: failures do not end a
    search, except that of the first trial, which has the default values.
    """

    def __init__(self, *arguments, **keywords):
        keywords.setdefault("max_consecutive_failed_trials", None)
        given = (
            inspect.signature(super().__init__).bind(*arguments, **keywords).arguments.get("seed")
        )
        super().__init__(*arguments, **keywords)
        self.seed = random.SystemRandom().randrange(2**31) if given is None else int(given)
        self.seeded = given is not None
        self.keep = 3  # checkpoints to keep, of the best trials; None: all
        self._display.verbose = 0
        self._lock = threading.RLock()
        self._abandoned = {}  # trial id -> how many workers died on it
        self._recorded = set()  # trials that have a record on disk
        self._with_files = set()  # trials that may have checkpoints on disk

    # Choosing

    def _random(self, *purpose):
        """The random numbers of the next trial: no other trial, no other seed and no other purpose has the same."""
        return random.Random(random_number("trial", self.seed, len(self.start_order), *purpose))

    def _active(self, hp, values):
        return all(condition.is_active(values) for condition in hp.conditions)

    def _decode(self, probabilities):
        """Values from one number in [0, 1) for each hyperparameter of the space."""
        values = {}
        for hp, probability in zip(self.hyperparameters.space, probabilities, strict=True):
            if self._active(hp, values):
                values[hp.name] = (
                    hp.value if isinstance(hp, hp_module.Fixed) else hp.prob_to_value(probability)
                )
        return values

    def _points(self):
        """All points of the space, or None if they are not finite in number or too many to list."""
        size = 1
        for hp in self.hyperparameters.space:
            if isinstance(hp, hp_module.Fixed):
                continue
            if getattr(hp, "step", 1) is None:
                return None
            size *= len(list(hp.values))
        if size > LARGEST_GRID:
            return None
        points = [{}]
        for hp in self.hyperparameters.space:
            fixed = isinstance(hp, hp_module.Fixed)
            points = [
                {**point, hp.name: value} if self._active(hp, point) else point
                for point in points
                for value in (
                    [hp.value] if fixed else list(hp.values) if self._active(hp, point) else [None]
                )
            ]
        return points

    def most_trials(self):
        """At most how many trials the search has; None if that is not known."""
        points = self._points()
        counts = [self.max_trials, None if points is None else len(points)]
        return min((count for count in counts if count is not None), default=None)

    def _random_values(self, tried=None):
        """Values not tried before, at random; the defaults for the first trial; None if all points are tried."""
        tried = self._duplicate if tried is None else tried
        space = self.hyperparameters.space
        if not self.start_order:
            defaults = {}
            for hp in space:
                if self._active(hp, defaults):
                    defaults[hp.name] = hp.default
            return defaults
        rng = self._random("values")
        for _ in range(self._max_collisions):
            values = self._decode([rng.random() for _ in space])
            if not tried(values):
                return values
        untried = [values for values in self._points() or [] if not tried(values)]
        return rng.choice(untried) if untried else None

    def _answer(self, values):
        return {"status": STOPPED if values is None else RUNNING, "values": values}

    # The life of a trial

    @locked
    def create_trial(self, tuner_id):
        """As in KerasTuner. `STOPPED` only when no trial runs any more: one may come back from a worker that died."""
        if tuner_id not in self.ongoing_trials and self.first_failed():
            self.tuner_ids.discard(tuner_id)
            return trial_module.Trial(self.get_space(), "", STOPPED)
        trial = super().create_trial(tuner_id)
        if trial.status == RUNNING:
            self._with_files.add(trial.trial_id)
        if trial.status == STOPPED and self.ongoing_trials:
            trial.status = IDLE
            self.tuner_ids.add(tuner_id)
        return trial

    @locked
    def update_trial(self, trial_id, metrics, step=0):
        return super().update_trial(trial_id, metrics, step)

    @locked
    def end_trial(self, trial):
        """Record how a trial ended. A second report on it is ignored.

        Raises:
            RuntimeError: after `max_consecutive_failed_trials` failures in a row, if that was given.
        """
        known = self.trials[trial.trial_id]
        if trial.trial_id in self.end_order:
            return
        if (
            trial.trial_id in self._retry_queue
        ):  # its worker was given up, and has finished after all
            self._retry_queue.remove(trial.trial_id)
        known.status, known.message = (
            trial.status,
            trial.message or self._run_of(trial.trial_id).get("message"),
        )
        if (
            trial is not known
        ):  # it came from a worker, with its numbers rounded and its space in another order
            known.hyperparameters.values = {
                **trial.hyperparameters.values,
                **known.hyperparameters.values,
            }
            known.hyperparameters.merge(trial.hyperparameters, overwrite=False)
        self.update_space(known.hyperparameters)
        self._record_values(known)
        if known.status == COMPLETED:
            self.score_trial(known)
            if (
                trial is not known
                and (run := self._run_of(trial.trial_id)).get("score") is not None
            ):
                known.score = run["score"]
            if known.score is None or not math.isfinite(known.score):
                known.message = f"{self.objective.name} is {known.score}"
                known.status = INVALID
        self._run_times[known.trial_id] += 1
        self._end(known, retry=self._retry(known))
        self._check_consecutive_failures()

    def _end(self, trial, retry):
        if not retry:
            self.end_order.append(trial.trial_id)
        if trial.status != COMPLETED:
            trial.metrics, trial.score = metrics_tracking.MetricsTracker(), None
        self._save_trial(trial)
        self.ongoing_trials = {
            tuner_id: ongoing
            for tuner_id, ongoing in self.ongoing_trials.items()
            if ongoing.trial_id != trial.trial_id
        }
        self._tidy()

    @locked
    def abandon(self, tuner_id, reason):
        """Give up a worker that is known to be dead: its trial runs once more elsewhere, and fails the second time.

        Args:
            tuner_id: the worker's KERASTUNER_TUNER_ID.
            reason: one line for the trial's message, for example "killed by signal 9".

        Returns:
            The id of the trial it was running, or None.
        """
        self.tuner_ids.discard(tuner_id)
        trial = self.ongoing_trials.pop(tuner_id, None)
        if trial is None:
            return None
        trial.message = f"worker {tuner_id} was lost: {reason}"
        self._abandoned[trial.trial_id] = self._abandoned.get(trial.trial_id, 0) + 1
        again = self._abandoned[trial.trial_id] < 2
        trial.status = INVALID if again else FAILED
        if again:
            self._retry_queue.append(trial.trial_id)
        self._end(trial, retry=again)
        return trial.trial_id

    def first_failed(self):
        """Whether the trial with the default values failed: then something is wrong that no other values mend."""
        return bool(self.start_order) and self.trials[self.start_order[0]].status == FAILED

    @locked
    def get_best_trials(self, num_trials=1):
        """At most `num_trials` completed trials, the best first; never a failed one."""
        completed = [trial for trial in self.trials.values() if trial.status == COMPLETED]
        completed = [
            trial for trial in completed if trial.score is not None and math.isfinite(trial.score)
        ]
        completed.sort(key=lambda trial: trial.score, reverse=self.objective.direction == "max")
        return completed[:num_trials]

    # Disk

    def save(self):
        """Nothing to do: the records of the trials are the state."""

    def _record_path(self, trial_id):
        return os.path.join(self._get_trial_dir(trial_id), "trial.json")

    def _save_trial(self, trial):
        path = self._record_path(trial.trial_id)
        if trial.status == RUNNING and trial.trial_id in self._recorded:
            return  # what a running trial has so far does not count until it has ended
        self._recorded.add(trial.trial_id)
        state = {
            **trial.get_state(),
            "runs": self._run_times[trial.trial_id],
            "abandoned": self._abandoned.get(trial.trial_id, 0),
            "ended": self.end_order.index(trial.trial_id)
            if trial.trial_id in self.end_order
            else None,
        }
        storage.save_json(path, state)

    def _run_of(self, trial_id):
        """What the tuner left in the trial's folder: a worker's messages and exact scores do not travel otherwise."""
        run = storage.load_json(os.path.join(self._get_trial_dir(trial_id), "run.json"))
        return run if isinstance(run, dict) else {}

    @locked
    def reload(self):
        """Take up what the project folder holds: ended trials stay ended, unfinished ones are run again first."""
        self.trials, self.ongoing_trials, self.start_order, self.end_order = {}, {}, [], []
        self._run_times.clear()
        self._retry_queue, self._abandoned, self._tried_so_far = [], {}, set()
        self._id_to_hash.clear()
        records = []
        for folder in glob.glob(os.path.join(glob.escape(self._project_dir), "trial_*")):
            trial_id = os.path.basename(folder).removeprefix("trial_")
            if trial_id.isdigit():
                records.append(
                    (int(trial_id), trial_id, storage.load_json(os.path.join(folder, "trial.json")))
                )
        records.sort(key=lambda record: record[0])
        while records and not isinstance(records[-1][2], dict):
            records.pop()  # the newest was not written any more: it is created again, with the same values
        ended = {}
        for _, trial_id, state in records:
            if isinstance(state, dict):
                trial = trial_module.Trial.from_state(state)
            else:
                state = {"runs": 1, "abandoned": 0, "ended": -1}
                nothing = hp_module.HyperParameters()
                trial = trial_module.Trial(
                    nothing, trial_id, FAILED, "its record cannot be read any more"
                )
            self.trials[trial_id] = trial
            self._run_times[trial_id], self._abandoned[trial_id] = state["runs"], state["abandoned"]
            if (
                not self.start_order and trial.status == FAILED
            ):  # perhaps the user has mended what was wrong with it
                trial.status, self._run_times[trial_id], self._abandoned[trial_id] = RUNNING, 0, 0
            self.start_order.append(trial_id)
            if trial.status in (COMPLETED, FAILED):
                ended[trial_id] = state["ended"]
            else:
                trial.metrics, trial.score = metrics_tracking.MetricsTracker(), None
                self._retry_queue.append(trial_id)
            self._record_values(trial)
        self.end_order = sorted(ended, key=ended.get)
        for trial_id in self.end_order:
            self.update_space(self.trials[trial_id].hyperparameters)
        self._recorded, self._with_files = set(self.start_order), set(self.start_order)
        self._rebuild()

    def _rebuild(self):
        """Put what the algorithm knows beyond the trials back in place, from the trials."""

    def may_continue(self, trial_id):
        """Whether a trial that has ended may be trained further, so that its last state must stay on disk."""
        return False

    def _tidy(self):
        """Delete the weights of trials that are neither among the best nor needed any more."""
        best = {
            trial.trial_id
            for trial in self.get_best_trials(len(self.trials) if self.keep is None else self.keep)
        }
        for trial_id in sorted(self._with_files):
            if self.trials[trial_id].status not in (COMPLETED, FAILED) or self.may_continue(
                trial_id
            ):
                continue
            folder = self._get_trial_dir(trial_id)
            for states in glob.glob(os.path.join(glob.escape(folder), "execution*")):
                shutil.rmtree(states, ignore_errors=True)
            if trial_id not in best:
                for file in glob.glob(os.path.join(glob.escape(folder), "checkpoint.weights.h5*")):
                    os.remove(file)
                self._with_files.discard(trial_id)


class RandomSearchOracle(Dependable, keras_tuner.oracles.RandomSearchOracle):
    """Random search without repetition; a finite space is searched to its last point."""

    def populate_space(self, trial_id):
        return self._answer(self._random_values())


class GridSearchOracle(Dependable, keras_tuner.oracles.GridSearchOracle):
    """All combinations in order, the defaults first."""

    def _end(self, trial, retry):
        super()._end(trial, retry)
        if not retry:
            self._populate_next.append(trial.trial_id)

    def _rebuild(self):
        known = [
            trial_id
            for trial_id in self.start_order
            if self.trials[trial_id].hyperparameters.values
        ]
        known.sort(
            key=functools.cmp_to_key(
                lambda a, b: self._compare(
                    self.trials[a].hyperparameters.values, self.trials[b].hyperparameters.values
                )
            )
        )
        self._ordered_ids = gridsearch.LinkedList()
        for trial_id in known:
            self._ordered_ids.insert(trial_id)
        first = [self.start_order[0]] if self.start_order else []
        self._populate_next = first + [trial_id for trial_id in self.end_order if trial_id in known]


class BayesianOptimizationOracle(Dependable, keras_tuner.oracles.BayesianOptimizationOracle):
    """Bayesian optimization with a Gaussian process and expected improvement, Snoek et al. (2012), arXiv:1206.2944.

    Takes the arguments of KerasTuner's oracle; `num_initial_points` is by default one more than there are
    hyperparameters (KerasTuner: three times as many), `beta` counts for `acquisition="lcb"` only, and the noise is
    estimated with `alpha` as its least value.

    Args:
        acquisition: `"ei"`, expected improvement, or `"lcb"`, KerasTuner's lower confidence bound.
    """

    def __init__(self, *arguments, acquisition="ei", **keywords):
        super().__init__(*arguments, **keywords)
        if acquisition not in ("ei", "lcb"):
            raise ValueError(f'acquisition must be "ei" or "lcb", not {acquisition!r}')
        self.acquisition = acquisition

    def populate_space(self, trial_id):
        completed = [trial for trial in self.trials.values() if trial.status == COMPLETED]
        tunable = [hp for hp in self.hyperparameters.space if not isinstance(hp, hp_module.Fixed)]
        if (
            len(completed) < max(self.num_initial_points or max(4, len(tunable) + 1), 2)
            or not tunable
        ):
            return self._answer(self._random_values())
        others = [trial for trial in self.trials.values() if trial.status != COMPLETED]
        with threadpoolctl.threadpool_limits(
            1, "blas"
        ):  # matrices so small are slower, and differ, on several threads
            values = self._most_promising(completed, others)
        return self._answer(self._random_values() if values is None else values)

    def _encode(self, values):
        """Coordinates between 0 and 1, one for each value of a choice without order; inactive ones at the default."""
        vector = []
        for hp in self.hyperparameters.space:
            if isinstance(hp, hp_module.Fixed):
                continue
            value = (
                values[hp.name] if hp.name in values and self._active(hp, values) else hp.default
            )
            if isinstance(hp, hp_module.Choice) and not hp.ordered:
                vector.extend(float(value == choice) for choice in hp.values)
            else:
                vector.append(hp.value_to_prob(value))
        return vector

    def _most_promising(self, completed, others):
        sign = -1 if self.objective.direction == "max" else 1
        scores = np.array([sign * trial.score for trial in completed])
        points = [trial.hyperparameters.values for trial in completed]
        scores = gaussian_process.flattened(scores)
        failed = [trial.hyperparameters.values for trial in others if trial.status == FAILED]
        pending = [trial.hyperparameters.values for trial in others if trial.status != FAILED]
        model = gaussian_process.fit(
            np.array([self._encode(values) for values in points + failed]),
            np.append(scores, np.full(len(failed), scores.max())),
            noise=self.alpha,
            seed=random_number("process", self.seed, len(self.start_order)),
        )
        if pending:  # as if they had ended with what the model expects of them
            model = gaussian_process.with_points(
                model, np.array([self._encode(values) for values in pending])
            )

        def merit(vectors):
            return gaussian_process.merit(
                model, np.atleast_2d(vectors), self.acquisition, self.beta
            )

        best = [points[i] for i in np.argsort(scores, kind="stable")[:5]]
        candidates = self._candidates(best)
        if not candidates:
            return None
        vectors = np.array([self._encode(values) for values in candidates])
        merits = merit(vectors)
        top = [candidates[i] for i in np.argsort(-merits, kind="stable")[:3]]
        polished = [
            values
            for values in (self._polish(values, merit) for values in top)
            if not self._duplicate(values)
        ]
        choice = [*top, *polished]
        return choice[int(np.argmax(merit(np.array([self._encode(values) for values in choice]))))]

    def _candidates(self, best):
        """Untried values: all there are if they can be listed, else some anywhere and some near the best."""
        points = self._points()
        if points is not None and len(points) <= 2_500:
            return [values for values in points if not self._duplicate(values)]
        space, rng = self.hyperparameters.space, self._random("candidates")
        rows = [[rng.random() for _ in space] for _ in range(1_500)]
        for values in best:
            centre = [
                hp.value_to_prob(values[hp.name])
                if hp.name in values and not isinstance(hp, hp_module.Fixed)
                else None
                for hp in space
            ]
            for _ in range(100):
                rows.append(
                    [
                        rng.random()
                        if p is None or rng.random() < 0.1
                        else min(max(rng.gauss(p, 0.08), 0.0), 0.999999)
                        for p in centre
                    ]
                )
        candidates = {
            self._compute_values_hash(values): values for values in map(self._decode, rows)
        }
        return [values for digest, values in candidates.items() if digest not in self._tried_so_far]

    def _polish(self, values, merit):
        """Climb from `values` along those hyperparameters that can take any value in their range."""
        vector, moving, column = np.array(self._encode(values)), [], 0
        for hp in self.hyperparameters.space:
            if isinstance(hp, hp_module.Fixed):
                continue
            if (
                isinstance(hp, hp_module.Float)
                and hp.step is None
                and hp.name in values
                and self._active(hp, values)
            ):
                moving.append((column, hp))
            column += len(hp.values) if isinstance(hp, hp_module.Choice) and not hp.ordered else 1
        if not moving:
            return values
        columns = [column for column, _ in moving]
        vector = gaussian_process.climb(vector, columns, merit)
        return {
            **values,
            **{hp.name: hp.prob_to_value(float(vector[column])) for column, hp in moving},
        }


class HyperbandOracle(Dependable, keras_tuner.oracles.HyperbandOracle):
    """Hyperband, Li et al. (2018), https://jmlr.org/papers/v18/16-558.html: many short trainings, the best go on.

    Takes the arguments of KerasTuner's oracle. A bracket that finds no untried values left, or loses trials to
    failures, goes on with those it has.
    """

    def populate_space(self, trial_id):
        while True:
            for bracket in self._brackets:  # all but the last have their first round complete
                values = self._newcomer(bracket, trial_id) or self._promoted(bracket, trial_id)
                if values is not None:
                    return self._answer(values)
            last_of_all = (
                self._current_bracket == 0
                and self._current_iteration + 1 >= self.hyperband_iterations
            )
            if last_of_all or not self._brackets[-1]["rounds"][0]:
                return {"status": IDLE if self.ongoing_trials else STOPPED}
            self._next_bracket()

    def most_trials(self):
        if math.isinf(self.hyperband_iterations):
            return None
        sizes = [
            self._get_size(bracket, number)
            for bracket in range(self._get_num_brackets())
            for number in range(self._get_num_rounds(bracket))
        ]
        return math.ceil(self.hyperband_iterations) * sum(sizes)

    def _next_bracket(self):
        self._increment_bracket_num()
        self._start_new_bracket()

    def _newcomer(self, bracket, trial_id):
        number = bracket["bracket_num"]
        if bracket.get("full") or len(bracket["rounds"][0]) >= self._get_size(number, 0):
            return None
        inside = {self._digest(info["id"]) for info in bracket["rounds"][0]}
        values = self._random_values(
            tried=lambda values: self._compute_values_hash(values) in inside
        )
        if values is None:
            bracket["full"] = True
            return None
        bracket["rounds"][0].append({"past_id": None, "id": trial_id})
        budget = {"tuner/epochs": self._get_epochs(number, 0), "tuner/initial_epoch": 0}
        return {**values, **budget, "tuner/bracket": number, "tuner/round": 0}

    def _digest(self, trial_id):
        values = self.trials[trial_id].hyperparameters.values
        return self._compute_values_hash({k: v for k, v in values.items() if k != "tuner/trial_id"})

    def _promoted(self, bracket, trial_id):
        """Values of a trial that is sure to be among the best of its round, to be trained further; or None."""
        number, rounds = bracket["bracket_num"], bracket["rounds"]
        for round_number in range(1, len(rounds)):
            here, past = (
                rounds[round_number],
                [self.trials[info["id"]] for info in rounds[round_number - 1]],
            )
            selected = {info["past_id"] for info in here}
            completed = [trial for trial in past if trial.status == COMPLETED]
            unknown = self._arrivals(bracket, round_number - 1) - sum(
                t.status in (COMPLETED, FAILED) for t in past
            )
            if len(completed) - len(selected) == 0 or len(here) + unknown >= self._get_size(
                number, round_number
            ):
                continue
            waiting = [trial for trial in completed if trial.trial_id not in selected]
            best = sorted(
                waiting, key=lambda t: t.score, reverse=self.objective.direction == "max"
            )[0]
            here.append({"past_id": best.trial_id, "id": trial_id})
            return {
                **best.hyperparameters.values,
                "tuner/trial_id": best.trial_id,
                "tuner/epochs": self._get_epochs(number, round_number),
                "tuner/initial_epoch": self._get_epochs(number, round_number - 1),
                "tuner/bracket": number,
                "tuner/round": round_number,
            }
        return None

    def _arrivals(self, bracket, round_number):
        """How many trials a round has or will have."""
        trials = bracket["rounds"][round_number]
        size = self._get_size(bracket["bracket_num"], round_number)
        if round_number == 0:
            return len(trials) if bracket.get("full") else size
        past = bracket["rounds"][round_number - 1]
        failed = sum(self.trials[info["id"]].status == FAILED for info in past)
        return min(size, self._arrivals(bracket, round_number - 1) - failed)

    def may_continue(self, trial_id):
        for bracket in self._brackets:
            rounds = bracket["rounds"]
            for round_number, infos in enumerate(rounds[:-1]):
                if trial_id in (info["id"] for info in infos):
                    following = [
                        self.trials[info["id"]].status
                        for info in rounds[round_number + 1]
                        if info["id"] in self.trials
                    ]
                    ended = sum(status in (COMPLETED, FAILED) for status in following)
                    return ended < self._arrivals(bracket, round_number + 1)
        return False

    def _remove_completed_brackets(self):
        """They stay: it is by them that a restarted search knows how far it was."""

    def _rebuild(self):
        self._brackets, self._current_bracket, self._current_iteration = (
            [],
            self._get_num_brackets() - 1,
            0,
        )
        self._start_new_bracket()
        for trial_id in self.start_order:
            values = self.trials[trial_id].hyperparameters.values
            if "tuner/round" not in values:
                continue
            number, round_number, past_id = (
                values["tuner/bracket"],
                values["tuner/round"],
                values.get("tuner/trial_id"),
            )
            bracket = self._brackets[-1]
            if round_number == 0:
                if bracket["bracket_num"] != number or len(bracket["rounds"][0]) >= self._get_size(
                    number, 0
                ):
                    bracket["full"] = True
                    self._next_bracket()
                bracket = self._brackets[-1]
                past_id = None
            else:
                bracket = next(
                    b
                    for b in self._brackets
                    if any(i["id"] == past_id for i in b["rounds"][round_number - 1])
                )
            bracket["rounds"][round_number].append({"past_id": past_id, "id": trial_id})
