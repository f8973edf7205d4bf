"""`python -m recipes run NAME`: train a recipe, test it once, save model, scores and pictures."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import tempfile

from recipes._runner import output
from recipes._runner.arguments import expanded, expanded_path, seed
from recipes._runner.errors import UserError, full_disk
from recipes._runner.recipe import find

SAVED_MODELS = pathlib.Path(__file__).parents[2] / "saved_models"
SMOKE_ROWS = 200
UNSAID = ("state/", "smoke/", "stand-in/", "own/", "plan.json")  # in the last line of a run
OF_DATA = ("target", "leave_out", "skip_broken", "encoding")  # how to read the user's data
# What has no meaning for a recipe that trains nothing.
OF_TRAINING = ("epochs", "variant", "all_data", "data", *OF_DATA)
OF_TRAINING += ("early_stopping", "class_weights", "seed", "deterministic", "precision")
OF_TRAINING += ("device", "resume")
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")


def add_arguments(parser):
    parser.add_argument(
        "recipe",
        type=expanded,
        help="as in `make list`, for example cnn_mnist; or a file, ./mine.py",
    )
    parser.add_argument(
        "--epochs", type=positive, metavar="N", help="passes over the training set [the recipe's]"
    )
    parser.add_argument(
        "--batch-size", type=positive, metavar="N", help="examples a step [the recipe's]"
    )
    parser.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help="any argument of the recipe's functions",
    )
    parser.add_argument(
        "--variant", metavar="NAME", help="one of the recipe's variants only [all, compared]"
    )
    parser.add_argument(
        "--all-data", action="store_true", default=None, help="train on the validation set, too"
    )
    add_data_arguments(parser)
    add_training_arguments(parser)
    parser.add_argument("--seed", type=seed, metavar="N", help="of all random numbers [0]")
    parser.add_argument(
        "--deterministic",
        action="store_true",
        default=None,
        help="the same numbers again, bit by bit",
    )
    parser.add_argument("--precision", choices=PRECISIONS, help="[auto: float32 but on TPUs]")
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "gpu", "tpu"),
        default="auto",
        help="[auto: what is there]",
    )
    parser.add_argument(
        "--data-dir",
        type=expanded,
        metavar="DIR",
        help="prepared data sets [TFDS_DATA_DIR, or TFDS' own folder]",
    )
    parser.add_argument(
        "--stand-in",
        action="store_true",
        help="use the stand-in data even where real data is at hand",
    )
    parser.add_argument(
        "--output", metavar="DIR", type=expanded_path, help="where to write [saved_models/NAME]"
    )
    parser.add_argument(
        "--force", action="store_true", help="write to a folder with other files, too"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue an interrupted run, or a finished one further",
    )
    parser.add_argument(
        "--smoke", action="store_true", help="everything once, in seconds, on tiny data"
    )


def add_data_arguments(parser):
    """Options for training on the user's data."""
    parser.add_argument(
        "--data",
        type=expanded_path,
        metavar="PATH",
        help="your own data: a folder for each class, or a CSV; see recipes/OWN_DATA.md",
    )
    parser.add_argument(
        "--target",
        metavar="COLUMN",
        help="of your CSV, what to predict; "
        "several, with commas between, are labels [the last one]",
    )
    parser.add_argument(
        "--leave-out",
        metavar="COLUMN",
        help="of your CSV, not to learn from, such as a number of each row; "
        "several with commas between",
    )
    parser.add_argument(
        "--skip-broken",
        action="store_true",
        default=None,
        help="leave out what cannot be used of your data [it is named, and nothing is done]",
    )
    parser.add_argument(
        "--encoding", metavar="NAME", help="of your texts and tables, such as latin-1 [utf-8]"
    )


def add_training_arguments(parser):
    """Common options of the training."""
    parser.add_argument(
        "--early-stopping",
        type=positive,
        metavar="N",
        help="end after N epochs without a better score on validation",
    )
    parser.add_argument(
        "--class-weights",
        choices=("balanced",),
        help="balanced: rare classes count as much as frequent ones",
    )


def positive(text):
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


positive.__name__ = "positive whole number"  # for argparse's error message


def main(options):
    recipe = find(options.recipe)
    if options.output:
        output.refuse_others(options.output, options.force)
    base = (options.output or SAVED_MODELS / recipe.folder_name).resolve()
    if not recipe.trains:
        return show(recipe, options, base)
    return run(recipe, options, base)


def show(recipe, options, folder):
    """Run a recipe without training: its own `main()` prints and draws."""
    from recipes._runner import arguments, card, data, figures, quiet

    for name in OF_TRAINING:
        given = getattr(options, name)
        if given is not None and given is not False and given != "auto":
            flag = "--" + name.replace("_", "-")
            raise UserError(f"{flag}: {recipe.name} trains nothing, and would not look at it")
    quiet.import_tensorflow()
    given = arguments.parse(recipe.module, options.set, options.batch_size)
    for name, value in given.items():
        # Make file names absolute: `main()` runs in another folder.
        path = pathlib.Path(value).expanduser() if isinstance(value, str) else pathlib.Path()
        if path.is_file():
            given[name] = str(path.resolve())
        elif path.suffix:
            raise UserError(f"--set {name}={value}: there is no such file")
    chosen = data.choose(
        data.names(recipe.path),
        data_dir=options.data_dir,
        stand_in=options.stand_in or options.smoke,
        rows=SMOKE_ROWS if options.smoke else None,
    )
    if "stand-in" in chosen.values():
        print("With stand-in data: not comparable.")
        folder = folder / ("smoke" if options.smoke else "stand-in")
    with output.held(folder):
        figures.use_style()
        with (
            tempfile.TemporaryDirectory(dir=folder, prefix=".") as workplace,
            contextlib.chdir(workplace),
        ):
            with arguments.blamed(recipe.module, given):
                recipe.module.main(**given)
            figures.plt.close("all")  # already saved; recipes do not close them
            pictures = sorted(pathlib.Path(workplace).iterdir())
            for picture in pictures:
                os.replace(picture, folder / picture.name)
        files = [picture.name for picture in pictures]
        card.write_without_training(recipe, folder, files, given)
    print(f"Saved in {shown(folder)}: {listing(folder)}")


def run(recipe, options, base):
    """Check all options and their requirements before writing any file; then train."""
    from recipes._runner import data, quiet

    quiet.import_tensorflow()
    from recipes._runner import arguments, devices, own_network, training

    # Parse the arguments, and choose data and devices.
    module = recipe.module
    arguments.of_variant(recipe, options.variant)
    given = arguments.parse(module, options.set, options.batch_size)
    strategy = devices.strategy(options.device)
    own, outer = None, base
    if options.data:
        module, found = own_data_of(recipe, module, options, given)
        own, chosen = own_network.noted(found, options), {found.name: "own"}
        base = base / "own" / found.name
    else:
        refuse_data_arguments(options)
        chosen = data.choose(
            data.names(recipe.path),
            data_dir=options.data_dir,
            stand_in=options.stand_in or options.smoke,
            rows=SMOKE_ROWS if options.smoke else None,
        )
    # Record everything that determines the result.
    plan = training.Plan(
        recipe=recipe.name,
        epochs=options.epochs or (1 if options.smoke else module.EPOCHS),
        seed=options.seed or 0,
        arguments=given,
        data=chosen,
        precision=options.precision or "auto",
        deterministic=bool(options.deterministic),
        smoke=options.smoke,
        variant=options.variant,
        all_data=bool(options.all_data),
        early_stopping=options.early_stopping,
        class_weights=options.class_weights,
        own=own,
    )
    # Start or resume the run in its folder.
    folder = base
    if options.smoke:
        folder = base / "smoke"
    elif "stand-in" in chosen.values():
        folder = base / "stand-in"
    folder = folder / (options.variant or "")
    with output.held(base):
        output.mark(outer)  # where `--output` names it: another run may write there, too
        folder.mkdir(parents=True, exist_ok=True)
        output.publish(folder)
        output.settle(folder)
        if not options.resume:
            plan = begun(plan, folder)
        elif (plan := continued(module, plan, options, folder)) is None:
            print(
                f"Nothing to resume: the run in {shown(folder)} is finished; more --epochs would "
                "continue it."
            )
            return
        with kept(recipe, options, folder):
            complete(recipe, module, plan, options, strategy, folder)


def own_data_of(recipe, module, options, given):
    """Read the user's data in place of the recipe's, and print a description.

    Returns:
        The module adapted to the data, and the `OwnData`.
    """
    from recipes._runner import arguments, own_data, own_network

    if options.stand_in or options.data_dir:
        name = "--stand-in" if options.stand_in else "--data-dir"
        raise UserError(f"{name} is for the recipe's own data: leave it or --data out")
    variant = module.VARIANTS[options.variant] if options.variant else {}
    own = own_data.load(recipe, module, options, {**variant, **given})
    module = own_network.adapted(module, own, options.variant)
    for name in given:
        if name != "input_shape" and name not in arguments.parameters(module):
            raise UserError(f"--set {name} is for the recipe's own data, and you gave --data")
    print("\n".join(own.lines))
    return module, own


def own_name(path):
    """The name of results on a user's data: its folder, or its table without the suffix."""
    path = pathlib.Path(path).resolve()
    return path.stem if path.is_file() else path.name


def refuse_data_arguments(options):
    for name in OF_DATA:
        if getattr(options, name) is not None:
            flag = "--" + name.replace("_", "-")
            raise UserError(f"{flag} is for data of yours: say where it is with --data")


def complete(recipe, module, plan, options, strategy, folder):
    """Train the untrained networks, report on them, and replace earlier results."""
    import keras
    import tensorflow as tf

    from recipes._runner import data, devices, training

    keras.config.set_dtype_policy(precision(plan.precision, options.device))
    if plan.deterministic:
        tf.config.experimental.enable_op_determinism()
    unfinished = folder / output.UNFINISHED
    try:
        results = train_all(module, plan, unfinished, strategy)
        keras.config.set_dtype_policy("float32")  # NumPy and Matplotlib do not support bfloat16
        for result in results.values():
            training.compute_in_float32(result.model)
        # Limit the training of baselines and pictures, too.
        keras.config.set_max_epochs(1 if plan.smoke else None)
        with devices.host(strategy):
            report(recipe, module, plan, results, unfinished)
    except tf.errors.OpError as error:
        raise devices.explain(data.explain(error)) from error
    finally:
        keras.config.set_max_epochs(None)
    (unfinished / output.COMPLETE).touch()
    output.publish(folder)
    say(recipe, results, folder)


def begun(plan, folder):
    """Start a new run; an interrupted one is kept until this one has finished an epoch."""
    if output.set_aside(folder):
        print(
            f"Starting anew. The interrupted run in {shown(folder)} is kept until this one has "
            "finished an epoch; --resume would have continued it."
        )
    output.write_json(folder / output.UNFINISHED / "plan.json", dataclasses.asdict(plan))
    return plan


@contextlib.contextmanager
def kept(recipe, options, folder):
    """If a run ends early, keep what can be continued, and report how to continue it.

    Raises:
        KeyboardInterrupt: if the user interrupts it, with that message.
        UserError: if the disk is full, with that message.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        earlier = output.settle(folder)
        unfinished = folder / output.UNFINISHED
        if output.epochs_in(unfinished) or (unfinished / output.COMPLETE).exists():
            which = "the earlier run" if earlier else "it"
            then = f"`{output.command('run', recipe, resuming(options))}` continues {which}"
        else:
            shutil.rmtree(unfinished, ignore_errors=True)
            then = "no epoch was finished, so there is nothing to continue"
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(f"interrupted; {then}") from None
        if full_disk(error):
            raise UserError(
                f"{folder}: no space left to write to; free some, then run again: {then}"
            ) from error
        raise


def resuming(options):
    """The options that identify an interrupted run; all others are recorded in its plan."""
    words = ["--resume"]
    if options.smoke:
        words.append("--smoke")
    if options.stand_in:
        words.append("--stand-in")
    if options.skip_broken:
        words.append("--skip-broken")
    for name in (
        "variant",
        "device",
        "data_dir",
        "data",
        "target",
        "leave_out",
        "encoding",
        "output",
    ):
        value = getattr(options, name)
        if value not in (None, "auto"):
            words += ["--" + name.replace("_", "-"), str(value)]
    return words


def continued(module, plan, options, folder):
    """The interrupted run's plan, if the options agree; a finished run may get more epochs.

    Returns:
        The plan; None if the run is finished and no more epochs are requested.
    """
    from recipes._runner import arguments

    unfinished = folder / output.UNFINISHED
    finished = not unfinished.exists()
    written = (folder if finished else unfinished) / "plan.json"
    try:
        saved = json.loads(written.read_text(encoding="utf8"))
    except FileNotFoundError:
        raise UserError(f"nothing to resume in {shown(folder)}; run without --resume") from None
    except ValueError:
        raise UserError(
            f"cannot resume: {shown(written)} is damaged; run without --resume"
        ) from None
    before = saved["epochs"]
    if plan.own != saved.get("own"):
        raise UserError(
            f"--resume: {options.data} or how it is read is not what it was in the interrupted "
            "run; run anew without --resume"
        )
    typed = {
        "epochs": options.epochs,
        "seed": options.seed,
        "deterministic": options.deterministic,
        "precision": options.precision,
        "all_data": options.all_data,
        "early_stopping": options.early_stopping,
        "class_weights": options.class_weights,
        "arguments": plan.arguments or None,
        "data": plan.data,
    }
    for name, value in typed.items():
        if value is None or value == saved.get(name):
            continue
        if name == "epochs" and value > saved[name]:
            if not arguments.wants(module.build_model, "steps"):
                saved["epochs"] = value
                continue
            raise UserError(
                f"--resume --epochs {value}: the learning rate of {plan.recipe} follows a schedule "
                f"over all epochs, so {saved[name]} cannot become {value}; run anew "
                "without --resume"
            )
        raise UserError(
            f"--resume: {name} was {saved[name]} in the interrupted "
            f"run and is {value} now; leave it out"
        )
    plan = dataclasses.replace(plan, **saved)
    if finished:
        if plan.epochs == before:
            return None
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as copy:
            workplace = pathlib.Path(copy) / output.UNFINISHED
            workplace.mkdir()
            variants = () if plan.variant else getattr(module, "VARIANTS", ())
            # By name, since the folder also contains searches.
            for name in (
                "plan.json",
                "history.csv",
                "logs",
                "state",
                *variants,
            ):
                source = folder / name
                if source.is_dir():
                    shutil.copytree(
                        source, workplace / name, ignore=shutil.ignore_patterns("*.png")
                    )
                elif source.exists():
                    shutil.copy2(source, workplace / name)
            os.rename(workplace, unfinished)
    output.write_json(unfinished / "plan.json", dataclasses.asdict(plan))
    return plan


def precision(name, device):
    return {"auto": "mixed_bfloat16" if device == "tpu" else "float32"}.get(name, name)


def train_all(module, plan, unfinished, strategy):
    """Each variant in its own folder, `{name: result}`; without variants, `{None: result}`."""
    from recipes._runner import training

    variants = getattr(module, "VARIANTS", {None: {}})
    if plan.variant:
        given = {**variants[plan.variant], **plan.arguments}
        result = training.train(module, plan, given, unfinished, strategy, plan.variant)
        return {None: result}
    results = {}
    for variant, own in variants.items():
        folder = unfinished / variant if variant else unfinished
        folder.mkdir(exist_ok=True)
        if variant:
            settings = ", ".join(f"{name}={value}" for name, value in own.items())
            print(f"\n{variant}: {settings or 'defaults'}")
        given = {**own, **plan.arguments}
        results[variant] = training.train(module, plan, given, folder, strategy, variant)
    return results


def report(recipe, module, plan, results, unfinished):
    """Add baselines, pictures and model cards to the results."""
    import keras

    from recipes._runner import arguments, card, figures, own_pictures, training

    def save(drawn, folder):
        return figures.captions(figures.save(drawn, folder, note), drawn)

    figures.use_style()
    baselines, baseline_name = {}, None
    if hasattr(module, "baseline"):
        baseline_name = module.baseline.__doc__.strip().splitlines()[0].rstrip(".")
    note = "stand-in data: not comparable" if "stand-in" in plan.data.values() else None
    pictures = {}
    for variant, result in results.items():
        folder = unfinished / variant if variant else unfinished
        load_arguments, _ = arguments.split(module, result.metrics["arguments"])
        same_data = str(sorted(load_arguments.items()))
        if baseline_name and same_data not in baselines:
            keras.utils.set_random_seed(plan.seed)  # if examples are sampled: the same ones
            train, _, test = (
                training.without_autotune(part) for part in module.load_data(**load_arguments)
            )
            baselines[same_data] = {
                name: float(score) for name, score in module.baseline(train, test).items()
            }
        result.metrics |= {"baseline": baselines.get(same_data, {}), "baseline_name": baseline_name}
        output.write_json(folder / "metrics.json", training.without_nan(result.metrics))
        drawn = figures.standard(result, training.answers)
        if plan.own:
            drawn |= own_pictures.drawn(module, result, training.answers)
        pictures[variant] = save(drawn, folder)
    histories = {variant: result.history for variant, result in results.items()}
    single = list(results) == [None]
    own = {}
    # The recipe's own pictures compare all variants, on the recipe's data.
    if recipe.figures and not plan.variant and not plan.own:
        test = next(iter(results.values())).test
        models = {variant: result.model for variant, result in results.items()}
        try:
            if single:
                own = save(recipe.figures(models[None], test, histories[None]), unfinished)
            else:
                own = save(recipe.figures(models, test, histories), unfinished)
        except Exception as error:
            if not plan.arguments:
                raise
            # The pictures may depend on the default network, such as its two layers. Keep the
            # results of the training nevertheless.
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            print(f"The recipe's own pictures cannot be drawn with these settings: {reason}")
    for variant, result in results.items():
        folder = unfinished / variant if variant else unfinished
        card.write(recipe, plan, result, folder, own if single else {}, pictures[variant])
    if not single:
        curves = {"training_curves": figures.training_curves(histories, *result.monitored)}
        compared = save(curves, unfinished)
        output.write_json(
            unfinished / "metrics.json",
            {variant: training.without_nan(result.metrics) for variant, result in results.items()},
        )
        card.write_variants(recipe, plan, results, unfinished, own, compared)


def say(recipe, results, folder):
    """Print the scores, the baseline, and the folder of the results."""
    print()
    for variant, result in results.items():
        metrics = result.metrics
        name = metrics["metric"]
        line = (
            f"{variant or recipe.name}: {name} {metrics['scores'][name]:.4f} "
            f"on the {metrics['split']} set"
        )
        if name in metrics["baseline"]:
            line += f"; {metrics['baseline_name']}: {metrics['baseline'][name]:.4f}"
        print(line)
    data = next(iter(results.values())).metrics["data"]
    if "stand-in" in data.values():
        print(f"On stand-in data ({', '.join(data)}): not comparable with results on the real set.")
    print(f"Saved in {shown(folder)}: {listing(folder)}")


def shown(folder):
    """The folder relative to the working directory, if it is below it."""
    with contextlib.suppress(ValueError):
        return str(pathlib.Path(folder).resolve().relative_to(pathlib.Path.cwd()))
    return str(folder)


def listing(folder):
    names = [
        path.name + "/" * path.is_dir()
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".")
    ]
    return ", ".join(name for name in names if name not in UNSAID)
