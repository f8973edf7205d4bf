"""`python -m recipes tune NAME`: look for better hyperparameters, with KerasTuner and processes that may die."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from recipes._runner import output
from recipes._runner.arguments import expanded, expanded_path, seed
from recipes._runner.errors import UserError
from recipes._runner.recipe import find
from recipes._runner.run_command import PRECISIONS, SAVED_MODELS, SMOKE_ROWS, positive, shown

TUNERS = {
    "random": "RandomSearch",
    "bayesian": "BayesianOptimization",
    "hyperband": "Hyperband",
    "grid": "GridSearch",
}
TRIALS = 20
GRACE = 60.0  # seconds beyond its limit after which a trial that does not answer is killed
PROGRAM = [sys.executable, "-m", "recipes"]
START_UPS = 3  # workers that die before their first trial, one after another, until the search gives up


def duration(text):
    """Seconds from `90`, `90s`, `30m` or `2h`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found or not float(found[1]):
        raise ValueError(text)
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


duration.__name__ = "time such as 90s, 30m or 2h"


def add_arguments(parser):
    parser.add_argument("recipe", type=expanded, help="as in `make list`, for example cnn_mnist; or a file, ./mine.py")
    parser.add_argument("--variant", metavar="NAME", help="which of the recipe's variants to start from [the first]")
    parser.add_argument("--tuner", choices=TUNERS, default="bayesian", help="how values are chosen [bayesian]")
    parser.add_argument("--trials", type=positive, metavar="N", help=f"how many to try, the defaults first [{TRIALS}]")
    parser.add_argument("--time-limit", type=duration, metavar="TIME", help="begin no trial after 90s, 30m, 2h …")
    parser.add_argument(
        "--trial-time-limit", type=duration, metavar="TIME", help="a trial that takes longer has failed"
    )
    parser.add_argument("--workers", type=positive, default=1, metavar="N", help="trials at a time [1]")
    parser.add_argument("--objective", metavar="NAME", help="what to optimise, such as val_loss [the recipe's]")
    parser.add_argument(
        "--executions-per-trial", type=positive, default=1, metavar="N", help="trainings to average [1]"
    )
    parser.add_argument(
        "--prune", choices=("none", "median"), default="none", help="stop trials below the median [none]"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of all random numbers [0]")
    parser.add_argument("--epochs", type=positive, metavar="N", help="of each trial [the recipe's]")
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="the same in all trials, not searched")
    parser.add_argument(
        "--all-data", action="store_true", help="train the winner on training and validation set together"
    )
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="as in `run`")
    parser.add_argument("--data-dir", type=expanded, metavar="DIR", help="as in `run`")
    parser.add_argument("--stand-in", action="store_true", help="as in `run`")
    parser.add_argument("--output", metavar="DIR", type=expanded_path, help="where to write [saved_models/NAME]")
    parser.add_argument("--force", action="store_true", help="as in `run`")
    parser.add_argument("--fresh", action="store_true", help="forget an earlier search instead of continuing it")
    parser.add_argument("--smoke", action="store_true", help="two trials in seconds, on tiny data: shows that it works")


def main(options):
    recipe = find(options.recipe)
    if not recipe.trains:
        raise UserError(f"{recipe.name} trains nothing: there is nothing to search")
    if "search_space" not in recipe.functions:
        raise UserError(f"{recipe.name} has no search_space(hp): there is nothing to search")
    if options.output:
        output.refuse_others(options.output, options.force)
    base = (options.output or SAVED_MODELS / recipe.folder_name).resolve()
    plan, folder = planned(recipe, options, base)
    output.mark(base)
    with output.held(folder):
        begin(plan, options, folder)
        rows = search(plan, options, folder)
        finish(recipe, plan, options, rows, base, folder)


def planned(recipe, options, base):
    """What is to be searched, and the folder of the search."""
    from recipes._runner import data, quiet

    quiet.import_tensorflow()
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")  # they are for the workers
    from recipes._runner import arguments, search

    module = recipe.module
    choice = {
        "data_dir": options.data_dir and str(pathlib.Path(options.data_dir).resolve()),
        "stand_in": options.stand_in or options.smoke,
        "rows": SMOKE_ROWS if options.smoke else None,
    }
    chosen = data.choose(data.names(recipe.path), **choice)
    stand_in = "stand-in" in chosen.values()
    place = base / "smoke" if options.smoke else base / "stand-in" if stand_in else base
    folder = place / f"tuning-{options.tuner}"
    variants = getattr(module, "VARIANTS", {None: {}})
    variant = options.variant or next(iter(variants))
    if variant not in variants:
        known = f"its variants are {', '.join(variants)}" if None not in variants else "it has no variants"
        raise UserError(f"--variant {variant}: {recipe.name} has no such variant; {known}")
    epochs = options.epochs or (1 if options.smoke else module.EPOCHS)
    fixed = arguments.parse(module, options.set)
    own = {"seed": options.seed, "executions_per_trial": options.executions_per_trial}
    if options.tuner == "hyperband":
        if options.trials:
            raise UserError("--trials does not go with --tuner hyperband, whose number of trials follows from --epochs")
        if options.prune != "none":
            raise UserError("--prune does not go with --tuner hyperband, which stops bad trials itself")
        own["max_epochs"] = epochs
    elif options.tuner != "grid" or options.trials or options.smoke:
        own["max_trials"] = options.trials or (2 if options.smoke else TRIALS)
    if options.prune != "none":
        own["prune"] = options.prune
    with arguments.blamed(module, fixed):
        aim = objective(module, options.objective, epochs, {**variants[variant], **fixed}, chosen)
    plan = search.SearchPlan(
        recipe=recipe.name,
        module=module.__name__ if recipe.chapter else str(recipe.path),
        epochs=epochs,
        variant=variant,
        defaults=variants[variant],
        arguments=fixed,
        data=chosen,
        choice={**choice, "stand_in": stand_in},
        precision=options.precision,
        smoke=options.smoke,
        tuner=TUNERS[options.tuner],
        objective=list(aim),
        tuner_arguments=own,
    )
    return plan, folder


def begin(plan, options, folder):
    """Write down what is searched; refuse to continue a search of something else."""
    if options.fresh:
        for path in folder.iterdir():
            if path.name != ".lock":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    refuse_another(plan, folder)
    output.write_json(folder / "plan.json", dataclasses.asdict(plan))
    until = options.time_limit and time.time() + options.time_limit
    output.write_json(folder / "limits.json", {"until": until, "trial": options.trial_time_limit})


def objective(module, given, epochs, values, chosen):
    """Name and direction of what is optimised: as asked for, else the recipe's, else the head's natural metric."""
    from recipes._runner import training

    if given:
        small = re.search(r"loss|error|mae|mse|rmse|perplexity|bits", given)
        return given, "min" if small else "max"
    if hasattr(module, "OBJECTIVE"):
        return training.monitored(module, None)
    plan = training.Plan(module.__name__, epochs, 0, values, chosen, "float32", False, False)
    model, *_ = training.prepare(module, plan, values, training.devices("cpu"))
    return training.monitored(module, model)


def refuse_another(plan, folder):
    """Raises a UserError if `folder` holds a search of something else; the tuner itself looks at space and seed."""
    try:
        saved = json.loads((folder / "plan.json").read_text(encoding="utf8"))
    except FileNotFoundError:
        return
    except ValueError:
        raise UserError(f"{shown(folder / 'plan.json')} cannot be read; --fresh starts anew") from None
    here = json.loads(json.dumps(dataclasses.asdict(plan)))
    own, before = here.pop("tuner_arguments"), saved.pop("tuner_arguments", {})
    here |= {name: value for name, value in own.items() if name != "max_trials"}
    saved |= {name: value for name, value in before.items() if name != "max_trials"}
    for name in ("choice", "module"):
        here.pop(name), saved.pop(name, None)
    differing = [name for name in {**saved, **here} if saved.get(name) != here.get(name)]
    if differing:
        said = "; ".join(f"{name} {saved.get(name)} there, {here.get(name)} here" for name in differing)
        raise UserError(f"{shown(folder)} holds another search ({said}): --fresh forgets it, --output leaves it alone")


def search(plan, options, folder):
    """Run the trials in processes of their own; the leaderboard."""
    from recipes._runner.search import make_tuner, tuner_class
    from recipes.tuning import chief

    try:
        tuner, _ = make_tuner(tuner_class(plan), plan, folder)
    except ValueError as error:
        said = str(error).partition(": pass overwrite")[0]
        raise UserError(f"{said}: --fresh forgets it, --output leaves it alone") from None
    with tuner.project(), tempfile.TemporaryDirectory() as place:
        server = chief.serve(tuner.oracle, "unix", f"{place}/chief")
        crew = Crew(tuner.oracle, server, options, folder)
        try:
            crew.run(Reporter(tuner, options))
        finally:
            crew.dismiss()
            server.stop()
    if tuner.oracle.first_failed():
        first = tuner.oracle.trials[tuner.oracle.start_order[0]]
        raise UserError(f"the trial with the default values failed: {first_line(first.message)}")
    return tuner.leaderboard()


class Crew:
    """The workers of a search: started, watched, replaced, and sent home."""

    def __init__(self, oracle, server, options, folder):
        self.oracle, self.server, self.folder = oracle, server, folder
        self.count, self.trial_limit = options.workers, options.trial_time_limit
        self.until = time.time() + options.time_limit if options.time_limit else None
        self.workers, self.started, self.idle_deaths = {}, 0, 0
        self.running_since, self.overdue = {}, set()

    def run(self, reporter):
        while not self.server.finished():
            over = self.until is not None and time.time() >= self.until
            for place in range(self.count):
                worker = self.workers.get(place)
                if worker is not None and worker.poll() is not None:
                    self.settle(place, worker)
                    worker = None
                if worker is None and not over:
                    self.workers[place] = self.start(place)
            self.kill_overdue()
            reporter.look(self.oracle)
            if over and not self.workers:
                print("The time limit is reached: no new trial is begun.", flush=True)
                break
            time.sleep(0.1)
        reporter.look(self.oracle)

    def start(self, place):
        name = f"worker-{place}-{self.started}"
        self.started += 1
        environment = {**os.environ, **self.server.environment(name), "TF_CPP_MIN_LOG_LEVEL": "3"}
        if self.count > 1:  # share the processor
            threads = str(max(1, (os.cpu_count() or 1) // self.count))
            environment |= {"TF_NUM_INTRAOP_THREADS": threads, "OMP_NUM_THREADS": threads}
        if gpus := visible_gpus():
            environment["CUDA_VISIBLE_DEVICES"] = gpus[place % len(gpus)]
        log = open(self.folder / f"worker-{place}.log", "a", encoding="utf8")  # noqa: SIM115 (the worker's own)
        with log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "recipes._runner.search", str(self.folder)],
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the chief, who sends the workers home
            )
        worker.name = name
        return worker

    def settle(self, place, worker):
        """What a worker that has ended leaves behind: perhaps an unfinished trial, to be run by another."""
        del self.workers[place]
        from recipes._runner.search import REPLACE

        reason = ended(worker.returncode)
        if worker.name in self.overdue:
            reason = f"it hung: still running after {self.trial_limit + GRACE:g} s"
        trial = self.oracle.abandon(worker.name, reason)
        if worker.returncode in (0, REPLACE) or trial is not None:
            self.idle_deaths = 0
            return
        self.idle_deaths += 1
        if self.idle_deaths >= START_UPS:
            log = self.folder / f"worker-{place}.log"
            last = first_line("\n".join(reversed(log.read_text(encoding="utf8", errors="replace").splitlines())))
            raise UserError(f"no worker can start ({reason}): {last or 'no message'}; see {shown(log)}")

    def kill_overdue(self):
        """Kill workers whose trial is far beyond its time limit, which they should have noticed themselves."""
        running = {name: trial.trial_id for name, trial in dict(self.oracle.ongoing_trials).items()}
        self.running_since = {
            (name, trial): self.running_since.get((name, trial), time.monotonic()) for name, trial in running.items()
        }
        if self.trial_limit is None:
            return
        for (name, _), since in self.running_since.items():
            if time.monotonic() - since > self.trial_limit + GRACE:
                for worker in self.workers.values():
                    if worker.name == name:
                        self.overdue.add(name)
                        worker.kill()

    def dismiss(self):
        for worker in self.workers.values():
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers.values():
            try:
                worker.wait(5)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        self.workers = {}


def ended(status):
    if status >= 0:
        return f"it ended with status {status}"
    if -status == signal.SIGKILL:
        return "killed, by the system for want of memory or by someone"
    return f"it died of {signal.Signals(-status).name}"


def visible_gpus():
    """The GPUs that workers share out among themselves, as CUDA_VISIBLE_DEVICES names them."""
    if given := os.environ.get("CUDA_VISIBLE_DEVICES"):
        return given.split(",")
    import tensorflow as tf

    return [str(number) for number in range(len(tf.config.list_physical_devices("GPU")))]


class Reporter:
    """Says one line for each trial that has ended: what came of it, the best so far, and how long the rest may take."""

    def __init__(self, tuner, options):
        self.tuner, self.began = tuner, time.monotonic()
        self.told = set(tuner.oracle.end_order)
        self.before = len(self.told)
        self.limit = options.time_limit
        self.planned = tuner.oracle.max_trials
        if self.told:
            print(f"Continuing: {self.before} trial{'s' * (self.before > 1)} done.", flush=True)

    def look(self, oracle):
        for trial_id in list(oracle.end_order):
            if trial_id not in self.told:
                self.told.add(trial_id)
                self.say(oracle, oracle.trials[trial_id])

    def say(self, oracle, trial):
        name = oracle.objective.name
        if trial.status == "COMPLETED":
            said = f"{name} {trial.score:.5g}"
            if trial.message:
                said += f" ({first_line(trial.message)})"
        else:
            said = f"failed: {first_line(trial.message)}"
        best = oracle.get_best_trials(1)
        if best:
            said += f"; best {best[0].score:.5g} (trial {int(best[0].trial_id) + 1})"
        of = f" of {self.planned}" if self.planned else ""
        print(f"Trial {int(trial.trial_id) + 1}{of}: {said}{self.left()}", flush=True)

    def left(self):
        spent, done = time.monotonic() - self.began, len(self.told)
        estimates = [spent / (done - self.before) * (self.planned - done)] if self.planned else []
        estimates += [self.limit - spent] if self.limit else []
        seconds = min(estimates, default=0)
        if seconds < 1:
            return ""
        return f"; about {seconds:.0f} s left" if seconds < 100 else f"; about {seconds / 60:.0f} min left"


def finish(recipe, plan, options, rows, base, folder):
    """Leaderboard, pictures, and the winner trained and tested beside the defaults."""
    from recipes._runner import arguments, figures
    from recipes.tuning import report

    figures.use_style()
    name, direction = plan.objective
    note = None if set(plan.data.values()) <= {"real"} else "stand-in data: not comparable"
    report.write_csv(rows, folder / "leaderboard.csv")
    report.write_json(rows, folder / "leaderboard.json")
    figures.save(report.figures(rows, name, direction), folder, note)
    print_table(rows, name)
    if rows[0]["rank"] is None:
        print(f"No trial was completed. Saved in {shown(folder)}")
        return
    best = {**plan.defaults, **rows[0]["hyperparameters"], **plan.arguments}
    load, build = arguments.split(recipe.module, best)
    lines = [report.python_line("train, validation, test = load_data", load)] if load else []
    lines.append(report.python_line("model = build_model", build))
    (folder / "best.py").write_text("\n".join(lines) + "\n", encoding="utf8")

    print("\nTraining the defaults and the winner once more, to test them:", flush=True)
    scores = {}
    for label, values, extra in (("defaults", plan.arguments, []), ("tuned", best, ["--all-data"] * options.all_data)):
        target = base / "tuned" / "defaults" if label == "defaults" else base / "tuned"
        scores[label] = test(recipe, plan, options, values, target, extra)
    metric = scores["tuned"]["metric"]
    print()
    for label, metrics in scores.items():
        print(f"{label}: {metric} {metrics['scores'][metric]:.4f} on the {metrics['split']} set")
    if note:
        print("On stand-in data: not comparable with results on the real set.")
    print("The winner, to paste:\n")
    print("\n".join("    " + line for line in lines))
    print(f"\nSaved in {shown(folder)} and {shown(base / 'tuned')}")


def test(recipe, plan, options, values, target, extra):
    """Train and test one configuration as `run` does; its metrics."""
    command = [
        *PROGRAM,
        "run",
        recipe.typed,
        "--output",
        str(target),
        "--force",  # whether it may write there was asked of the whole folder
        "--seed",
        str(options.seed),
    ]
    command += ["--epochs", str(plan.epochs), "--precision", plan.precision, *extra]
    command += ["--variant", plan.variant] * bool(plan.variant)
    for name, value in values.items():
        command += ["--set", f"{name}={value}"]
    command += ["--data-dir", plan.choice["data_dir"]] * bool(plan.choice["data_dir"])
    command += ["--smoke"] * plan.smoke + ["--stand-in"] * (plan.choice["stand_in"] and not plan.smoke)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise UserError(f"training {target.name} again failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    place = target / "smoke" if plan.smoke else target / "stand-in" if plan.choice["stand_in"] else target
    place = place / (plan.variant or "")
    return json.loads((place / "metrics.json").read_text(encoding="utf8"))


def print_table(rows, objective, longest=10):
    """The leaderboard on the terminal."""
    import rich.console
    import rich.table

    names = list(dict.fromkeys(name for row in rows for name in row["hyperparameters"]))
    table = rich.table.Table(title=f"The best of {len(rows)} trials", title_justify="left")
    remarks = [""] * any(row["message"] for row in rows[:longest])
    for heading in ("rank", "trial", objective, "epochs", "seconds", *names, *remarks):
        table.add_column(heading, justify="right" if heading in ("rank", "trial", "epochs", "seconds") else "left")
    for row in rows[:longest]:
        values = [row["hyperparameters"].get(name) for name in names]
        table.add_row(
            "" if row["rank"] is None else str(row["rank"]),
            str(int(row["trial"]) + 1),
            "" if row["score"] is None else f"{row['score']:.5g}",
            str(row["epochs"]),
            f"{row['seconds']:.0f}",
            *("" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value) for value in values),
            *([row["message"] or ""] if remarks else []),
        )
    rich.console.Console(width=None if sys.stdout.isatty() else 140).print(table)


def first_line(message):
    return (message or "").strip().partition("\n")[0]
