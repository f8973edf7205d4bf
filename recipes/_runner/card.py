"""The README.md that lies beside each saved model: what it is, its scores, how to load it."""

from recipes._runner import output
from recipes._runner.output import write_atomically


def write(recipe, plan, result, folder):
    """The card of one trained network, from its metrics."""
    metrics, baseline = result.metrics, result.metrics["baseline"]
    own_classes = "keras.saving.register_keras_serializable" in recipe.path.read_text(encoding="utf8")
    uses_layers = "from layers" in recipe.path.read_text(encoding="utf8")
    load = ["import keras", ""]
    if own_classes or uses_layers:
        module = f"recipes.{recipe.chapter}.{recipe.name}" if recipe.chapter else recipe.name
        load.insert(1, f"import {module}  # its layers and classes, needed for loading")
    load.append('model = keras.saving.load_model("model.keras")')
    write_atomically(folder / "README.md", "\n".join([
        f"# {recipe.name}" + (f" – {metrics['variant']}" if metrics["variant"] else ""),
        "",
        recipe.title,
        *warning(plan),
        "",
        f"| {metrics['split']} set | this network | {metrics['baseline_name'] or 'baseline'} |",
        "|---|---|---|",
        *(f"| {name} | {score:.4f} | {shown(baseline.get(name))} |" for name, score in metrics["scores"].items()),
        "",
        f"{metrics['parameters']:,} parameters; best epoch {metrics['best_epoch']} of {metrics['epochs']}, chosen on "
        f"validation; {metrics['fit_seconds']:.0f} s of training on {metrics['hardware']}; seed {metrics['seed']}.",
        f"Made by `{command(recipe, plan)}` with Keras {metrics['versions']['keras']} on TensorFlow "
        f"{metrics['versions']['tensorflow']}.",
        "",
        "```python",
        *load,
        "```",
        "",
        *pictures(folder),
    ]) + "\n")  # fmt: skip


def write_variants(recipe, plan, results, folder):
    """The card of a comparison: one line a variant."""
    first = next(iter(results.values())).metrics
    names, baseline = list(first["scores"]), first["baseline"]
    write_atomically(folder / "README.md", "\n".join([
        f"# {recipe.name}",
        "",
        recipe.title,
        *warning(plan),
        "",
        "| variant | parameters | " + " | ".join(names) + " |",
        "|---" * (len(names) + 2) + "|",
        *(
            f"| [{variant}]({variant}/README.md) | {result.metrics['parameters']:,} | "
            + " | ".join(shown(result.metrics["scores"].get(name)) for name in names)
            + " |"
            for variant, result in results.items()
        ),
        f"| {first['baseline_name'] or 'baseline'} | | " + " | ".join(shown(baseline.get(n)) for n in names) + " |",
        "",
        f"Made by `{command(recipe, plan)}`.",
        "",
        *pictures(folder),
    ]) + "\n")  # fmt: skip


def write_without_training(recipe, folder):
    """The card of a recipe that only computes and draws."""
    text = [f"# {recipe.name}", "", recipe.title, "", f"Made by `{output.command('run', recipe)}`.", ""]
    write_atomically(folder / "README.md", "\n".join([*text, *pictures(folder)]) + "\n")


def command(recipe, plan):
    """The line that makes this again."""
    flags = ["--epochs", str(plan.epochs), "--seed", str(plan.seed)] + ["--deterministic"] * plan.deterministic
    for name, value in plan.arguments.items():
        flags += ["--set", f"{name}={value}"]
    flags += ["--smoke"] * plan.smoke + ["--stand-in"] * ("stand-in" in plan.data.values() and not plan.smoke)
    return output.command("run", recipe, flags)


def warning(plan):
    stand_ins = [name for name, kind in plan.data.items() if kind == "stand-in"]
    return (
        ["", f"**Stand-in data ({', '.join(stand_ins)}): not comparable with results on the real set.**"]
        if stand_ins
        else []
    )


def pictures(folder):
    return [f"![{path.stem}]({path.name})" for path in sorted(folder.glob("*.png")) + sorted(folder.glob("*.gif"))]


def shown(value):
    return "" if value is None else f"{value:.4f}"
