"""`python -m recipes run NAME`: train a recipe, test it once, and leave model, scores and pictures."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import tempfile

from recipes._runner import output
from recipes._runner.errors import UserError
from recipes._runner.recipe import find

SAVED_MODELS = pathlib.Path(__file__).parents[2] / "saved_models"
SMOKE_ROWS = 200
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")


def add_arguments(parser):
    parser.add_argument("recipe", help="as in `make list`, for example cnn_mnist")
    parser.add_argument("--epochs", type=positive, metavar="N", help="passes over the training set [the recipe's]")
    parser.add_argument("--batch-size", type=positive, metavar="N", help="examples a step [the recipe's]")
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="any argument of the recipe's functions")
    parser.add_argument("--variant", metavar="NAME", help="one of the recipe's variants only [all, compared]")
    parser.add_argument("--all-data", action="store_true", default=None, help="train on the validation set, too")
    parser.add_argument("--seed", type=int, metavar="N", help="of all random numbers [0]")
    parser.add_argument("--deterministic", action="store_true", default=None, help="the same numbers again, bit by bit")
    parser.add_argument("--precision", choices=PRECISIONS, help="[auto: float32 but on TPUs]")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu", "tpu"), default="auto", help="[auto: what is there]")
    parser.add_argument("--data-dir", metavar="DIR", help="prepared data sets [TFDS_DATA_DIR, or TFDS' own folder]")
    parser.add_argument("--stand-in", action="store_true", help="use the stand-in data even where real data is at hand")
    parser.add_argument("--output", metavar="DIR", type=pathlib.Path, help="where to write [saved_models/NAME]")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run, or a finished one further")
    parser.add_argument("--smoke", action="store_true", help="everything once, in seconds, on tiny data")


def positive(text):
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


positive.__name__ = "positive whole number"  # what argparse calls a value it refuses


def main(options):
    recipe = find(options.recipe)
    base = (options.output or SAVED_MODELS / recipe.name).resolve()
    if not recipe.trains:
        return show(recipe, base)
    with output.held(base):
        return run(recipe, options, base)


def show(recipe, folder):
    """Run a recipe that has nothing to train: its own `main()` prints and draws."""
    from recipes._runner import card, figures, quiet

    quiet.import_tensorflow()
    with output.held(folder):
        figures.use_style()
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as workplace, contextlib.chdir(workplace):
            recipe.module.main()
            figures.plt.close("all")  # saved; the recipe has no reason to close them
            pictures = sorted(pathlib.Path(workplace).iterdir())
            for picture in pictures:
                os.replace(picture, folder / picture.name)
        card.write_without_training(recipe, folder, [picture.name for picture in pictures])
    print(f"Saved in {shown(folder)}: {listing(folder)}")


def run(recipe, options, base):
    from recipes._runner import data, quiet

    quiet.import_tensorflow()
    names = data.names(recipe.path)
    rows = SMOKE_ROWS if options.smoke else None
    chosen = data.choose(names, data_dir=options.data_dir, stand_in=options.stand_in or options.smoke, rows=rows)
    folder = base / "smoke" if options.smoke else base / "stand-in" if "stand-in" in chosen.values() else base
    variants = getattr(recipe.module, "VARIANTS", {})
    if options.variant and options.variant not in variants:
        known = f"its variants are {', '.join(variants)}" if variants else "it has no variants"
        raise UserError(f"--variant {options.variant}: {recipe.name} has no such variant; {known}")
    folder = folder / (options.variant or "")
    folder.mkdir(parents=True, exist_ok=True)
    output.publish(folder)

    import keras
    import tensorflow as tf

    from recipes._runner import arguments, training

    module = recipe.module
    plan = training.Plan(
        recipe=recipe.name,
        epochs=options.epochs or (1 if options.smoke else module.EPOCHS),
        seed=options.seed or 0,
        arguments=arguments.parse(module, options.set, options.batch_size),
        data=chosen,
        precision=options.precision or "auto",
        deterministic=bool(options.deterministic),
        smoke=options.smoke,
        variant=options.variant,
        all_data=bool(options.all_data),
    )
    unfinished = folder / output.UNFINISHED
    plan = continued(module, plan, options, folder) if options.resume else begun(plan, unfinished, folder)

    strategy = training.devices(options.device)
    keras.config.set_dtype_policy(precision(plan.precision, options.device))
    if plan.deterministic:
        tf.config.experimental.enable_op_determinism()

    try:
        results = train_all(module, plan, unfinished, strategy)
        keras.config.set_max_epochs(1 if plan.smoke else None)  # of what baseline and pictures train besides
        report(recipe, module, plan, results, unfinished)
    except tf.errors.OpError as error:
        raise data.explain(error) from error
    finally:
        keras.config.set_max_epochs(None)
    (unfinished / output.COMPLETE).touch()
    output.publish(folder)
    say(recipe, results, folder)


def begun(plan, unfinished, folder):
    """Start afresh: what an interrupted run left behind goes."""
    if unfinished.exists():
        print(f"Starting anew; the interrupted run in {shown(folder)} could have been continued with --resume.")
        shutil.rmtree(unfinished)
    unfinished.mkdir()
    output.write_json(unfinished / "plan.json", dataclasses.asdict(plan))
    return plan


def continued(module, plan, options, folder):
    """The interrupted run's plan, if what was typed agrees with it; a finished run may go on for more epochs."""
    from recipes._runner import arguments

    unfinished = folder / output.UNFINISHED
    if not unfinished.exists() and (folder / "plan.json").exists():
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as copy:
            workplace = pathlib.Path(copy) / output.UNFINISHED
            shutil.copytree(folder, workplace, ignore=shutil.ignore_patterns(".*", "*.png", "smoke", "stand-in"))
            os.rename(workplace, unfinished)
    try:
        saved = json.loads((unfinished / "plan.json").read_text(encoding="utf8"))
    except FileNotFoundError:
        raise UserError(f"nothing to resume in {shown(folder)}; run without --resume") from None
    typed = {
        "epochs": options.epochs,
        "seed": options.seed,
        "deterministic": options.deterministic,
        "precision": options.precision,
        "all_data": options.all_data,
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
                f"--resume --epochs {value}: the learning rate of {plan.recipe} follows a schedule over all epochs, "
                f"so {saved[name]} cannot become {value}; run anew without --resume"
            )
        raise UserError(f"--resume: {name} was {saved[name]} in the interrupted run and is {value} now; leave it out")
    plan = dataclasses.replace(plan, **saved)
    output.write_json(unfinished / "plan.json", dataclasses.asdict(plan))
    return plan


def precision(name, device):
    return {"auto": "mixed_bfloat16" if device == "tpu" else "float32"}.get(name, name)


def train_all(module, plan, unfinished, strategy):
    """Each variant in a folder of its own, `{name: result}`; a recipe without variants as `{None: result}`."""
    from recipes._runner import training

    variants = getattr(module, "VARIANTS", {None: {}})
    if plan.variant:
        result = training.train(
            module, plan, {**variants[plan.variant], **plan.arguments}, unfinished, strategy, plan.variant
        )
        return {None: result}
    results = {}
    for variant, own in variants.items():
        folder = unfinished / variant if variant else unfinished
        folder.mkdir(exist_ok=True)
        if variant:
            print(f"\n{variant}: {', '.join(f'{name}={value}' for name, value in own.items()) or 'defaults'}")
        results[variant] = training.train(module, plan, {**own, **plan.arguments}, folder, strategy, variant)
    return results


def report(recipe, module, plan, results, unfinished):
    """Baseline, pictures and cards."""
    from recipes._runner import arguments, card, figures, training

    def save(drawn, folder):
        return figures.captions(figures.save(drawn, folder, note), drawn)

    figures.use_style()
    baselines, baseline_name = {}, None
    if hasattr(module, "baseline"):
        baseline_name = module.baseline.__doc__.strip().splitlines()[0].rstrip(".")
    note = None if set(plan.data.values()) <= {"real"} else "stand-in data: not comparable"
    pictures = {}
    for variant, result in results.items():
        folder = unfinished / variant if variant else unfinished
        load_arguments, _ = arguments.split(module, result.metrics["arguments"])
        same_data = str(sorted(load_arguments.items()))
        if baseline_name and same_data not in baselines:
            train, _, test = (training.without_autotune(part) for part in module.load_data(**load_arguments))
            baselines[same_data] = {name: float(score) for name, score in module.baseline(train, test).items()}
        result.metrics |= {"baseline": baselines.get(same_data, {}), "baseline_name": baseline_name}
        output.write_json(folder / "metrics.json", training.without_nan(result.metrics))
        pictures[variant] = save(figures.standard(result, training.answers), folder)
    histories = {variant: result.history for variant, result in results.items()}
    single = list(results) == [None]
    own = {}
    if recipe.figures and not plan.variant:  # they compare all variants
        models = {variant: result.model for variant, result in results.items()}
        test = next(iter(results.values())).test
        drawn = recipe.figures(models[None] if single else models, test, histories[None] if single else histories)
        own = save(drawn, unfinished)
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
    """What came out, beside the baseline, and where it lies."""
    print()
    for variant, result in results.items():
        metrics = result.metrics
        name = metrics["metric"]
        line = f"{variant or recipe.name}: {name} {metrics['scores'][name]:.4f} on the {metrics['split']} set"
        if name in metrics["baseline"]:
            line += f"; {metrics['baseline_name']}: {metrics['baseline'][name]:.4f}"
        print(line)
    data = next(iter(results.values())).metrics["data"]
    if "stand-in" in data.values():
        print(f"On stand-in data ({', '.join(data)}): not comparable with results on the real set.")
    print(f"Saved in {shown(folder)}: {listing(folder)}")


def shown(folder):
    """The folder as one would type it from here."""
    with contextlib.suppress(ValueError):
        return str(pathlib.Path(folder).resolve().relative_to(pathlib.Path.cwd()))
    return str(folder)


def listing(folder):
    names = [path.name + "/" * path.is_dir() for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    return ", ".join(name for name in names if name not in ("state/", "smoke/", "stand-in/", "plan.json"))
