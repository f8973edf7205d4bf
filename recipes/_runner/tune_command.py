"""`python -m recipes tune NAME`: look for better hyperparameters, in processes that may die."""

import dataclasses
import json
import os
import pathlib
import pickle
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import warnings

from recipes._runner import bucket, machines, output, results
from recipes._runner.arguments import expanded, expanded_place, seed
from recipes._runner.errors import UserError
from recipes._runner.recipe import find
from recipes._runner.run_command import (
    PRECISIONS,
    SAVED_MODELS,
    SMOKE_ROWS,
    add_data_arguments,
    own_data_of,
    own_name,
    positive,
    refuse_data_arguments,
    shown,
)
from recipes.tuning import storage, time_left

TUNERS = {
    "random": "RandomSearch",
    "bayesian": "BayesianOptimization",
    "hyperband": "Hyperband",
    "grid": "GridSearch",
}
TRIALS = 20
GRACE = 60.0  # seconds beyond its limit after which a trial that does not answer is killed
PROGRAM = [sys.executable, "-m", "recipes"]
# Workers that die before their first trial, one after another, until the search gives up.
START_UPS = 3
EARLIER = ".earlier"  # where --fresh puts the old search until a trial of the new one is completed
STAYING = (".lock", output.MARK, EARLIER)  # what belongs to the folder, not to the search in it
SHORT = 3  # trials of the leaderboard that is shown after each trial
PROGRESS = 10.0  # seconds between two lines on the running trials, where there is no terminal


def duration(text):
    """Seconds from `90`, `90s`, `30m` or `2h`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found or not float(found[1]):
        raise ValueError(text)
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


duration.__name__ = "time such as 90s, 30m or 2h"


def count(text):
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value


count.__name__ = "whole number"


def add_arguments(parser):
    parser.add_argument(
        "recipe",
        type=expanded,
        help="as in `make list`, for example cnn_mnist; or a file, ./mine.py",
    )
    parser.add_argument(
        "--variant", metavar="NAME", help="which of the recipe's variants to start from [the first]"
    )
    parser.add_argument(
        "--tuner", choices=TUNERS, default="bayesian", help="how values are chosen [bayesian]"
    )
    parser.add_argument(
        "--trials",
        type=positive,
        metavar="N",
        help=f"how many to try, the defaults first [{TRIALS}]",
    )
    parser.add_argument(
        "--time-limit", type=duration, metavar="TIME", help="end the search after 90s, 30m, 2h …"
    )
    parser.add_argument(
        "--trial-time-limit",
        type=duration,
        metavar="TIME",
        help="a trial that takes longer has failed",
    )
    parser.add_argument(
        "--workers", type=count, default=1, metavar="N", help="trials at a time on this machine [1]"
    )
    parser.add_argument(
        "--chief",
        type=machines.address,
        metavar="HOST:PORT",
        help="let other machines take part, which reach this one there. The protocol has no "
        "authentication: use a private network, or only PORT (127.0.0.1) and an ssh tunnel",
    )
    parser.add_argument(
        "--worker-of",
        type=machines.address,
        metavar="HOST:PORT",
        help="take part in the search whose chief is there; --output is the folder it writes to",
    )
    parser.add_argument(
        "--objective",
        metavar="NAME",
        help="what to optimize, such as val_loss; "
        "with :min or :max if its direction is not known [the recipe's]",
    )
    parser.add_argument(
        "--executions-per-trial",
        type=positive,
        default=1,
        metavar="N",
        help="trainings to average [1]",
    )
    parser.add_argument(
        "--prune",
        choices=("none", "median"),
        default="none",
        help="stop trials below the median [none]",
    )
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="of all random numbers [0]"
    )
    parser.add_argument("--epochs", type=positive, metavar="N", help="of each trial [the recipe's]")
    parser.add_argument(
        "--set", action="append", metavar="NAME=VALUE", help="the same in all trials, not searched"
    )
    parser.add_argument(
        "--all-data",
        action="store_true",
        help="train the winner on training and validation set together",
    )
    parser.add_argument(
        "--ensemble",
        type=positive,
        default=1,
        metavar="K",
        help="average the K best networks, too, each trained with a seed of its own [1: none]",
    )
    add_data_arguments(parser)
    parser.add_argument("--class-weights", choices=("balanced",), help="as in `run`")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="as in `run`")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "gpu", "tpu"), default="auto", help="as in `run`"
    )
    parser.add_argument("--data-dir", type=expanded, metavar="DIR", help="as in `run`")
    parser.add_argument("--stand-in", action="store_true", help="as in `run`")
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=expanded_place,
        help="where to write [saved_models/NAME]; gs://BUCKET/DIR works, too",
    )
    parser.add_argument("--force", action="store_true", help="as in `run`")
    parser.add_argument(
        "--fresh", action="store_true", help="forget an earlier search instead of continuing it"
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="two trials in seconds, on tiny data: shows that it works",
    )


def main(options):
    recipe = find(options.recipe)
    if not recipe.trains:
        raise UserError(f"{recipe.name} trains nothing: there is nothing to search")
    if "search_space" not in recipe.functions:
        raise UserError(f"{recipe.name} has no search_space(hp): there is nothing to search")
    if not options.workers and not options.chief:
        raise UserError("--workers 0: only a chief with others (--chief) needs no worker here")
    if options.worker_of:
        from recipes._runner import join

        if options.chief or bucket.is_bucket(options.output):
            raise UserError("--worker-of goes with neither --chief nor a bucket")
        join.join((options.output or SAVED_MODELS / recipe.folder_name).resolve(), options)
        return
    if options.device == "tpu":
        check_tpu(options)
    if bucket.is_bucket(options.output):
        with bucket.mirrored(options.output) as mirror:
            search_in(mirror.folder, recipe, options, mirror.keep)
        return
    if options.output:
        output.refuse_others(options.output, options.force)
    search_in((options.output or SAVED_MODELS / recipe.folder_name).resolve(), recipe, options)


def search_in(base, recipe, options, keep=lambda: None):
    """Search, or continue a search, in a local folder.

    Args:
        base: the folder.
        recipe: the recipe.
        options: as typed.
        keep: called again and again meanwhile, to keep the folder's files elsewhere.
    """
    plan, place, own = planned(recipe, options, base)
    folder = place / f"tuning-{options.tuner}"
    output.mark(base)
    with output.held(folder):
        try:
            begin(plan, own, options, folder)
            rows = search(plan, options, folder, keep)
            finish(recipe, plan, own, options, rows, place, folder)
        except KeyboardInterrupt:
            fresh = (folder / EARLIER).exists() and not anything_found(folder)
            print(
                f"\nInterrupted. This continues the search:\n\n    {typed(options, fresh)}\n",
                flush=True,
            )
            raise
        finally:
            resolve(folder)


def typed(options, fresh=False):
    """The command line as it was typed, without --fresh unless that is still to be done."""
    words = [word for word in sys.argv[1:] if fresh or not word.startswith("--fr")]
    return shlex.join(["python", "-m", "recipes", *words])


def planned(recipe, options, base):
    """What is to be searched, and where search and winner will lie; nothing is written yet.

    Returns:
        The plan; the folder; the user's data, or None.
    """
    from recipes._runner import data, quiet

    quiet.import_tensorflow()
    import tensorflow as tf

    check_device(options)
    tf.config.set_visible_devices([], "GPU")  # they are for the workers
    from recipes._runner import arguments, own_data, search

    module = recipe.module
    variants = getattr(module, "VARIANTS", {None: {}})
    variant = options.variant
    if variant is None and not options.data:  # as in `run`, which trains the defaults on other data
        variant = next(iter(variants))
    if variant is not None and variant not in variants:
        known = "it has no variants"
        if None not in variants:
            known = f"its variants are {', '.join(variants)}"
        raise UserError(f"--variant {variant}: {recipe.name} has no such variant; {known}")
    defaults = variants[variant] if variant else {}
    fixed = arguments.parse(module, options.set)
    choice = {
        "data_dir": options.data_dir and str(pathlib.Path(options.data_dir).resolve()),
        "stand_in": options.stand_in or options.smoke,
        "rows": SMOKE_ROWS if options.smoke else None,
    }
    own = None
    if options.data:
        module, own = own_data_of(recipe, module, options, fixed)
        chosen = {own.name: "own"}
        base = base / "own" / own.name
    else:
        refuse_data_arguments(options)
        chosen = data.choose(data.names(recipe.path), **choice)
    stand_in = "stand-in" in chosen.values()
    place = base
    if options.smoke:
        place = base / "smoke"
    elif stand_in:
        place = base / "stand-in"
    epochs = options.epochs or (1 if options.smoke else module.EPOCHS)
    of_tuner = {"seed": options.seed, "executions_per_trial": options.executions_per_trial}
    if options.tuner == "hyperband":
        if options.trials:
            raise UserError(
                "--trials does not go with --tuner hyperband, whose "
                "number of trials follows from --epochs"
            )
        if options.prune != "none":
            raise UserError(
                "--prune does not go with --tuner hyperband, which stops bad trials itself"
            )
        of_tuner["max_epochs"] = epochs
    elif options.tuner != "grid" or options.trials or options.smoke:
        of_tuner["max_trials"] = options.trials or (2 if options.smoke else TRIALS)
    if options.prune != "none":
        of_tuner["prune"] = options.prune
    try:
        with arguments.blamed(module, fixed):
            values = {**defaults, **fixed}
            aim = objective(module, options.objective, epochs, values, chosen)
            if options.class_weights or options.ensemble > 1:
                check_network(module, options, epochs, values, chosen)
    except UserError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {first_line(str(error))}"
        raise UserError(f"the network with the default values cannot be trained: {said}") from error
    plan = search.SearchPlan(
        recipe=recipe.name,
        module=module.__name__ if recipe.chapter else str(recipe.path),
        epochs=epochs,
        variant=variant,
        defaults=defaults,
        arguments=fixed,
        data=chosen,
        choice={**choice, "stand_in": stand_in},
        precision=options.precision,
        smoke=options.smoke,
        tuner=TUNERS[options.tuner],
        objective=list(aim),
        tuner_arguments=of_tuner,
        own=own and own_data.noted(own, options),
        class_weights=options.class_weights,
        first=[] if options.variant else [values for values in variants.values() if values],
    )
    return plan, place, own


def check_tpu(options):
    """Leave the TPU to the worker: it belongs to one process at a time.

    Raises:
        UserError: if there are several workers, or the search would be lost with the VM.
    """
    if options.workers > 1:
        raise UserError(
            f"--workers {options.workers}: only one process at a time can use a TPU; leave "
            "--workers out"
        )
    if not bucket.is_bucket(options.output):
        raise UserError(
            "--device tpu: a TPU VM's disk goes with it, so a search there is kept in a bucket: "
            "--output gs://BUCKET/FOLDER (recipes/DEVICES.md)"
        )
    os.environ["TPU_LOAD_LIBRARY"] = "0"  # TensorFlow would take it when imported


def check_device(options):
    """Raises a UserError if there is no GPU though `--device` says so."""
    import tensorflow as tf

    if options.device == "gpu" and not tf.config.list_physical_devices("GPU"):
        raise UserError(
            "--device gpu: TensorFlow sees no GPU here; "
            "`make setup EXTRAS=gpu` installs CUDA's libraries"
        )


def begin(plan, own, options, folder):
    """Write down what is searched, on which data; refuse to continue a search of something else."""
    from recipes._runner.search import OWN_DATA

    resolve(folder)  # after a search with --fresh that was killed
    if options.fresh:
        set_aside(folder)
    refuse_another(plan, folder)
    if own:
        (folder / OWN_DATA).write_bytes(pickle.dumps(own))
    output.write_json(folder / "plan.json", dataclasses.asdict(plan))
    until = options.time_limit and time.time() + options.time_limit
    limits = {"until": until, "trial": options.trial_time_limit, "device": options.device}
    output.write_json(folder / "limits.json", limits)


def set_aside(folder):
    """Make room: the earlier search lies in `EARLIER` until `confirm` or `put_back`."""
    names = [path.name for path in folder.iterdir() if path.name not in STAYING]
    names.sort(key=lambda name: name == "plan.json")  # last there, first back: with it all is there
    if not names:
        return
    (folder / EARLIER).mkdir()
    for name in names:
        os.rename(folder / name, folder / EARLIER / name)


def resolve(folder):
    """Where a search was set aside: the new one stays if it completed a trial, else the earlier."""
    if (folder / EARLIER).exists():
        confirm(folder) if anything_found(folder) else put_back(folder)


def confirm(folder):
    """The new search has begun to find something: it takes the place of the earlier one."""
    shutil.rmtree(folder / EARLIER, ignore_errors=True)


def put_back(folder):
    """What `set_aside` has moved, unless it was replaced. Safe to repeat after an interruption."""
    earlier = folder / EARLIER
    if (earlier / "plan.json").exists():
        for path in folder.iterdir():  # of the new search
            if path.name not in STAYING:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in sorted(earlier.iterdir(), key=lambda path: path.name != "plan.json"):
        os.rename(path, folder / path.name)
    earlier.rmdir()


def anything_found(folder):
    """Whether a trial of the new search was completed: then the earlier one is not missed."""
    if not (folder / EARLIER / "plan.json").exists():
        return False  # the earlier one is just being moved
    records = map(storage.load_json, folder.glob("trials/trial_*/trial.json"))
    return any(record and record["status"] == "COMPLETED" for record in records)


def objective(module, given, epochs, values, chosen):
    """Name and direction of what is optimized: as asked for, the recipe's, or the head's metric.

    Raises:
        UserError: if no epoch reports what was asked for, or nothing says whether more is better.
    """
    from recipes._runner import data, training

    own = training.monitored(module, None) if hasattr(module, "OBJECTIVE") else None
    name, colon, direction = (given or "").partition(":")
    if colon and direction not in ("min", "max"):
        raise UserError(f"--objective {given}: write {name}:min or {name}:max")
    if own and name in ("", own[0]):
        return own[0], direction or own[1]
    try:
        _, model, _, train, validation = defaults_built(module, epochs, values, chosen)
        known = reported(module, model, train, validation) if name else []
    except Exception as error:
        raise data.explain(error) from error  # of a damaged file, for instance
    if not name:
        return training.monitored(module, model)
    if name not in known:
        raise UserError(
            f"--objective {name}: no epoch reports it; what there is: {', '.join(known)}"
        )
    direction = direction or better(name, model)
    if direction is None:
        raise UserError(
            f"--objective {name}: nothing says whether more of it is "
            f"better; write {name}:min or {name}:max"
        )
    return name, direction


def defaults_built(module, epochs, values, chosen):
    """Plan, network, a batch, training and validation set of a trial with the default values."""
    from recipes._runner import devices, training

    name = module.__name__.rpartition(".")[2]
    plan = training.Plan(name, epochs, 0, values, chosen, "float32", False, False)
    built = training.prepare(module, plan, values, devices.strategy("cpu"))
    model, batch, train, validation, _ = built
    return plan, model, batch, train, validation


def check_network(module, options, epochs, values, chosen):
    """Raises a UserError, before the search, where the network is not made for what was asked."""
    from recipes._runner import ensemble, training
    from recipes.common import head_check

    plan, model, batch, train, _ = defaults_built(module, epochs, values, chosen)
    if options.ensemble > 1:
        ensemble.refuse(plan.recipe, model)
    if options.class_weights:
        training.class_weights(plan, model, train, head_check.check_head(model, batch))


def reported(module, model, train, validation):
    """The names of what an epoch reports: one of a single step, run eagerly, shows them."""
    import keras

    model.run_eagerly = True
    keras.config.set_max_steps_per_epoch(1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that one step is less than an epoch
            callbacks = module.callbacks() if hasattr(module, "callbacks") else []
            model.fit(
                train,
                validation_data=validation,
                epochs=1,
                shuffle=False,
                callbacks=callbacks,
                verbose=0,
            )
    finally:
        keras.config.set_max_steps_per_epoch(None)
    return list(model.history.history)


def better(name, model):
    """`"min"` or `"max"`; or None if neither Keras says so nor the table of the results."""
    import keras

    name = name.removeprefix("val_")
    if name == "loss":
        return "min"
    compiled = [metric for metric in model.metrics if isinstance(metric, keras.metrics.Metric)]
    for group in model.metrics:  # those given to `compile` are one metric there
        compiled += getattr(group, "metrics", [])
    outputs = getattr(model, "output_names", None) or []
    for metric in compiled:
        if name == metric.name or name in [f"{output}_{metric.name}" for output in outputs]:
            direction = getattr(metric, "_direction", None)
            if direction:
                return "max" if direction == "up" else "min"
    return {"↑": "max", "↓": "min"}.get(results.ARROWS.get(name))


def refuse_another(plan, folder):
    """Raises a UserError if `folder` holds another search; the tuner looks at space and seed."""
    try:
        saved = json.loads((folder / "plan.json").read_text(encoding="utf8"))
    except FileNotFoundError:
        return
    except ValueError:
        raise UserError(
            f"{shown(folder / 'plan.json')} cannot be read; --fresh starts anew"
        ) from None
    here = json.loads(json.dumps(dataclasses.asdict(plan)))
    if plan.own and saved.get("own") != here["own"]:
        raise UserError(
            f"{shown(folder)} holds a search on other data than {plan.own['path']}, read as it is "
            "now: --fresh forgets it, --output leaves it alone"
        )
    own, before = here.pop("tuner_arguments"), saved.pop("tuner_arguments", {})
    here |= {name: value for name, value in own.items() if name != "max_trials"}
    saved |= {name: value for name, value in before.items() if name != "max_trials"}
    for name in ("choice", "module", "first"):
        here.pop(name), saved.pop(name, None)
    differing = [name for name in {**saved, **here} if saved.get(name) != here.get(name)]
    if differing:
        said = "; ".join(
            f"{name} {saved.get(name)} there, {here.get(name)} here" for name in differing
        )
        raise UserError(
            f"{shown(folder)} holds another search ({said}): --fresh "
            "forgets it, --output leaves it alone"
        )


def search(plan, options, folder, keep=lambda: None):
    """Run the trials in processes of their own; the leaderboard."""
    from recipes._runner.search import make_tuner, tuner_class
    from recipes.tuning import chief

    try:
        tuner, model = make_tuner(tuner_class(plan), plan, folder)
    except ValueError as error:
        said = str(error).partition(": pass overwrite")[0]
        raise UserError(f"{said}: --fresh forgets it, --output leaves it alone") from None
    reporter = Reporter(tuner, plan, options, folder)
    with tuner.project(), tempfile.TemporaryDirectory() as place:
        host, port = options.chief or ("unix", f"{place}/chief")
        if options.chief:
            machines.announce(folder)
        try:
            server = chief.serve(tuner.oracle, host, port)
        except RuntimeError:
            machines.withdraw(folder)
            raise UserError(
                f"--chief {host}:{port}: this machine cannot listen there; another program may, or "
                "the address is not its own"
            ) from None
        pool = WorkerPool(tuner.oracle, server, options, folder)
        if options.chief:
            print(
                f"Other machines that share {shown(folder)} take part with: "
                f"tune {plan.recipe} --worker-of {host}:{port} --output …",
                flush=True,
            )
        try:
            pool.run(reporter, keep)
            if server.finished():
                server.wait()  # so that the workers elsewhere hear of it
        finally:
            machines.withdraw(folder)
            pool.stop()
            server.stop()
    if tuner.oracle.first_failed():
        first = tuner.oracle.trials[tuner.oracle.start_order[0]]
        raise UserError(f"the trial with the default values failed: {first_line(first.message)}")
    rows = tuner.leaderboard()
    if not rows or rows[0]["rank"] is None:
        raise UserError(
            f"--time-limit {options.time_limit:g}s: the time was over before a trial was "
            "completed; the same command with more time continues"
        )
    for row in rows:
        row["hyperparameters"] = searched(row["hyperparameters"], model.module, plan)
    return rows


def searched(values, module, plan):
    """The values of a trial without what means nothing for the user's data.

    That is what only the recipe's own `load_data` takes, and class weights where there are none.
    """
    from recipes._runner import arguments

    if not plan.own:
        return values
    known = arguments.of_trials(module, plan.own)
    return {name: value for name, value in values.items() if name in known}


class WorkerPool:
    """The worker processes of a search: started, watched, replaced when they end, and stopped.

    Args:
        oracle: chooses the trials.
        server: the chief that answers the workers.
        options: as typed.
        folder: of the search; each worker's log goes there.
    """

    def __init__(self, oracle, server, options, folder):
        self.oracle = oracle
        self.server = server
        self.folder = folder
        self.size = options.workers
        self.device = options.device
        self.options = options
        self.trial_limit = options.trial_time_limit
        self.until = None
        if options.time_limit:
            self.until = time.time() + options.time_limit
        self.most_trials = oracle and oracle.most_trials()
        self.signs = machines.Signs(folder)  # of workers on other machines
        self.next_look = 0.0  # at these
        self.words = []  # more of a worker's command line
        self.workers = {}  # the process in each place, from 0 to `size` - 1
        self.started = 0
        self.idle_deaths = 0  # workers that died without a trial, one after another
        self.running_since = {}  # (worker's name, trial): when it was first seen
        self.overdue = set()  # names of workers that were killed for their time

    def run(self, reporter, keep=lambda: None):
        """Until the search is finished, or its time is over.

        Then running trials are left as a kill would leave them: the same command with more time
        continues them. While no trial is completed, the search waits for one.
        """
        while not self.server.finished():
            over = self.until is not None and time.time() >= self.until
            self.reap()
            if not over:
                self.fill()
            self.give_up_lost()
            self.kill_overdue()
            reporter.update(self.oracle)
            keep()
            if (self.folder / EARLIER).exists() and self.oracle.get_best_trials(1):
                confirm(self.folder)
            working = self.workers or self.oracle.ongoing_trials
            if over and (not working or self.oracle.get_best_trials(1)):
                print(self.out_of_time(), flush=True)
                break
            # All trials have ended, perhaps in an earlier process.
            if not working and (self.size or self.trials_left() == 0):
                break
            time.sleep(0.1)
        reporter.update(self.oracle)

    def out_of_time(self):
        """What becomes of the trials that are running when the time is over, in words."""
        left = sorted(int(trial.trial_id) + 1 for trial in self.oracle.ongoing_trials.values())
        if not left:
            return "The time limit is reached: no new trial is started."
        plural = "s" * (len(left) > 1)
        return (
            f"The time limit is reached: trial{plural} {', '.join(map(str, left))} not finished; "
            "the same command with more time continues."
        )

    def fill(self):
        """Start workers in the free places, no more than there are trials to come."""
        left = self.trials_left()
        for place in range(self.size if left is None else min(self.size, left)):
            if place not in self.workers:
                self.workers[place] = self.start(place)

    def trials_left(self):
        """How many trials have not ended; None if that is not known."""
        if self.most_trials is None:
            return None
        return self.most_trials - len(self.oracle.end_order)

    def name(self, place):
        """A name for a worker that no other has had."""
        return f"worker-{place}-{self.started}"

    def environment(self, name):
        """The variables that make a program the worker `name`."""
        return self.server.environment(name)

    def start(self, place):
        """A new worker process."""
        name = self.name(place)
        self.started += 1
        environment = {**os.environ, **self.environment(name), "TF_CPP_MIN_LOG_LEVEL": "3"}
        if self.size > 1:  # share the processor
            threads = str(max(1, (os.cpu_count() or 1) // self.size))
            environment |= {"TF_NUM_INTRAOP_THREADS": threads, "OMP_NUM_THREADS": threads}
        environment.pop("TPU_LOAD_LIBRARY", None)  # which `check_tpu` has set for this process
        if self.device != "cpu" and (gpus := visible_gpus()):
            environment["CUDA_VISIBLE_DEVICES"] = gpus[place % len(gpus)]
        with open(self.log(place), "a", encoding="utf8") as log:  # the worker has its own copy
            worker = subprocess.Popen(
                [sys.executable, "-m", "recipes._runner.search", str(self.folder), *self.words],
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the chief, which stops the workers
            )
        worker.name = name
        return worker

    def log(self, place):
        return self.folder / f"worker-{place}.log"

    def reap(self):
        """Take out the workers that have ended; an unfinished trial of theirs is run by another.

        Raises:
            UserError: if several in a row died before their first trial.
        """
        from recipes._runner.search import REPLACE

        for place, worker in list(self.workers.items()):
            if worker.poll() is None:
                continue
            del self.workers[place]
            reason = ended(worker.returncode)
            if worker.name in self.overdue:
                reason = self.hung()
            trial = self.oracle.abandon(worker.name, reason)
            if worker.returncode in (0, REPLACE) or trial is not None:
                self.idle_deaths = 0
            else:
                self.count_death(place, reason)

    def count_death(self, place, reason):
        """Another worker has died without a trial.

        Raises:
            UserError: if it was one of several in a row.
        """
        self.idle_deaths += 1
        if self.idle_deaths >= START_UPS:
            log = self.log(place)
            lines = log.read_text(encoding="utf8", errors="replace").strip().splitlines()
            last = lines[-1] if lines else "no message"
            raise UserError(f"no worker can start ({reason}): {last}; see {shown(log)}")

    def far(self):
        """The names of workers on other machines that run a trial."""
        near = [worker.name for worker in self.workers.values()]
        return [name for name in dict(self.oracle.ongoing_trials) if name not in near]

    def give_up_lost(self):
        """Have trials of lost workers on other machines run elsewhere; looks every few seconds."""
        if time.monotonic() < self.next_look:
            return
        self.next_look = time.monotonic() + machines.PULSE
        for name in self.far():
            if reason := self.signs.lost(name):
                self.oracle.abandon(name, reason)

    def kill_overdue(self):
        """Kill workers far beyond the time limit of a trial, which they should have noticed."""
        now = time.monotonic()
        before, self.running_since = self.running_since, {}
        for name, trial in dict(self.oracle.ongoing_trials).items():
            running = name, trial.trial_id
            self.running_since[running] = before.get(running, now)
        if self.trial_limit is None:
            return
        for (name, _), since in self.running_since.items():
            if now - since <= self.trial_limit + GRACE:
                continue
            for worker in self.workers.values():
                if worker.name == name:
                    self.overdue.add(name)
                    worker.kill()
            if name in self.far():
                self.oracle.abandon(name, self.hung())

    def hung(self):
        return f"it hung: still running after {self.trial_limit + GRACE:g} s"

    def stop(self):
        """Ask all workers to end, and kill those that do not within seconds."""
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


def finish(recipe, plan, own, options, rows, place, folder):
    """Leaderboard, pictures, and the winner trained and tested beside the defaults."""
    from recipes._runner.search import OWN_DATA

    note = "stand-in data: not comparable" if "stand-in" in plan.data.values() else None
    findings = report_on(plan, rows, folder, note)
    best = values_of(plan, rows[0])
    lines = write_winner(recipe, plan, own, best, options.seed, folder)

    print("\nTraining the defaults and the winner once more, to test them:", flush=True)
    workplace = folder / "final"
    shutil.rmtree(workplace, ignore_errors=True)
    trained, metrics = {}, {}
    for label, values in {"defaults": plan.fixed, "tuned": best}.items():
        all_data = options.all_data and label == "tuned"
        trained[label] = train_and_test(
            recipe, plan, options, values, workplace / label, options.seed, all_data
        )
        metrics[label] = json.loads((trained[label] / "metrics.json").read_text(encoding="utf8"))
    extend_card(trained["tuned"], plan, options, len(rows), metrics, lines, findings, folder)
    os.rename(trained["defaults"], trained["tuned"] / "defaults")
    output.replace_folder(trained["tuned"], place / "tuned")
    if options.ensemble > 1:
        add_ensemble(recipe, plan, options, rows, metrics, place, folder)
    shutil.rmtree(workplace)
    (folder / OWN_DATA).unlink(missing_ok=True)  # continuing reads it again

    print()
    print("\n".join(scores_in_words(plan, metrics)))
    if note:
        print("On stand-in data: not comparable with results on the real set.")
    if lines:
        print("The winner, to paste:\n")
        print("\n".join("    " + line for line in lines))
    if (folder / "winner.py").exists():
        copied = f"python -m recipes copy {shown(folder / 'winner.py')} ../mine"
        print(
            f"\nIts script is winner.py; with what that imports, for a project of yours: {copied}"
        )
    made = [folder, place / "tuned"] + [place / "ensemble"] * ("ensemble" in metrics)
    print(f"\nSaved in {' and '.join(map(shown, made))}")


def report_on(plan, rows, folder, note):
    """The leaderboard's tables and pictures, also shown; lines on what mattered, where to go on."""
    from recipes._runner import figures, search
    from recipes.tuning import importance, report

    name, direction = plan.objective
    space = search.space(search.recipe_model(plan, folder=folder), plan).space
    scored = sum(row["rank"] is not None for row in rows)
    shares = importance.importances(rows, space, direction)
    figures.use_style()
    drawn = report.figures(rows, name, direction)
    (folder / "importance.png").unlink(missing_ok=True)  # of fewer trials
    if shares:
        drawn["importance"] = importance.figure(shares, name, scored)
    figures.save(drawn, folder, note)
    report.write_csv(rows, folder / "leaderboard.csv")
    report.write_json(rows, folder / "leaderboard.json")
    print_table(rows, name)
    lines = importance.lines(shares, name, scored)
    lines += report.at_the_border(rows[0]["hyperparameters"], space)
    print("\n".join(lines))
    return lines


def scores_in_words(plan, metrics):
    """What the trained networks and the baseline score, and plainly if the baseline is the best.

    Args:
        plan: The `SearchPlan`.
        metrics: Of `defaults`, `tuned` and perhaps `ensemble`, in the order to show.
    """
    from recipes._runner import results

    tuned = metrics["tuned"]
    metric, name = tuned["metric"], tuned["baseline_name"]
    lines, found = [], []
    for label, of in metrics.items():
        score = of["scores"][metric]
        if score is None:  # it was not finite
            lines.append(f"{label}: {metric} is no number on the {of['split']} set")
        else:
            lines.append(f"{label}: {metric} {score:.4f} on the {of['split']} set")
            found.append(score)
    baseline = tuned["baseline"].get(metric)
    if baseline is None:
        return lines
    lines.append(f"{name}: {metric} {baseline:.4f}")
    direction = {"↑": "max", "↓": "min"}.get(results.ARROWS.get(metric))
    if direction is None and plan.objective[0] == f"val_{metric}":
        direction = plan.objective[1]
    if not found:
        return lines
    if direction and (baseline > max(found) if direction == "max" else baseline < min(found)):
        best = max(found) if direction == "max" else min(found)
        lines.append(
            f"{name} {baseline:.4f} is better than every network of this search, of which the "
            f"best has {best:.4f}."
        )
    return lines


def values_of(plan, row):
    """All that a trial of the leaderboard sets, `{argument: value}`."""
    return {**plan.defaults, **row["hyperparameters"], **plan.fixed}


def add_ensemble(recipe, plan, options, rows, metrics, place, folder):
    """Train the next best trials as the winner was, and put the average of all beside it.

    What the average scores is added to `metrics`.
    """
    from recipes._runner import ensemble, search

    module = search.module_of(plan, folder)
    members = ensemble.choose(rows, options.ensemble, module, plan)
    if len(members) < options.ensemble:
        print(f"There are only {len(members)} different trials to average.")
    if len(members) < 2:
        return
    print("Training the others of the ensemble, each with a seed of its own:", flush=True)
    folders = [place / "tuned"]
    for number, row in enumerate(members[1:], start=1):
        target = folder / "final" / f"member_{number + 1}"
        seed = (options.seed + number) % 2**32
        folders.append(
            train_and_test(
                recipe, plan, options, values_of(plan, row), target, seed, options.all_data
            )
        )
    made = folder / "final" / "ensemble"
    metrics["ensemble"], model = ensemble.make(module, members, folders, made)
    ensemble.write_card(recipe, plan, model, metrics, typed(options), made)
    output.mark(made)
    output.replace_folder(made, place / "ensemble")


def write_winner(recipe, plan, own, values, seed, folder):
    """`winner.py`, the recipe with the winner's values, and `best.py`, which uses recipe or script.

    Returns:
        The few lines; none where the user's data cannot be read by plain Keras.
    """
    from recipes._runner import search, winner_script

    for name in ("winner.py", "best.py"):
        (folder / name).unlink(missing_ok=True)
    module = search.module_of(plan, folder)
    _, model, *_ = defaults_built(module, plan.epochs, values, plan.data)
    try:
        winner_script.write(recipe, module, plan, own, values, model, seed, folder)
    except UserError as error:
        print(f"No winner.py: {error}")
        return []
    lines = python_lines(recipe.module, plan, values, winner_script.is_one_hot(model))
    storage.write(folder / "best.py", "\n".join(lines) + "\n")
    return lines


def python_lines(module, plan, values, one_hot=False):
    """Python that loads the data, builds the network and trains it, as a trial does."""
    from recipes._runner import arguments, copy_extras
    from recipes.tuning import report

    load, build = arguments.split(module, values)
    own = ["callbacks"] * hasattr(module, "callbacks")
    name = pathlib.Path(plan.module).stem if plan.module.endswith(".py") else plan.module
    if plan.own:
        name, load, build = "winner", {}, {}  # whose defaults they are
    lines = [f"from {name} import {', '.join(['build_model', *own, 'load_data'])}", ""]
    weighed = arguments.class_weights(values)
    imports = ["import keras"] * (plan.precision != "auto") + ["import numpy as np"] * bool(weighed)
    lines[:0] = [*imports, ""] if imports else []
    if plan.precision != "auto":
        lines.append(report.python_line("keras.config.set_dtype_policy", {}, repr(plan.precision)))
    lines.append(report.python_line("train, validation, test = load_data", load))
    more = ["train=train"] * arguments.wants(module.build_model, "train")
    more += [f"steps={plan.epochs} * len(train)"] * arguments.wants(module.build_model, "steps")
    lines.append(report.python_line("model = build_model", build, *more))
    if weighed:
        lines += textwrap.dedent(copy_extras.class_weights(one_hot)).splitlines()
    fit = ["train", "validation_data=validation", f"epochs={plan.epochs}", "shuffle=False"]
    fit += ["class_weight=weights"] * bool(weighed)
    lines.append(report.python_line("model.fit", {}, *fit, *[f"{name}={name}()" for name in own]))
    return lines


def extend_card(trained, plan, options, trials, metrics, lines, findings, folder):
    """Say in the README of the winner which search it comes from, and what that was good for."""
    defaults, tuned = metrics["defaults"], metrics["tuned"]
    before, after = defaults["arguments"], tuned["arguments"]
    changed = [name for name in after if name in before and after[name] != before[name]]
    added = [name for name in after if name not in before]
    settings = [(name, before.get(name), after[name]) for name in changed + added]
    weights = [each["class_weights"] or "none" for each in (defaults, tuned)]
    settings += [("class_weights", *weights)] * (weights[0] != weights[1])
    scores = []
    for name, score in tuned["scores"].items():
        scores.append((f"{name}, {tuned['split']} set", defaults["scores"].get(name), score))
    card = (trained / "README.md").read_text(encoding="utf8")
    storage.write(trained / "README.md", "\n".join([
        card,
        "## The search",
        "",
        f"The best of {trials} trials by `{plan.objective[0]}` on the validation set; leaderboard "
        f"and pictures lie in [{folder.name}](../{folder.name}). Made by `{typed(options)}`.",
        "",
        "| | [defaults](defaults) | this network |",
        "|---|---|---|",
        *(
            f"| {name} | {brief(before)} | {brief(after)} |"
            for name, before, after in scores + settings
        ),
        "",
        "```text",
        *findings,
        "```",
        "",
        *[f"![importance](../{folder.name}/importance.png)", ""]
        * (folder / "importance.png").exists(),
        *(["```python", *lines, "```"] if lines else []),
    ]) + "\n")  # fmt: skip


def train_and_test(recipe, plan, options, values, target, seed, all_data):
    """Train and test one configuration as `run` does; the folder that has the result."""
    from recipes._runner import arguments

    # Whether it may write there was asked of the whole folder.
    command = [*PROGRAM, "run", recipe.typed, "--output", str(target), "--force"]
    command += own_data_words(plan)
    if weights := arguments.class_weights(values):
        command += ["--class-weights", weights]
    command += ["--seed", str(seed)]
    command += ["--epochs", str(plan.epochs)]
    command += ["--precision", plan.precision]
    command += ["--device", options.device]
    command += ["--all-data"] * all_data
    if plan.variant:
        command += ["--variant", plan.variant]
    for name, value in values.items():
        if name not in arguments.FOR_FIT:
            command += ["--set", f"{name}={value}"]
    if plan.choice["data_dir"]:
        command += ["--data-dir", plan.choice["data_dir"]]
    if plan.smoke:
        command += ["--smoke"]
    elif plan.choice["stand_in"]:
        command += ["--stand-in"]
    environment = {k: v for k, v in os.environ.items() if k != "TPU_LOAD_LIBRARY"}
    if options.device != "cpu" and (gpus := visible_gpus()):
        environment["CUDA_VISIBLE_DEVICES"] = gpus[0]  # one, as each trial had
    done = subprocess.run(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["?"]
        raise UserError(f"training {target.name} again failed: {lines[-1]}")
    place = target
    if plan.own:
        place = target / "own" / own_name(plan.own["path"])
    if plan.smoke:
        place = place / "smoke"
    elif plan.choice["stand_in"]:
        place = place / "stand-in"
    place = place / (plan.variant or "")
    if plan.own and storage.load_json(place / "plan.json")["own"] != plan.own:
        raise UserError(f"{plan.own['path']} is not what it was when the search began")
    return place


def own_data_words(plan):
    """The options that mean the user's data, as they were given."""
    words = []
    for name, value in (plan.own or {}).items():
        if name != "digest":
            flag = "--data" if name == "path" else "--" + name.replace("_", "-")
            words += [flag] if value is True else [flag, value]
    return words


def print_table(rows, objective, longest=10):
    """The leaderboard on the terminal."""
    import rich.console
    import rich.table

    names = list(dict.fromkeys(name for row in rows for name in row["hyperparameters"]))
    table = rich.table.Table(title=f"The best of {len(rows)} trials", title_justify="left")
    remarks = [""] * any(row["message"] for row in rows[:longest])
    for heading in ("rank", "trial", objective, "epochs", "seconds", *names, *remarks):
        table.add_column(
            heading,
            justify="right" if heading in ("rank", "trial", "epochs", "seconds") else "left",
        )
    for row in rows[:longest]:
        values = [row["hyperparameters"].get(name) for name in names]
        table.add_row(
            "" if row["rank"] is None else str(row["rank"]),
            str(int(row["trial"]) + 1),
            "" if row["score"] is None else f"{row['score']:.5g}",
            str(row["epochs"]),
            f"{row['seconds']:.0f}",
            *map(brief, values),
            *([row["message"] or ""] if remarks else []),
        )
    # A message is shown as it is: what stands in brackets is no style.
    width = None if sys.stdout.isatty() else 140
    rich.console.Console(width=width, markup=False).print(table)


def brief(value):
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def first_line(message):
    return (message or "").strip().partition("\n")[0]
