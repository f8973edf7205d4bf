"""A recipe as notebook cells: docstrings and comments as text, `main()` step by step, pictures."""

import ast
import re
import textwrap
import typing

SECTIONS = ("Args", "Returns", "Raises", "Yields")  # of a docstring, with indented entries


class Cell(typing.NamedTuple):
    """One cell.

    Args:
        kind: `"text"` or `"code"`.
        source: Markdown or Python.
    """

    kind: str
    source: str


def cells(recipe, note=""):
    """All cells of a recipe.

    Args:
        recipe: The recipe.
        note: A paragraph below its docstring.
    """
    head = [Cell("text", "\n\n".join(filter(None, [title(recipe), made_from(recipe), note])))]
    has_pictures = recipe.figures_path.exists()
    code = [*definitions(recipe.source), *steps(recipe.source, has_pictures)]
    return head + code + (pictures(recipe) if has_pictures else [])


def title(recipe):
    """The docstring, its first line as a heading."""
    first, _, rest = recipe.docstring.partition("\n")
    return f"# {first}\n\n{markdown(rest)}".strip()


def made_from(recipe):
    place = f"recipes/{recipe.chapter}/{recipe.name}.py" if recipe.chapter else recipe.path.name
    return f"Made from `{place}` by `make notebook-{recipe.slug}`."


def markdown(docstring):
    """A docstring as Markdown: fields (`Slides:`) as lines in bold; sections as lists."""
    blocks = []
    for block in re.split(r"\n\s*\n", docstring.strip("\n")):
        lines = textwrap.dedent(block).splitlines()
        section = lines[0].rstrip(":") if lines and lines[0].endswith(":") else ""
        if section in SECTIONS:
            blocks.append(f"**{section}**\n\n{entries(lines[1:])}")
        else:
            blocks.append(fields(lines))
    return "\n\n".join(filter(None, blocks))


def entries(lines):
    """Lines `name: description` as a list; other text unchanged."""
    found = []
    for line in textwrap.dedent("\n".join(lines)).splitlines():
        entry = re.match(r"([\w*]+): (.*)", line)
        if entry:
            found.append(f"- `{entry.group(1)}`: {entry.group(2)}")
        elif line.startswith(" ") and found:
            found[-1] += f" {line.strip()}"
        else:
            found.append(line.strip())
    return "\n".join(found)


def fields(lines):
    """Lines of text; `Slides:`, `Needs:` and `Departs from …:` each start a new line."""
    found = []
    for line in lines:
        field = re.match(r"([A-Z][\w ]*):\s+(.*)", line)
        known = ("Slides", "Paper", "Needs")
        if field and (field.group(1) in known or field.group(1)[:7] == "Departs"):
            found.append(f"- **{field.group(1)}:** {field.group(2)}")
        elif found and found[-1].startswith("- "):
            found[-1] += f" {line.strip()}"
        else:
            found.append(line.strip())
    return "\n".join(found)


# The recipe


def definitions(source):
    """The top level of a module without its docstring, `main` and the call of it.

    Imports and constants share a cell; a function or class is preceded by a text cell with its name
    and docstring; comments above it are text cells.
    """
    lines = source.splitlines()
    body = ast.parse(source).body
    found, together, end = [], [], 0
    for node in body:
        first = first_line(node)
        said = comments(lines[end : first - 1])
        end = node.end_lineno
        if is_docstring(node) or getattr(node, "name", "") == "main" or is_call_of_main(node):
            continue
        defines = isinstance(node, ast.FunctionDef | ast.ClassDef)
        if (said or defines) and together:
            found.append(code(together))
            together = []
        if defines:
            docstring = markdown(ast.get_docstring(node) or "")
            heading = f"## `{node.name}`"
            found.append(Cell("text", "\n\n".join(filter(None, [heading, said, docstring]))))
            found.append(code(without_docstring(lines, node)))
            continue
        if said:
            found.append(Cell("text", said))
        is_import = isinstance(node, ast.Import | ast.ImportFrom)
        if together and not is_import and is_import_line(together[-1]):
            found.append(code(together))
            together = []
        together += lines[first - 1 : node.end_lineno]
    return found + [code(together)] * bool(together)


def is_import_line(line):
    return line.startswith(("import ", "from ", ")"))


def first_line(node):
    """The first line of a node, including its decorators."""
    return min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])


def is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def is_call_of_main(node):
    return isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)


def comments(lines):
    """The text of the comments among some lines."""
    said = [line.strip().lstrip("#").strip() for line in lines if line.strip().startswith("#")]
    return "\n".join(said)


def code(lines):
    return Cell("code", "\n".join(lines).strip("\n"))


def without_docstring(lines, node):
    """The lines of a function or class without its docstring, unless it contains nothing else."""
    kept = lines[first_line(node) - 1 : node.end_lineno]
    first = node.body[0]
    if not is_docstring(first) or len(node.body) == 1:
        return kept
    offset = first_line(node)
    before = kept[: first.lineno - offset]
    after = kept[first.end_lineno - offset + 1 :]
    while after and not after[0].strip():
        del after[0]
    return before + after


def steps(source, keep):
    """The body of `main()` in steps: a new cell after each comment, and after each training.

    Args:
        source: The recipe's source.
        keep: Whether to keep the inputs of the pictures: models, and their training histories.
    """
    lines = source.splitlines()
    main = next(node for node in ast.parse(source).body if getattr(node, "name", "") == "main")
    body = main.body[is_docstring(main.body[0]) :]
    heading = "## Train and test" if keep else "## Run"
    found = [Cell("text", f"{heading}\n\n{markdown(ast.get_docstring(main) or '')}".strip())]
    stored = {
        node.id
        for node in ast.walk(main)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    together = []
    end = main.body[0].end_lineno if is_docstring(main.body[0]) else main.lineno
    for node in body:
        said = comments(lines[end : node.lineno - 1])
        if said:
            found += [code(together)] * bool(together) + [Cell("text", said)]
            together = []
        step = textwrap.dedent("\n".join(lines[node.lineno - 1 : node.end_lineno])).splitlines()
        end = node.end_lineno
        together += keeping(node, step, stored) if keep else step
        if trains(node):
            found.append(code(together))
            together = []
    return found + [code(together)] * bool(together)


def trains(node):
    """Whether a node contains a call of `model.fit`."""
    return any(
        isinstance(inner, ast.Call) and ast.unparse(inner.func) == "model.fit"
        for inner in ast.walk(node)
    )


def keeping(node, step, stored):
    """The lines of a step of `main()`, and after a training, lines that keep its history."""
    if not trains(node):
        return step
    if not isinstance(node, ast.For):
        return [*step, "history = model.history.history"]
    name = ast.unparse(node.target.elts[0])
    before = [f"{each} = {{}}" for each in ("models", "histories") if each not in stored]
    (fit,) = [inner for inner in node.body if trains(inner)]
    cut = fit.end_lineno - node.lineno + 1
    kept = f"    histories[{name}] = model.history.history"
    return [*before, *step[:cut], kept, *step[cut:], f"    models[{name}] = model"]


# Its pictures


def pictures(recipe):
    """Cells with the code of the recipe's pictures and its call."""
    source = recipe.figures_path.read_text(encoding="utf8")
    docstring, *rest = ast.parse(source).body
    (draw,) = [node for node in rest if getattr(node, "name", "") == "figures"]
    given = ", ".join(argument.arg for argument in draw.args.args)
    helpers = "\n".join(source.splitlines()[docstring.end_lineno :])
    return [
        Cell("text", f"## Pictures\n\n{markdown(docstring.value.value)}"),
        code(of_the_notebook(helpers, recipe).splitlines()),
        Cell("code", f"drawn = figures({given})"),
    ]


def of_the_notebook(source, recipe):
    """The source of the pictures, using the names of the recipe that the notebook defines."""
    package, name = f"recipes.{recipe.chapter}", recipe.name
    found = re.search(rf"^from {package} import {name}(?: as (\w+))?$", source, re.MULTILINE)
    if found:
        alias = found.group(1) or name
        if f"{alias}.__file__" not in source:  # a notebook has none
            source = source.replace(found.group(), f"import __main__ as {alias}  # this notebook")
    own = re.compile(rf"^from {package}\.{name} import (?:\([^)]*\)|.*)\n", re.MULTILINE)
    return own.sub("", source)
