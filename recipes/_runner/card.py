"""The model card, a README.md beside each saved model: scores, code to load it, pictures."""

from recipes._runner import card_snippet, copy_extras, output
from recipes.tuning import storage


def write(recipe, plan, result, folder, own, pictures):
    """The card of one trained network, from its metrics.

    Args:
        recipe: The recipe.
        plan: The plan of the run.
        result: The trained network, with its metrics.
        folder: The folder of the network and of the card.
        own: The recipe's own pictures, `{file: sentence}`, in the order in which to show them.
        pictures: The standard pictures, in the same form.
    """
    metrics, baseline = result.metrics, result.metrics["baseline"]
    storage.write(folder / "README.md", "\n".join([
        f"# {recipe.name}" + (f" – {metrics['variant']}" if metrics["variant"] else ""),
        "",
        recipe.title,
        *needs(recipe),
        *warning(plan),
        "",
        f"| {metrics['split']} set | this network | {metrics['baseline_name'] or 'baseline'} |",
        "|---|---|---|",
        *(
            f"| {name} | {score:.4f} | {shown(baseline.get(name))} |"
            for name, score in metrics["scores"].items()
        ),
        "",
        f"{parameters(metrics)}; {chosen(recipe, plan, metrics)}; "
        f"{metrics['fit_seconds']:.0f} s of training on {metrics['hardware']}; "
        f"seed {metrics['seed']}.",
        f"Made by `{command(recipe, plan)}` with Keras {metrics['versions']['keras']} on "
        f"TensorFlow {metrics['versions']['tensorflow']}.",
        "",
        "```python",
        *loading(recipe, folder, metrics),
        *card_snippet.lines(
            recipe, result.model, (folder / "deployed.keras").exists(), metrics
        ),
        "```",
        "",
        *gallery(recipe, own, pictures),
    ]) + "\n")  # fmt: skip


def parameters(metrics):
    """`9,568 trainable parameters of 9,632`; the second number only if some are not trainable."""
    trainable, all_of_them = metrics["trainable_parameters"], metrics["parameters"]
    others = f" of {all_of_them:,}" if trainable != all_of_them else ""
    return f"{trainable:,} trainable parameters{others}"


def chosen(recipe, plan, metrics):
    """The epoch of the weights, and the metric that selected it."""
    ((name, score),) = metrics["validation"].items()
    epochs = f"{metrics['epochs']} epoch" + "s" * (metrics["epochs"] != 1)
    if getattr(recipe.module, "KEEP", "best") == "last":
        return f"the last of {epochs}, which this recipe keeps"
    if score is None:
        why = (
            "the validation set was trained on, too"
            if plan.all_data
            else "there is no validation set"
        )
        return f"the last of {epochs}: {why}"
    by = (
        f"validation ({name} {score:.4g})"
        if name.startswith("val_")
        else f"{name} on the training set ({score:.4g})"
    )
    return f"epoch {metrics['best_epoch']} of {metrics['epochs']}, chosen on {by}"


def loading(recipe, folder, metrics):
    """The lines that load the models in the folder, the one to use first."""
    lines = ["import keras", ""]
    if copy_extras.needs_recipe(recipe):
        module = f"recipes.{recipe.chapter}.{recipe.name}" if recipe.chapter else recipe.name
        lines.insert(1, f"import {module}  # its layers and classes, needed for loading")
    if (folder / "deployed.keras").exists():
        why = "takes raw input"
        if card_snippet.is_own(metrics) and "regression" in (metrics["task"] or ""):
            why += ", answers in your units"
        lines.append(f'model = keras.saving.load_model("deployed.keras")  # {why}')
        return [*lines, 'network = keras.saving.load_model("model.keras")  # what was trained']
    return [*lines, 'model = keras.saving.load_model("model.keras")']


def write_variants(recipe, plan, results, folder, own, pictures):
    """The card of a comparison: a line per variant, and the baselines. Pictures as for `write`."""
    metrics = {variant: result.metrics for variant, result in results.items()}
    names = list(dict.fromkeys(name for each in metrics.values() for name in each["scores"]))
    rows = []
    for variant, each in metrics.items():
        scores = " | ".join(shown(each["scores"].get(name)) for name in names)
        rows.append(
            f"| [{variant}]({variant}/README.md) | {each['trainable_parameters']:,} | {scores} |"
        )
    baselines = {}  # variants with the same data share a baseline
    for variant, each in metrics.items():
        scores = " | ".join(shown(each["baseline"].get(name)) for name in names)
        baselines.setdefault(scores, []).append(variant)
    baseline_name = next(iter(metrics.values()))["baseline_name"] or "baseline"
    for scores, variants in baselines.items():
        whose = f" ({', '.join(variants)})" if len(baselines) > 1 else ""
        rows.append(f"| {baseline_name}{whose} | | {scores} |")
    storage.write(folder / "README.md", "\n".join([
        f"# {recipe.name}",
        "",
        recipe.title,
        *needs(recipe),
        *warning(plan),
        "",
        "| variant | trainable parameters | " + " | ".join(names) + " |",
        "|---" * (len(names) + 2) + "|",
        *rows,
        "",
        f"Made by `{command(recipe, plan)}`.",
        "",
        *gallery(recipe, own, pictures),
    ]) + "\n")  # fmt: skip


def write_without_training(recipe, folder, files, given):
    """The card of a recipe without training.

    Args:
        recipe: The recipe.
        folder: The folder of the card.
        files: The files of its pictures.
        given: The given arguments of its `main`.
    """
    flags = []
    for name, value in given.items():
        flags += ["--set", f"{name}={value}"]
    made = f"Made by `{output.command('run', recipe, flags)}`."
    lines = [
        f"# {recipe.name}",
        "",
        recipe.title,
        *needs(recipe),
        "",
        made,
        "",
        *gallery(recipe, dict.fromkeys(files, ""), {}),
    ]
    storage.write(folder / "README.md", "\n".join(lines) + "\n")


def command(recipe, plan):
    """The command that reproduces the run."""
    flags = ["--variant", plan.variant] if plan.variant else []
    flags += ["--epochs", str(plan.epochs), "--seed", str(plan.seed)]
    flags += ["--deterministic"] * plan.deterministic + ["--all-data"] * plan.all_data
    if plan.precision != "auto":
        flags += ["--precision", plan.precision]
    for name, value in (plan.own or {}).items():
        if name != "digest":
            flag = {"path": "data"}.get(name, name).replace("_", "-")
            flags += [f"--{flag}"] + [value] * (value is not True)
    if plan.early_stopping:
        flags += ["--early-stopping", str(plan.early_stopping)]
    if plan.class_weights:
        flags += ["--class-weights", plan.class_weights]
    for name, value in plan.arguments.items():
        flags += ["--set", f"{name}={value}"]
    stand_in = "stand-in" in plan.data.values() and not plan.smoke
    flags += ["--smoke"] * plan.smoke + ["--stand-in"] * stand_in
    return output.command("run", recipe, flags)


def needs(recipe):
    """The trained network that a recipe requires, from `Needs:` in its docstring."""
    network = recipe.field("Needs")
    return ["", f"Starts from {network}."] if network else []


def warning(plan):
    stand_ins = [name for name, kind in plan.data.items() if kind == "stand-in"]
    return (
        [
            "",
            f"**Stand-in data ({', '.join(stand_ins)}): not comparable "
            "with results on the real set.**",
        ]
        if stand_ins
        else []
    )


def gallery(recipe, own, pictures):
    """The recipe's own pictures below their summary, then the others, each with a sentence."""
    lines = [recipe.figures_summary, ""] if own and recipe.figures_summary else []
    for file, sentence in (own | pictures).items():
        lines += [f"![{file.rpartition('.')[0]}]({file})", ""]
        lines += [sentence, ""] if sentence else []
    return lines


def shown(value):
    return "" if value is None else f"{value:.4f}"
