"""A search's winner as a plain Keras script: the recipe's file, the winner's values as defaults.

The source keeps its lines, comments and docstrings. What goes is the search space, the variants,
and what only the other values of a word, such as `kind="residual"`, lead to.
"""

import ast
import dataclasses
import re
import textwrap
import types

from recipes._runner import arguments, copy_own
from recipes._runner.errors import UserError
from recipes.tuning import storage

GOING = {"search_space", "VARIANTS", "WRONG"}  # unless `build_model` or `load_data` read them
WIDTH = 100  # of a line


def write(recipe, module, plan, own, values, model, seed, folder):
    """Write `winner.py` into the folder of a search.

    Args:
        recipe: What was searched.
        module: Its module, with the user's data if that was searched on.
        plan: The `SearchPlan`.
        own: The user's data, an `OwnData`; or None.
        values: The winner's, `{argument: value}`.
        model: The winner's network, compiled.
        seed: Of its training.
        folder: Of the search.

    Raises:
        UserError: if plain Keras cannot read the user's data.
    """
    plan = dataclasses.replace(plan, class_weights=arguments.class_weights(values))
    if own:
        if plan.own.get("skip_broken"):
            raise UserError(
                "a script reads all that is there; instead of --skip-broken move what is broken "
                "away, and name columns with --leave-out"
            )
        options = types.SimpleNamespace(
            variant=plan.variant,
            encoding=plan.own.get("encoding"),
            early_stopping=None,
            class_weights=plan.class_weights,
        )
        text = copy_own.source(recipe, recipe.module, own, options)
    else:
        text = recipe.source
        if needs_main(text, plan):
            text = replaced(text, "main", main(recipe, module, plan, model))
            text = with_numpy(text)
    text = with_values(text, values, plan.epochs)
    before = names_of_arguments(text)
    text = folded(text)
    text = reached(text)
    text = recounted(text, model, before - names_of_arguments(text))
    text = settled(text, seed, plan.precision)
    storage.write(folder / "winner.py", titled(text, plan, values))


# Editing source


def parsed(text):
    """The source as `copy_own` takes a recipe."""
    return types.SimpleNamespace(source=text, tree=ast.parse(text))


def function(text, name):
    """The top-level function of that name, or None."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    return None


def edited(text, changes):
    """Text with pieces replaced: `[((line, column), (line, column), new)]`, as in a syntax tree."""
    code = text.encode()  # columns count bytes
    starts = [0]
    for line in code.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for (line, column), (end_line, end_column), new in sorted(changes, reverse=True):
        begin, end = starts[line - 1] + column, starts[end_line - 1] + end_column
        code = code[:begin] + new.encode() + code[end:]
    return code.decode()


def begin(node):
    return node.lineno, node.col_offset


def end(node):
    return node.end_lineno, node.end_col_offset


def replaced(text, name, new):
    """The text with another top-level function of that name."""
    node = function(text, name)
    return edited(text, [(begin(node), end(node), new)])


# The winner's values


def with_values(text, values, epochs):
    """The values as defaults of `load_data` and `build_model`, and the number of epochs."""
    changes = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name in ("load_data", "build_model"):
            for argument, default in defaults(node):
                if argument.arg in values:
                    new = copy_own.literal(values[argument.arg])
                    changes.append((begin(default), end(default), new))
        elif copy_own.defined(node) == "EPOCHS":
            changes.append((begin(node.value), end(node.value), str(epochs)))
    return edited(text, changes)


def defaults(node):
    """Pairs of a function's arguments and their defaults."""
    named = node.args.args[len(node.args.args) - len(node.args.defaults) :]
    return list(zip(named, node.args.defaults, strict=True))


def names_of_arguments(text):
    """Those of `build_model`."""
    return {each.arg for each in function(text, "build_model").args.args}


def titled(text, plan, values):
    """The text with a sentence on where its values come from, at the end of the docstring."""
    node = ast.parse(text).body[0]
    told = ", ".join(f"{name}={value}" for name, value in values.items())
    said = f"The winner of a search by {plan.objective[0]}: {told}."
    said = "\n".join(textwrap.wrap(said, WIDTH))
    lines = text.splitlines(keepends=True)
    document = "".join(lines[: node.end_lineno]).rstrip().removesuffix('"""').rstrip()
    return f'{document}\n\n{said}\n"""\n' + "".join(lines[node.end_lineno :])


def recounted(text, model, gone):
    """The text with a docstring of `build_model` that is true of the winner.

    It tells the winner's number of parameters, and nothing of the arguments that are gone.
    """
    from recipes._runner import training

    node = function(text, "build_model").body[0]
    count, trainable = f"{model.count_params():,}", f"{training.trainable_parameters(model):,}"
    indent = " " * node.col_offset
    told = ast.get_source_segment(text, node).removeprefix('"""').removesuffix('"""')
    paragraphs = []
    for paragraph in told.split("\n\n"):
        sentences = re.split(r"(?<=\.)\s+(?=[A-Z`])", paragraph.strip())
        kept = []
        for sentence in sentences:
            if " parameters" in sentence and "`" in sentence:
                kept.append(f"{count} parameters.")  # instead of one number for each of several
            elif not any(f"`{name}`" in sentence for name in gone):
                kept.append(sentence)
        if kept != sentences:
            words = " ".join(kept).split()
            lines = textwrap.wrap(" ".join(words), WIDTH - node.col_offset)
            paragraph = "\n".join(indent + line for line in lines)
        if paragraph.strip():
            paragraphs.append(paragraph.rstrip())
    several = len(paragraphs) > 1 or "\n" in paragraphs[0]
    told = "\n\n".join(paragraphs).strip() + f"\n{indent}" * several
    told = re.sub(r"\d[\d,]*(?= parameters)", count, told, count=1)
    told = re.sub(r"\d[\d,]*(?= of them are trainable)", trainable, told, count=1)
    return edited(text, [(begin(node), end(node), f'"""{told}"""')])


# `main`


def needs_main(text, plan):
    """Whether `main` trains something else than the winner: variants, or with other arguments."""
    node = function(text, "main")
    if copy_own.names_in(node) & GOING or plan.class_weights:
        return True
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in (
            "load_data",
            "build_model",
        ):
            given = {keyword.arg for keyword in call.keywords}
            if call.args or not given <= set(arguments.FILLED_IN):
                return True
    return False


def main(recipe, module, plan, model):
    """The source of a `main` that trains the winner as `run` does, from the template for copies."""
    from recipes._runner import training

    own = types.SimpleNamespace(
        monitor=training.monitored(module, model),
        form="one-hot classes" if is_one_hot(model) else "classes",
        scale=hasattr(module, "deployed"),
        kind=None,
    )
    options = types.SimpleNamespace(early_stopping=None, class_weights=plan.class_weights)
    text = copy_own.main(recipe, module, own, options)
    if getattr(module, "KEEP", "best") == "last":
        text = text.replace("save_best_only=True", "save_best_only=False")
        text = text.replace("# the best epoch", "# the last epoch")
    return text


def is_one_hot(model):
    """Whether the targets of a network are one-hot classes, not numbers of classes."""
    from recipes.common import head_look

    loss, _ = head_look.resolve_loss(model.loss, (None,), model.output_shape)
    return loss == "categorical_crossentropy"


def with_numpy(text):
    """The text with an import of NumPy if it reads `np`, as a `main` that weighs classes does."""
    if "np" not in copy_own.names_in(ast.parse(text)) or "\nimport numpy as np" in text:
        return text
    return text.replace("\nimport keras\n", "\nimport keras\nimport numpy as np\n", 1)


def settled(text, seed, precision):
    """The text with the seed and the precision of the winner's training in `main`."""
    seeded = "    keras.utils.set_random_seed(0)\n"
    lines = seeded.replace("0", str(seed))
    if precision != "auto":
        lines += f'    keras.config.set_dtype_policy("{precision}")\n'
    head, found, rest = text.rpartition(seeded)
    return head + lines + rest if found else text


# Words that choose


def folded(text):
    """The text with choices made that depend only on words for `load_data` and `build_model`.

    Whether there are `classes` (None for a network that predicts a number) counts as a word. An
    `if` leaves the branch that is taken, a dictionary of choices the one that is chosen. An
    argument that nothing reads any more goes.
    """
    for name in ("load_data", "build_model"):
        words = {}
        for argument, default in defaults(function(text, name)):
            if isinstance(default, ast.Constant) and isinstance(default.value, str):
                words[argument.arg] = default.value
            elif argument.arg == "classes":
                words["classes"] = number_of_classes(text, default)
        while (after := folded_once(text, name, words)) is not None:
            text = after
        text = without_unread(text, name, words)
    return text


def number_of_classes(text, default):
    """The value of a default that is `None`, a number, or `len(CLASSES)` as in a copy."""
    known = {copy_own.defined(each): each for each in ast.parse(text).body}
    if isinstance(default, ast.Constant):
        return default.value
    return len(ast.literal_eval(known["CLASSES"].value))


def folded_once(text, name, words):
    """The text with one choice made in the function; None if there is none to make.

    Args:
        text: The source.
        name: Of the function.
        words: `{argument: value}` of those that choose.
    """
    node = function(text, name)
    constants = dict(words)
    for each in ast.walk(node):  # what is assigned to is no constant
        if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load):
            constants.pop(each.id, None)
    dictionaries = {
        copy_own.defined(each): each.value
        for each in ast.parse(text).body
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Dict)
    }
    for each in ast.walk(node):
        if isinstance(each, ast.If) and is_known(each.test, constants):
            after = without_choice(text, each, value_of(each.test, constants))
            if after is not None:
                return after
        if isinstance(each, ast.IfExp) and is_known(each.test, constants):
            taken = each.body if value_of(each.test, constants) else each.orelse
            return edited(text, [(begin(each), end(each), ast.get_source_segment(text, taken))])
        if isinstance(each, ast.Subscript) and is_known(each.slice, constants):
            choices = each.value
            if isinstance(choices, ast.Name):
                choices = dictionaries.get(choices.id)
            key = value_of(each.slice, constants)
            for known, taken in pairs(choices):
                if known == key:
                    new = ast.get_source_segment(text, taken)
                    return edited(text, [(begin(each), end(each), new)])
    return None


def pairs(node):
    """`(key, value)` of a dictionary whose keys are all written out; of anything else, none."""
    if not isinstance(node, ast.Dict) or not all(
        isinstance(key, ast.Constant) for key in node.keys
    ):
        return []
    return [(key.value, value) for key, value in zip(node.keys, node.values, strict=True)]


def is_known(test, constants):
    """Whether an expression depends on the constants, and on nothing else."""
    parts = (ast.Name, ast.Constant, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Tuple, ast.List)
    parts += (ast.boolop, ast.unaryop, ast.cmpop, ast.expr_context)
    nodes = list(ast.walk(test))
    names = {each.id for each in nodes if isinstance(each, ast.Name)}
    return bool(names) and names <= set(constants) and all(isinstance(n, parts) for n in nodes)


def value_of(test, constants):
    code = compile(ast.Expression(test), "<test>", "eval")
    return eval(code, {"__builtins__": {}}, constants)


def without_choice(text, node, taken):
    """The text with an `if` replaced by the branch taken; None where that would not be the same."""
    lines = text.split("\n")
    first, last = node.lineno, node.end_lineno
    if lines[first - 1].lstrip().startswith("elif"):
        return None
    if taken:
        branch, statements = lines[node.test.end_lineno : node.body[-1].end_lineno], node.body
    elif node.orelse:
        start = node.orelse[0].lineno - 1
        while not lines[start].lstrip().startswith(("elif", "else:")):
            start -= 1
        branch, statements = lines[start:last], node.orelse
        if branch[0].lstrip().startswith("elif"):
            branch[0] = branch[0].replace("elif", "if", 1)
        else:
            branch = branch[1:]
    else:
        branch, statements = [], []
        while lines[first - 2].lstrip().startswith("#"):  # what is said of it goes, too
            first -= 1
    if branch:
        moved = textwrap.dedent("\n".join(branch))
        branch = textwrap.indent(moved, " " * node.col_offset).split("\n")
    after = "\n".join([*lines[: first - 1], *branch, *lines[last:]])
    try:
        found = [ast.dump(each) for each in ast.walk(ast.parse(after))]
    except SyntaxError:
        return None
    # A text over several lines has been moved, too.
    return after if all(ast.dump(each) in found for each in statements) else None


def without_unread(text, name, words):
    """The text without arguments of the function that nothing in it reads and nobody gives."""
    for word in words:
        node = function(text, name)
        read = set().union(*(copy_own.names_in(each) for each in node.body))
        given = [each.arg for each in ast.walk(ast.parse(text)) if isinstance(each, ast.keyword)]
        if word in read or word in given or word not in dict(spans(node)):
            continue
        places = spans(node)
        place = [argument for argument, _ in places].index(word)
        if place + 1 < len(places):
            change = (places[place][1][0], places[place + 1][1][0], "")
        elif place:
            change = (places[place - 1][1][1], places[place][1][1], "")
        else:
            change = (*places[0][1], "")
        text = edited(text, [change])
    return text


def spans(node):
    """`(name, (begin, end))` of a function's arguments, each with its default."""
    ends = {argument.arg: end(default) for argument, default in defaults(node)}
    return [(each.arg, (begin(each), ends.get(each.arg, end(each)))) for each in node.args.args]


# What is left


def reached(text):
    """The text without the search space, the variants, and whatever nothing needs any more."""
    lasting = copy_own.LASTING - GOING
    while True:
        parts = copy_own.segments(parsed(text))
        read = [copy_own.names_in(node) for node, _ in parts]
        kept = []
        for place, (node, lines) in enumerate(parts):
            others = set().union(*read[:place], *read[place + 1 :])
            if isinstance(node, ast.Import | ast.ImportFrom):
                lines = needed_import(node, lines, others)
            elif (name := copy_own.defined(node)) and name not in others | lasting:
                lines = None
            if lines is not None:
                kept.append(lines)
        after = "\n".join(kept) + "\n"
        if after == text:
            return text
        text = after


def needed_import(node, lines, read):
    """The lines of an import, without the names that nothing reads; None if none is left."""
    if "noqa: F401" in lines:  # imported for what that does
        return lines
    used = [each for each in node.names if (each.asname or each.name.partition(".")[0]) in read]
    if not used:
        return None
    if len(used) == len(node.names):
        return lines
    node.names = used
    return ast.unparse(node)
