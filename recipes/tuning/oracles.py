"""KerasTuner's oracles, which choose the next values to try, made to survive any interruption.

They are rebuilt from the records of the trials. A record, `trial_<id>/trial.json`, is written
atomically when the trial is created and when it has ended; there is no other state. The next values
depend only on the seed, the number of the trial and the trials that have ended, so a search that
was killed continues exactly as it would have without the interruption.
"""

import functools
import glob
import hashlib
import heapq
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

# KerasTuner's states of a trial, while it is tried …
RUNNING = "RUNNING"
IDLE = "IDLE"
STOPPED = "STOPPED"
# … and when it has ended.
COMPLETED = "COMPLETED"
FAILED = "FAILED"
INVALID = "INVALID"
LARGEST_GRID = 20_000  # spaces of at most this many points are listed to find untried ones


def random_number(*origin):
    """A pseudorandom number below 2³², the same on every machine for equal JSON values."""
    text = json.dumps(origin, sort_keys=True)
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4], "big")


def is_fixed(hp):
    return isinstance(hp, hp_module.Fixed)


def is_unordered(hp):
    return isinstance(hp, hp_module.Choice) and not hp.ordered


def locked(method):
    """Serialize calls of a method.

    The lock is also released on errors, unlike with KerasTuner's `synchronized`.
    """

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
    """Mixin with the common features of the four oracles.

    It precedes an oracle of KerasTuner among the base classes.

    Takes the arguments of the oracle; `max_consecutive_failed_trials` is None by default: failures
    do not end a search, except a failure of the first trial, which has the default values.
    """

    def __init__(self, *arguments, **keywords):
        keywords.setdefault("max_consecutive_failed_trials", None)
        bound = inspect.signature(super().__init__).bind(*arguments, **keywords)
        seed = bound.arguments.get("seed")
        super().__init__(*arguments, **keywords)
        self.seeded = seed is not None
        self.seed = int(seed) if self.seeded else random.SystemRandom().randrange(2**31)
        self.keep = 3  # checkpoints to keep, of the best trials; None: all
        self.first_points = []  # values to try right after the defaults
        self._display.verbose = 0
        self._lock = threading.RLock()
        self._abandoned = {}  # trial id -> how many workers died on it
        self._recorded = set()  # trials that have a record on disk
        self._with_files = set()  # trials that may have checkpoints on disk

    # Choosing

    def _random(self, *purpose):
        """A random number generator that is unique to the seed, the next trial and the purpose."""
        return random.Random(random_number("trial", self.seed, len(self.start_order), *purpose))

    def _active(self, hp, values):
        return all(condition.is_active(values) for condition in hp.conditions)

    def _decode(self, probabilities):
        """Values from numbers in [0, 1), one for each hyperparameter of the space."""
        values = {}
        for hp, probability in zip(self.hyperparameters.space, probabilities, strict=True):
            if not self._active(hp, values):
                continue
            values[hp.name] = hp.value if is_fixed(hp) else hp.prob_to_value(probability)
        return values

    def _points(self):
        """All points of the space, or None if they are infinitely many or too many to list."""
        size = 1
        for hp in self.hyperparameters.space:
            if is_fixed(hp):
                continue
            if getattr(hp, "step", 1) is None:
                return None
            size *= len(list(hp.values))
        if size > LARGEST_GRID:
            return None

        # Combine each value of a hyperparameter with all points in which it is active.
        points = [{}]
        for hp in self.hyperparameters.space:
            values = [hp.value] if is_fixed(hp) else list(hp.values)
            extended = []
            for point in points:
                if self._active(hp, point):
                    extended.extend({**point, hp.name: value} for value in values)
                else:
                    extended.append(point)
            points = extended
        return points

    def most_trials(self):
        """The largest possible number of trials of the search; None if it is not known."""
        points = self._points()
        counts = []
        if self.max_trials is not None:
            counts.append(self.max_trials)
        if points is not None:
            counts.append(len(points))
        return min(counts, default=None)

    def _near_defaults(self, chosen):
        """The defaults of all hyperparameters that are active, except for the chosen values."""
        values = {}
        for hp in self.hyperparameters.space:
            if self._active(hp, values):
                values[hp.name] = chosen.get(hp.name, hp.default)
        return values

    def _random_values(self, tried=None):
        """The defaults for the first trial, then `first_points`, then random values not yet tried.

        None if all points have been tried.
        """
        tried = self._duplicate if tried is None else tried
        space = self.hyperparameters.space
        number = len(self.start_order)
        if number == 0:
            return self._near_defaults({})
        if number <= len(self.first_points):
            for chosen in self.first_points:
                values = self._near_defaults(chosen)
                if not tried(values):
                    return values
        rng = self._random("values")
        for _ in range(self._max_collisions):
            values = self._decode([rng.random() for _ in space])
            if not tried(values):
                return values
        untried = [values for values in self._points() or [] if not tried(values)]
        return rng.choice(untried) if untried else None

    def _answer(self, values):
        return {"status": STOPPED if values is None else RUNNING, "values": values}

    # The life cycle of a trial

    @locked
    def create_trial(self, tuner_id):
        """As in KerasTuner, but `STOPPED` only when no trial is running.

        A running trial may have to be repeated if its worker dies.
        """
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
        """Record the end of a trial. Further reports on it are ignored.

        Raises:
            RuntimeError: after `max_consecutive_failed_trials` failures in a row, if given.
        """
        if trial.trial_id in self.end_order:
            return
        if trial.trial_id in self._retry_queue:
            # Its worker was given up, but has finished after all.
            self._retry_queue.remove(trial.trial_id)
        known = self.trials[trial.trial_id]
        run = self._run_of(trial.trial_id)
        known.status = trial.status
        known.message = trial.message or run.get("message")
        from_worker = trial is not known
        if from_worker:  # the protocol rounds numbers and changes the order of the space
            sent = trial.hyperparameters
            known.hyperparameters.values = {**sent.values, **known.hyperparameters.values}
            known.hyperparameters.merge(sent, overwrite=False)
        self.update_space(known.hyperparameters)
        self._record_values(known)
        if known.status == COMPLETED:
            self.score_trial(known)
            if from_worker and run.get("score") is not None:
                known.score = run["score"]
            if known.score is None or not math.isfinite(known.score):
                known.message = f"{self.objective.name} is {known.score}"
                known.status = INVALID
        self._run_times[known.trial_id] += 1
        self._end(known, retry=self._retry(known))
        if self.max_consecutive_failed_trials is not None:  # the check iterates over all trials
            self._check_consecutive_failures()

    def _end(self, trial, retry):
        if not retry:
            self.end_order.append(trial.trial_id)
        if trial.status != COMPLETED:
            self._forget_score(trial)
        self._save_trial(trial)
        for tuner_id, ongoing in list(self.ongoing_trials.items()):
            if ongoing.trial_id == trial.trial_id:
                del self.ongoing_trials[tuner_id]
        self._tidy()

    @staticmethod
    def _forget_score(trial):
        trial.metrics = metrics_tracking.MetricsTracker()
        trial.score = None

    @locked
    def abandon(self, tuner_id, reason):
        """Give up on a worker that is known to be dead.

        Its trial is repeated once on another worker; if that one dies, too, the trial fails.

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
        """Whether the trial with the default values failed.

        Then the error probably does not depend on the values.
        """
        return bool(self.start_order) and self.trials[self.start_order[0]].status == FAILED

    @locked
    def get_best_trials(self, num_trials=1):
        """At most `num_trials` completed trials, the best first; no failed ones."""
        completed = []
        for trial in self.trials.values():
            has_score = trial.score is not None and math.isfinite(trial.score)
            if trial.status == COMPLETED and has_score:
                completed.append(trial)
        # Equivalent to sorting, but four times as fast for a few out of thousands.
        best = heapq.nlargest if self.objective.direction == "max" else heapq.nsmallest
        return best(num_trials, completed, key=lambda trial: trial.score)

    # Disk

    def save(self):
        """Nothing to do: the records of the trials are the state."""

    def _record_path(self, trial_id):
        return os.path.join(self._get_trial_dir(trial_id), "trial.json")

    def _save_trial(self, trial):
        path = self._record_path(trial.trial_id)
        if trial.status == RUNNING and trial.trial_id in self._recorded:
            return  # results of a running trial are recorded only when it has ended
        self._recorded.add(trial.trial_id)
        ended = None
        if trial.trial_id in self.end_order:
            ended = self.end_order.index(trial.trial_id)
        state = {
            **trial.get_state(),
            "runs": self._run_times[trial.trial_id],
            "abandoned": self._abandoned.get(trial.trial_id, 0),
            "ended": ended,
        }
        storage.save_json(path, state)

    def _run_of(self, trial_id):
        """The tuner's record in the trial's folder.

        The protocol does not transmit a worker's messages and exact scores.
        """
        run = storage.load_json(os.path.join(self._get_trial_dir(trial_id), "run.json"))
        return run if isinstance(run, dict) else {}

    @locked
    def reload(self):
        """Restore the state from the project folder.

        Ended trials stay ended, unfinished ones are repeated first.
        """
        self.trials = {}
        self.ongoing_trials = {}
        self.start_order = []
        self.end_order = []
        self._run_times.clear()
        self._retry_queue = []
        self._abandoned = {}
        self._tried_so_far = set()
        self._id_to_hash.clear()
        ended = {}
        for trial_id, state in self._records():
            trial = self._take_up(trial_id, state)
            if trial.status in (COMPLETED, FAILED):
                ended[trial_id] = -1 if state is None else state["ended"]
            else:
                self._forget_score(trial)
                self._retry_queue.append(trial_id)
            self._record_values(trial)
        self.end_order = sorted(ended, key=ended.get)
        for trial_id in self.end_order:
            self.update_space(self.trials[trial_id].hyperparameters)
        self._recorded = set(self.start_order)
        self._with_files = set(self.start_order)
        self._rebuild()

    def _records(self):
        """`(trial_id, record)` in the order in which trials started; None for a lost record."""
        records = {}
        for folder in glob.glob(os.path.join(glob.escape(self._project_dir), "trial_*")):
            trial_id = os.path.basename(folder).removeprefix("trial_")
            if trial_id.isdigit():
                state = storage.load_json(os.path.join(folder, "trial.json"))
                records[trial_id] = state if isinstance(state, dict) else None
        begun = sorted(records, key=int)
        # The record of the newest trial was not written: create it again, with the same values.
        while begun and records[begun[-1]] is None:
            begun.pop()
        return [(trial_id, records[trial_id]) for trial_id in begun]

    def _take_up(self, trial_id, state):
        """Add the trial of a record to the trials, as failed if the record is lost; return it."""
        if state is None:
            state = {"runs": 1, "abandoned": 0}
            message = "its record cannot be read any more"
            trial = trial_module.Trial(hp_module.HyperParameters(), trial_id, FAILED, message)
        else:
            trial = trial_module.Trial.from_state(state)
        self.trials[trial_id] = trial
        self._run_times[trial_id] = state["runs"]
        self._abandoned[trial_id] = state["abandoned"]
        first = not self.start_order
        if first and trial.status == FAILED:
            # The user may have fixed the error: repeat it.
            trial.status = RUNNING
            self._run_times[trial_id] = 0
            self._abandoned[trial_id] = 0
        self.start_order.append(trial_id)
        return trial

    def _rebuild(self):
        """Restore the other state of the algorithm from the trials."""

    def may_continue(self, trial_id):
        """Whether an ended trial may be trained further, so that its last state must be kept."""
        return False

    def _tidy(self):
        """Delete the states and weights of ended trials that are no longer needed."""
        keep = len(self.trials) if self.keep is None else self.keep
        best = {trial.trial_id for trial in self.get_best_trials(keep)}
        for trial_id in sorted(self._with_files):
            ended = self.trials[trial_id].status in (COMPLETED, FAILED)
            if not ended or self.may_continue(trial_id):
                continue
            folder = self._get_trial_dir(trial_id)
            for states in glob.glob(os.path.join(glob.escape(folder), "execution*")):
                shutil.rmtree(states, ignore_errors=True)
            if trial_id not in best:
                for file in glob.glob(os.path.join(glob.escape(folder), "checkpoint.weights.h5*")):
                    os.remove(file)
                self._with_files.discard(trial_id)


class RandomSearchOracle(Dependable, keras_tuner.oracles.RandomSearchOracle):
    """Random search without repetition; a finite space is searched exhaustively."""

    def populate_space(self, trial_id):
        return self._answer(self._random_values())


class GridSearchOracle(Dependable, keras_tuner.oracles.GridSearchOracle):
    """Grid search: all combinations in order, the defaults first."""

    def _end(self, trial, retry):
        super()._end(trial, retry)
        if not retry:
            self._populate_next.append(trial.trial_id)

    def _rebuild(self):
        def compare(one, other):
            return self._compare(values[one], values[other])

        values = {
            trial_id: self.trials[trial_id].hyperparameters.values for trial_id in self.start_order
        }
        known = [trial_id for trial_id in self.start_order if values[trial_id]]
        known.sort(key=functools.cmp_to_key(compare))
        self._ordered_ids = gridsearch.LinkedList()
        for trial_id in known:
            self._ordered_ids.insert(trial_id)
        first = [self.start_order[0]] if self.start_order else []
        self._populate_next = first + [trial_id for trial_id in self.end_order if trial_id in known]


class BayesianOptimizationOracle(Dependable, keras_tuner.oracles.BayesianOptimizationOracle):
    """Bayesian optimization with a Gaussian process and expected improvement.

    Snoek et al. (2012), https://arxiv.org/abs/1206.2944

    Takes the arguments of KerasTuner's oracle. By default, `num_initial_points` is the number of
    hyperparameters plus one, at least four (KerasTuner: three times the number); `beta` is used by
    `acquisition="lcb"` only; the noise is estimated, with `alpha` as its lower bound.

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
        others = [trial for trial in self.trials.values() if trial.status != COMPLETED]
        tunable = [hp for hp in self.hyperparameters.space if not is_fixed(hp)]
        initial_points = self.num_initial_points or max(4, len(tunable) + 1)
        if not tunable or len(completed) < max(initial_points, 2):
            return self._answer(self._random_values())
        # With several threads, such small matrices would be slower, and results could differ.
        with threadpoolctl.threadpool_limits(1, "blas"):
            values = self._most_promising(completed, others)
        if values is None:
            values = self._random_values()
        return self._answer(values)

    def _encode(self, values):
        """Coordinates between 0 and 1; an unordered choice has one for each value (one-hot).

        Inactive hyperparameters have their default values.
        """
        vector = []
        for hp in self.hyperparameters.space:
            if is_fixed(hp):
                continue
            value = hp.default
            if hp.name in values and self._active(hp, values):
                value = values[hp.name]
            if is_unordered(hp):
                vector.extend(float(value == choice) for choice in hp.values)
            else:
                vector.append(hp.value_to_prob(value))
        return vector

    def _encode_all(self, points):
        """Coordinates of several points, `(points, coordinates)`."""
        return np.array([self._encode(values) for values in points])

    def _most_promising(self, completed, others):
        """The untried values of largest acquisition, or None if all have been tried."""
        sign = -1 if self.objective.direction == "max" else 1
        scores = np.array([sign * trial.score for trial in completed])
        scores = gaussian_process.flattened(scores)
        points = [trial.hyperparameters.values for trial in completed]
        failed = [trial.hyperparameters.values for trial in others if trial.status == FAILED]
        pending = [trial.hyperparameters.values for trial in others if trial.status != FAILED]

        # Failed trials get the worst score of the completed ones.
        model = gaussian_process.fit(
            self._encode_all(points + failed),
            np.append(scores, np.full(len(failed), scores.max())),
            noise=self.alpha,
            seed=random_number("process", self.seed, len(self.start_order)),
        )
        if pending:  # assume that they will end with the scores that the model predicts
            model = gaussian_process.with_points(model, self._encode_all(pending))

        def merit(vectors):
            vectors = np.atleast_2d(vectors)
            return gaussian_process.merit(model, vectors, self.acquisition, self.beta)

        leaders = [points[i] for i in np.argsort(scores, kind="stable")[:5]]
        candidates = self._candidates(leaders)
        if not candidates:
            return None
        merits = merit(self._encode_all(candidates))
        finalists = [candidates[i] for i in np.argsort(-merits, kind="stable")[:3]]
        polished = [self._polish(values, merit) for values in finalists]
        finalists += [values for values in polished if not self._duplicate(values)]
        return finalists[int(np.argmax(merit(self._encode_all(finalists))))]

    def _candidates(self, leaders):
        """Untried values: all, or if they are too many, random ones and some near the best."""
        points = self._points()
        if points is not None and len(points) <= 2_500:
            return [values for values in points if not self._duplicate(values)]

        space = self.hyperparameters.space
        rng = self._random("candidates")
        rows = [[rng.random() for _ in space] for _ in range(1_500)]
        for values in leaders:
            center = []  # None for a hyperparameter that is inactive or fixed
            for hp in space:
                known = hp.name in values and not is_fixed(hp)
                center.append(hp.value_to_prob(values[hp.name]) if known else None)
            rows += [self._near(center, rng) for _ in range(100)]
        candidates = {}
        for row in rows:
            values = self._decode(row)
            candidates[self._compute_values_hash(values)] = values
        return [values for digest, values in candidates.items() if digest not in self._tried_so_far]

    @staticmethod
    def _near(center, rng):
        """A random point near `center`; missing coordinates, and one in ten, are uniform."""
        row = []
        for coordinate in center:
            if coordinate is None or rng.random() < 0.1:
                row.append(rng.random())
            else:
                row.append(min(max(rng.gauss(coordinate, 0.08), 0.0), 0.999999))
        return row

    def _polish(self, values, merit):
        """Improve `values` by local search along the continuous hyperparameters."""
        continuous = {}  # column of the vector: hyperparameter
        column = 0
        for hp in self.hyperparameters.space:
            if is_fixed(hp):
                continue
            any_value = isinstance(hp, hp_module.Float) and hp.step is None
            if any_value and hp.name in values and self._active(hp, values):
                continuous[column] = hp
            column += len(hp.values) if is_unordered(hp) else 1
        if not continuous:
            return values
        vector = np.array(self._encode(values))
        vector = gaussian_process.climb(vector, list(continuous), merit)
        polished = dict(values)
        for column, hp in continuous.items():
            polished[hp.name] = hp.prob_to_value(float(vector[column]))
        return polished


class HyperbandOracle(Dependable, keras_tuner.oracles.HyperbandOracle):
    """Hyperband, Li et al. (2018), https://jmlr.org/papers/v18/16-558.html.

    It starts many short trainings and continues the best.

    Takes the arguments of KerasTuner's oracle. A bracket that runs out of untried values, or loses
    trials to failures, continues with fewer trials.
    """

    def populate_space(self, trial_id):
        while True:
            for bracket in self._brackets:  # the first round of all but the last is complete
                values = self._newcomer(bracket, trial_id) or self._promoted(bracket, trial_id)
                if values is not None:
                    return self._answer(values)
            last_iteration = self._current_iteration + 1 >= self.hyperband_iterations
            last_of_all = last_iteration and self._current_bracket == 0
            if last_of_all or not self._brackets[-1]["rounds"][0]:
                return {"status": IDLE if self.ongoing_trials else STOPPED}
            self._next_bracket()

    def most_trials(self):
        if math.isinf(self.hyperband_iterations):
            return None
        trials = 0
        for bracket in range(self._get_num_brackets()):
            for round_number in range(self._get_num_rounds(bracket)):
                trials += self._get_size(bracket, round_number)
        return math.ceil(self.hyperband_iterations) * trials

    def _next_bracket(self):
        self._increment_bracket_num()
        self._start_new_bracket()

    def _newcomer(self, bracket, trial_id):
        number = bracket["bracket_num"]
        if bracket.get("full") or len(bracket["rounds"][0]) >= self._get_size(number, 0):
            return None
        inside = {self._digest(info["id"]) for info in bracket["rounds"][0]}

        def is_inside(values):
            return self._compute_values_hash(values) in inside

        values = self._random_values(tried=is_inside)
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
        """Values of a trial to promote, certain to be among the best of its round; or None."""
        number = bracket["bracket_num"]
        rounds = bracket["rounds"]
        for round_number in range(1, len(rounds)):
            here = rounds[round_number]
            past = [self.trials[info["id"]] for info in rounds[round_number - 1]]
            promoted = {info["past_id"] for info in here}
            completed = [trial for trial in past if trial.status == COMPLETED]
            waiting = [trial for trial in completed if trial.trial_id not in promoted]
            # Unfinished trials may all turn out better than those that wait for promotion.
            ended = sum(trial.status in (COMPLETED, FAILED) for trial in past)
            unknown = self._arrivals(bracket, round_number - 1) - ended
            if not waiting or len(here) + unknown >= self._get_size(number, round_number):
                continue
            waiting.sort(key=lambda trial: trial.score, reverse=self.objective.direction == "max")
            best = waiting[0]
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
        """The final number of trials in a round."""
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
                if trial_id not in [info["id"] for info in infos]:
                    continue
                # Until the next round is over, trials of this round may be promoted.
                following = [info["id"] for info in rounds[round_number + 1]]
                known = [self.trials[other] for other in following if other in self.trials]
                ended = sum(trial.status in (COMPLETED, FAILED) for trial in known)
                return ended < self._arrivals(bracket, round_number + 1)
        return False

    def _remove_completed_brackets(self):
        """Do nothing: a restarted search determines its progress from the brackets."""

    def _rebuild(self):
        self._brackets = []
        self._current_bracket = self._get_num_brackets() - 1
        self._current_iteration = 0
        self._start_new_bracket()
        for trial_id in self.start_order:
            values = self.trials[trial_id].hyperparameters.values
            if "tuner/round" not in values:
                continue
            round_number = values["tuner/round"]
            if round_number == 0:
                past_id = None
                bracket = self._bracket_of_newcomer(values["tuner/bracket"])
            else:
                past_id = values.get("tuner/trial_id")
                bracket = self._bracket_of_promoted(past_id, round_number)
            bracket["rounds"][round_number].append({"past_id": past_id, "id": trial_id})

    def _bracket_of_newcomer(self, number):
        """The last bracket, or a new one if its number differs or its first round is complete."""
        last = self._brackets[-1]
        complete = len(last["rounds"][0]) >= self._get_size(number, 0)
        if last["bracket_num"] != number or complete:
            last["full"] = True
            self._next_bracket()
        return self._brackets[-1]

    def _bracket_of_promoted(self, past_id, round_number):
        """The bracket with the promoted trial in the previous round."""
        for bracket in self._brackets:
            if past_id in [info["id"] for info in bracket["rounds"][round_number - 1]]:
                return bracket
        raise LookupError(f"no bracket has trial {past_id}")
