"""What a search prints while it runs: trials, the best so far, and the time left."""

import json
import shutil
import sys
import time

from recipes._runner.run_command import shown
from recipes.tuning import time_left

SHORT = 3  # trials of the leaderboard that is shown after each trial
PROGRESS = 10.0  # seconds between two lines on the running trials, where there is no terminal


def searched(values, module, plan):
    """The values of a trial without what means nothing for the user's data.

    That is what only the recipe's own `load_data` takes, and class weights where there are none.
    """
    from recipes._runner import arguments

    if not plan.own:
        return values
    known = arguments.of_trials(module, plan.own)
    return {name: value for name, value in values.items() if name in known}


class Reporter:
    """Prints how the search goes: the running trials, each result, and the best so far.

    Args:
        tuner: of the search, with what it has done before.
        plan: what is searched.
        options: as typed.
        folder: of the search.
    """

    def __init__(self, tuner, plan, options, folder):
        self.module = tuner.hypermodel.module
        self.plan = plan
        self.folder = folder
        self.began = time.monotonic()
        self.limit = options.time_limit
        self.planned = None if plan.tuner == "Hyperband" else tuner.oracle.most_trials()
        self.reported = set(tuner.oracle.end_order)
        self.before = len(self.reported)
        self.progress = ""  # what was printed last of the running trials
        self.progress_at = -PROGRESS

        name, direction = plan.objective
        best = {"min": "smallest", "max": "largest"}[direction]
        trials = f"{self.planned} trials" if self.planned else "trials"
        print(f"Searching for the {best} {name}: {trials}, in {shown(folder)}", flush=True)
        if self.reported:
            print(f"Continuing: {self.before} trial{'s' * (self.before > 1)} done.", flush=True)

    def update(self, oracle):
        """Report the trials that have ended since the last time, and how far the others are."""
        for trial_id in list(oracle.end_order):
            if trial_id not in self.reported:
                self.reported.add(trial_id)
                self.clear_progress()
                self.report(oracle, oracle.trials[trial_id])
        self.show_progress(oracle)

    def report(self, oracle, trial):
        """One line on a trial that has ended, and the leaders below it."""
        of = f" of {self.planned}" if self.planned else ""
        line = f"Trial {int(trial.trial_id) + 1}{of}: "
        if trial.status == "COMPLETED":
            line += f"{oracle.objective.name} {trial.score:.5g}"
            if trial.message:
                line += f" ({first_line(trial.message)})"
        else:
            line += f"failed: {first_line(trial.message)}"
        best = oracle.get_best_trials(SHORT)
        if best:
            line += f"; best {best[0].score:.5g} (trial {int(best[0].trial_id) + 1})"
        left = self.seconds_left()
        if left is not None:
            line += f"; {time_left.in_words(left)}"
        print(line, flush=True)
        if len(self.reported) == 1:
            return
        for leader in best:
            chosen = {
                name: value
                for name, value in leader.hyperparameters.values.items()
                if not name.startswith("tuner/")
            }
            chosen = searched(chosen, self.module, self.plan)
            values = ", ".join(f"{name}={brief(value)}" for name, value in chosen.items())
            number = int(leader.trial_id) + 1
            print(f"    {leader.score:<10.5g} trial {number}: {values}", flush=True)

    def seconds_left(self):
        done = len(self.reported)
        to_come = self.planned - done if self.planned else None
        spent = time.monotonic() - self.began
        return time_left.seconds_left(spent, done - self.before, to_come, self.limit)

    def show_progress(self, oracle):
        """The epochs of the running trials: in place on a terminal, else a line now and then."""
        trials = sorted(dict(oracle.ongoing_trials).values(), key=lambda trial: int(trial.trial_id))
        progress = "; ".join(filter(None, map(self.epoch, trials)))
        if progress == self.progress or not progress:
            return
        if sys.stdout.isatty():
            line = progress[: shutil.get_terminal_size().columns - 1]
            print(f"\r\x1b[K{line}", end="", flush=True)
        elif time.monotonic() - self.progress_at >= PROGRESS:
            print(f"  {progress}", flush=True)
            self.progress_at = time.monotonic()
        else:
            return
        self.progress = progress

    def epoch(self, trial):
        """How far a running trial is, as its worker says; None before its first epoch has ended."""
        try:
            path = self.folder / "trials" / f"trial_{trial.trial_id}" / "epoch.json"
            state = json.loads(path.read_text(encoding="utf8"))
        except (OSError, ValueError):
            return None
        words = [f"trial {int(trial.trial_id) + 1}"]
        if state["execution"]:
            words.append(f", execution {state['execution'] + 1}")
        words.append(f": epoch {state['epoch']} of {state['epochs']}")
        logs = state["logs"]
        for name in dict.fromkeys(["loss", self.plan.objective[0]]):
            if name in logs:
                words.append(f", {name} {logs[name]:.4g}")
        return "".join(words)

    def clear_progress(self):
        if self.progress and sys.stdout.isatty():
            print("\r\x1b[K", end="")
        self.progress = ""


def brief(value):
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def first_line(message):
    return (message or "").strip().partition("\n")[0]
