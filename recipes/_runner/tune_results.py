"""What `tune` does after a search: train the winner, compare, average, and write it down."""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import textwrap

from recipes._runner import output
from recipes._runner.errors import UserError
from recipes._runner.run_command import own_name, shown
from recipes._runner.search_objective import defaults_built
from recipes._runner.search_reporter import brief
from recipes._runner.worker_pool import visible_gpus
from recipes.tuning import storage

PROGRAM = [sys.executable, "-m", "recipes"]


def typed(options, fresh=False):
    """The command line as it was typed, without --fresh unless that is still to be done."""
    words = [word for word in sys.argv[1:] if fresh or not word.startswith("--fr")]
    return shlex.join(["python", "-m", "recipes", *words])


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
    if "ensemble" not in metrics:
        remove_older_ensemble(place)
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


def remove_older_ensemble(place):
    """Remove the ensemble of an earlier search.

    Its networks are not those of the new winner beside it, and may even have other classes.
    """
    older = place / "ensemble"
    if older.exists():
        print(f"Removing {shown(older)}, which was of an earlier search.")
        shutil.rmtree(older)


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
