"""A search's best networks as one Keras model that averages what they answer: `tune --ensemble K`.

Networks that err differently err less together, so the members are different trials, and each is
trained with another seed. They are chosen by their scores on validation; the test set is looked at
once, by the average.
"""

import keras

from recipes._runner import arguments, card, card_snippet, devices, output, training
from recipes._runner.errors import UserError
from recipes.common import head_check, head_look
from recipes.tuning import storage

# What the metrics of an ensemble have in common with those of its first member.
COMMON = ("recipe", "variant", "data", "split", "metric", "task", "classes", "columns")
COMMON += ("reading", "precision", "hardware", "versions")
# What is told of each member.
MEMBERS = ("arguments", "class_weights", "seed", "epochs", "validation")


def refuse(name, model):
    """Raises a UserError for a recipe whose networks have no answers that could be averaged."""
    if devices.own_training(model):
        raise UserError(
            f"--ensemble: {name} has a training step of its own: what is to be averaged?"
        )
    if len(getattr(model, "outputs", None) or ()) != 1:
        raise UserError(f"--ensemble: the network of {name} has not one output to be averaged")


def choose(rows, count, module, plan):
    """A leaderboard's best trials with different values, all of them reading the winner's data.

    What `load_data` takes may change the inputs, and an average has one input; only the size of
    the batches may differ.

    Args:
        rows: The leaderboard.
        count: How many, at most.
        module: The recipe.
        plan: The `SearchPlan`.
    """
    chosen, values, data = [], [], []
    for row in rows:
        given = {**plan.defaults, **row["hyperparameters"], **plan.fixed}
        read, _ = arguments.split(module, given)
        read.pop("batch_size", None)
        if row["rank"] is None or given in values or (data and read != data[0]):
            continue
        chosen.append(row)
        values.append(given)
        data.append(read)
    return chosen[:count]


def average(members):
    """One model with the inputs of its members, and the mean of their probabilities or numbers.

    Members that answer with logits are averaged as probabilities, and so is the answer: logits.

    Args:
        members: Compiled networks with the same inputs and one output of the same shape.

    Returns:
        A functional model, compiled as the first member; not to be trained.

    Raises:
        UserError: if inputs or outputs of the members differ.
    """
    first = members[0]
    shapes = [keras.tree.map_structure(shape, [taken(each), each.outputs]) for each in members]
    if any(each != shapes[0] for each in shapes):
        raise UserError("no ensemble: the inputs or outputs of the best networks differ in shape")
    loss, options = head_look.resolve_loss(first.loss, (None,), first.output_shape)
    logits = options.get("from_logits", False)
    distribution = head_check.LOSSES.get(loss) == "distribution"

    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name),
        taken(first),
    )
    answers = []
    for number, member in enumerate(members, start=1):
        # Its layers without its optimizer.
        network = keras.Model(taken(member), member.outputs[0], name=f"member_{number}")
        answer = network(inputs)
        if logits:
            answer = keras.layers.Activation("softmax" if distribution else "sigmoid")(answer)
        answers.append(answer)
    mean = keras.layers.Average(dtype="float32")(answers)
    if logits:
        smallest = keras.config.epsilon()
        other = 1 if distribution else keras.ops.maximum(1 - mean, smallest)
        mean = keras.ops.log(keras.ops.maximum(mean, smallest) / other)
    model = keras.Model(inputs, mean, name="ensemble")
    model.trainable = False  # so it needs no state of an optimizer
    model.compile_from_config(first.get_compile_config())
    return model


def taken(model):
    """What a network takes: one symbolic tensor, or several as it names them."""
    return model.inputs[0] if isinstance(model, keras.Sequential) else model.input


def shape(tensor):
    return tensor.shape, keras.backend.standardize_dtype(tensor.dtype)


def make(module, rows, folders, folder):
    """Average trained networks, test the average once, and save it with its metrics.

    Args:
        module: What was searched, with the user's data if that was searched on.
        rows: The members' rows of the leaderboard, the winner first.
        folders: Where the members were trained, in the same order.
        folder: Where to save; made if need be.

    Returns:
        The metrics, and the model.
    """
    measured = [storage.load_json(each / "metrics.json") for each in folders]
    members = [keras.saving.load_model(each / "model.keras") for each in folders]
    model = average(members)
    winner = measured[0]
    load_arguments, _ = arguments.split(module, winner["arguments"])
    _, validation, test = (
        training.without_autotune(data) for data in module.load_data(**load_arguments)
    )
    held_out = test if winner["split"] == "test" else validation
    tested = model.evaluate(held_out, return_dict=True, verbose=0)
    metrics = {name: winner[name] for name in COMMON if name in winner}
    metrics["scores"] = {name: float(value) for name, value in tested.items()}
    for count in ("parameters", "trainable_parameters"):
        metrics[count] = sum(each[count] for each in measured)
    metrics["members"] = []
    for row, each in zip(rows, measured, strict=True):
        member = {name: each[name] for name in MEMBERS}
        metrics["members"].append({"trial": int(row["trial"]) + 1, "score": row["score"]} | member)

    folder.mkdir(parents=True, exist_ok=True)
    training.save(model, folder / "model.keras")
    if hasattr(module, "deployed"):
        training.save(module.deployed(model), folder / "deployed.keras")
    output.write_json(folder / "metrics.json", training.without_nan(metrics))
    return metrics, model


def write_card(recipe, plan, model, metrics, made_by, folder):
    """The README.md beside an ensemble.

    Args:
        recipe: What was searched.
        plan: The `SearchPlan`.
        model: The average.
        metrics: Of `defaults`, `tuned` and `ensemble`.
        made_by: The command.
        folder: Where the ensemble lies.
    """
    of = metrics["ensemble"]
    members = of["members"]
    searched = list(dict.fromkeys(name for member in members for name in member["arguments"]))
    weighed = any(member["class_weights"] for member in members)
    searched += ["class_weights"] * weighed
    rows = []
    for name, score in of["scores"].items():
        others = [metrics["tuned"]["baseline"].get(name)]
        others += [metrics[label]["scores"].get(name) for label in ("defaults", "tuned")]
        rows.append(f"| {name} | {' | '.join(map(card.shown, [*others, score]))} |")
    told = []
    for member in members:
        known = {"class_weights": member["class_weights"] or "none"} | member["arguments"]
        values = [str(known.get(name, "")) for name in searched]
        cells = [str(member["trial"]), f"{member['score']:.4f}", str(member["seed"]), *values]
        told.append(f"| {' | '.join(cells)} |")
    what = "numbers" if "regression" in (of["task"] or "") else "probabilities"
    storage.write(folder / "README.md", "\n".join([
        f"# {recipe.name} – ensemble",
        "",
        recipe.title,
        *card.warning(plan),
        "",
        f"The mean of the {what} of {len(members)} networks: the best distinct trials of a search "
        f"by `{plan.objective[0]}` on the validation set. Each was trained once more, with a "
        "seed of "
        "its own, so that they err differently; the first is [the winner](../tuned).",
        "",
        f"| {of['split']} set | {metrics['tuned']['baseline_name'] or 'baseline'} | "
        "[defaults](../tuned/defaults) | [winner](../tuned) | this ensemble |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"{card.parameters(of)}. Made by `{made_by}` with Keras {of['versions']['keras']} on "
        f"TensorFlow {of['versions']['tensorflow']}.",
        "",
        f"| trial | {plan.objective[0]} | seed | {' | '.join(searched)} |",
        "|---" * (3 + len(searched)) + "|",
        *told,
        "",
        "```python",
        *card.loading(recipe, folder, of),
        *card_snippet.lines(recipe, model, (folder / "deployed.keras").exists(), of),
        "```",
    ]) + "\n")  # fmt: skip
