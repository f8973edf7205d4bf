"""`python -m recipes tune NAME`: look for better hyperparameters, in processes that may die."""

import dataclasses
import json
import os
import pathlib
import pickle
import re
import tempfile
import time

from recipes._runner import bucket, machines, output
from recipes._runner.arguments import expanded, expanded_place, seed
from recipes._runner.earlier_search import EARLIER, anything_found, resolve, set_aside
from recipes._runner.errors import UserError
from recipes._runner.recipe import find
from recipes._runner.run_command import (
    PRECISIONS,
    SAVED_MODELS,
    SMOKE_ROWS,
    add_data_arguments,
    own_data_of,
    positive,
    refuse_data_arguments,
    shown,
)
from recipes._runner.search_objective import check_network, objective
from recipes._runner.search_reporter import Reporter, first_line, searched
from recipes._runner.tune_results import finish, typed
from recipes._runner.worker_pool import WorkerPool

TUNERS = {
    "random": "RandomSearch",
    "bayesian": "BayesianOptimization",
    "hyperband": "Hyperband",
    "grid": "GridSearch",
}
TRIALS = 20


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
    from recipes._runner import arguments, own_network, search

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
        own=own and own_network.noted(own, options),
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
