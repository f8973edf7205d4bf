"""`python -m recipes copy RECIPE FOLDER`: copy a recipe and our modules it imports to a project."""

import ast
import codecs
import contextlib
import importlib.metadata
import os
import pathlib
import re
import shlex
import sys
import tempfile

from recipes._runner import copy_extras
from recipes._runner import recipe as recipe_module
from recipes._runner.arguments import expanded, expanded_path
from recipes._runner.errors import UserError
from recipes._runner.run_command import (
    add_data_arguments,
    add_training_arguments,
    refuse_data_arguments,
)

PACKAGES = ("layers", "recipes")  # ours; other imports come from a package registry
DISTRIBUTIONS = {
    "PIL": "pillow",
    "grpc": "grpcio",
    "keras_tuner": "keras-tuner",
    "sklearn": "scikit-learn",
    "tensorflow_datasets": "tensorflow-datasets",
}
# Undeclared dependencies: a backend for Keras, and imports of TFDS while it prepares data.
ALSO = {
    "keras": ["tensorflow"],
    "keras-tuner": ["tensorflow"],
    "tensorflow-datasets": ["tensorflow", "importlib-resources"],
}
PYTHON = ">=3.11,<3.14"  # versions with TensorFlow wheels


def add_arguments(parser):
    parser.add_argument("recipe", type=expanded, help="such as cnn_mnist")
    parser.add_argument("folder", type=expanded_path, help="where to; made if it is not there")
    parser.add_argument("--with-figures", action="store_true", help="the code of its pictures, too")
    parser.add_argument(
        "--force", action="store_true", help="replace files that are there and differ"
    )
    add_data_arguments(parser)
    add_training_arguments(parser)
    parser.add_argument(
        "--variant", metavar="NAME", help="with --data, one of the recipe's variants"
    )


def main(options):
    recipe = recipe_module.find(options.recipe)
    folder = options.folder
    names = own_names(recipe, folder)
    if options.data:
        files, requirements = contents_for_own(recipe, names, options)
    else:
        refuse_data_arguments(options)
        for flag in ("early_stopping", "class_weights", "variant"):
            if getattr(options, flag):
                word = "--" + flag.replace("_", "-")
                raise UserError(f"{word} is for a copy with --data; the README of others says how")
        files, requirements = contents(recipe, names, options.with_figures)
    place(files, folder, options.force, requirements)
    modules = [name for name in files if pathlib.Path(name).name != "__init__.py" and "/" in name]
    beside = f" with {', '.join(modules)}" if modules else ""
    print(f"{folder / recipe.path.name}{beside}")
    print(f"cd {shlex.quote(str(folder))} && uv run {recipe.path.name}")
    print(
        "or, in an environment of yours:  pip install -r requirements.txt && python "
        f"{recipe.path.name}"
    )
    print(f"{names['README.md']} says how to use what it saves")
    return 0


def contents_for_own(recipe, names, options):
    """As `contents`, for a copy that reads the user's data; prints what was found."""
    from recipes._runner import quiet

    quiet.import_tensorflow()
    from recipes._runner import copy_own, own_data, own_kinds

    module = recipe.module
    variants = getattr(module, "VARIANTS", {})
    if options.variant and options.variant not in variants:
        raise UserError(f"--variant {options.variant}: there are {', '.join(variants) or 'none'}")
    if options.skip_broken:
        raise UserError(
            "--skip-broken: a copy reads all that is there; move what is broken away, and name "
            "columns with --leave-out"
        )
    settings = dict(variants.get(options.variant) or {})
    own = own_data.load(recipe, module, options, settings)
    if options.class_weights and own.form in own_kinds.BY_CHANCE:
        raise UserError(f"--class-weights: {recipe.name} learns {own_kinds.TOLD[own.form]}")
    print("\n".join(own.lines))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, recipe.path.name)
        path.write_text(copy_own.source(recipe, module, own, options), encoding="utf8")
        return contents(recipe_module.Recipe(recipe.name, recipe.chapter, path), names)


def marks(recipe):
    """Texts that occur only in this recipe's README and `predict.py`."""
    return {
        "README.md": f"# {recipe.name}\n",
        "predict.py": f"the network of {recipe.name}.py makes",
    }


def own_names(recipe, folder):
    """Names for README and `predict.py`: after the recipe if the folder already has others."""
    names = {}
    for name, mark in marks(recipe).items():
        path, ours = folder / name, False
        with contextlib.suppress(OSError):
            ours = mark in path.read_text(encoding="utf8", errors="replace")
        names[name] = (
            name if ours or not path.exists() else f"{path.stem}_{recipe.name}{path.suffix}"
        )
    return names


def contents(recipe, names=None, with_figures=False):
    """A copy's files as `{relative path: bytes}`, and requirements as `["keras==3.15.1", …]`.

    Args:
        recipe: The recipe to copy.
        names: `{"README.md": …, "predict.py": …}`, their names in the copy.
        with_figures: Whether to add the code of its pictures.
    """
    names = names or {name: name for name in marks(recipe)}
    scripts = {recipe.path.name: recipe.path.read_bytes()}
    used = copy_extras.use(recipe)
    if used.kind:
        scripts[names["predict.py"]] = copy_extras.predict(
            recipe, used, names["predict.py"]
        ).encode()
    modules = {}
    if with_figures and recipe.figures_path.exists():
        modules[f"{recipe.name}_figures.py"] = figures_source(recipe).encode()

    files, outside = {}, set()
    waiting = [(code, None) for code in (scripts | modules).values()]
    while waiting:
        code, package = waiting.pop()
        for name in imported(code, package):
            if name.partition(".")[0] not in PACKAGES:
                outside.add(name.partition(".")[0])
                continue
            # `recipes` itself exports `check_head`, from another module.
            if name == "recipes.check_head":
                source = (recipe_module.ROOT / "__init__.py").read_bytes()
                files["recipes/__init__.py"] = source
                waiting.append((source, "recipes"))
            for path, relative in module_files(name):
                if relative in files:
                    continue
                # Otherwise `recipes` is only the parent package of the folders below it.
                files[relative] = b"" if relative == "recipes/__init__.py" else path.read_bytes()
                waiting.append((files[relative], relative.rpartition("/")[0].replace("/", ".")))
                files |= data_files(path, relative)
    if reads_results(recipe):
        files["recipes/results.csv"] = (recipe_module.ROOT / "results.csv").read_bytes()
    requirements = pinned(outside - {recipe.name})
    head = header(requirements).encode()
    script = names["predict.py"] if used.kind else None
    readme = copy_extras.readme(recipe, used, script, next(iter(modules), None))
    files = dict(sorted(files.items())) | modules | {names["README.md"]: readme.encode()}
    return files | {name: head + code for name, code in scripts.items()}, requirements


def figures_source(recipe):
    """The code of a recipe's pictures, adapted to import the copy of the recipe beside it."""
    source = recipe.figures_path.read_text(encoding="utf8")
    package, name = re.escape(f"recipes.{recipe.chapter}"), recipe.name
    source = re.sub(
        rf"^from {package} import {name}( as \w+)?$",
        rf"import {name}\1",
        source,
        flags=re.MULTILINE,
    )
    return re.sub(
        rf"^from {package}\.{name} import", f"from {name} import", source, flags=re.MULTILINE
    )


def imported(code, package):
    """Full names of the modules that a source imports, including names that may be modules.

    Args:
        code: The source.
        package: Its package, for relative imports.
    """
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module
            if node.level:
                above = package.split(".")
                base = ".".join(
                    [*above[: len(above) - node.level + 1], *filter(None, [node.module])]
                )
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def module_files(name):
    """`(path, path inside the project)` of our module and of its existing parent packages."""
    root = recipe_module.ROOT.parent
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        inner = "/".join(parts[:length])
        for relative in (f"{inner}/__init__.py", f"{inner}.py"):
            if (root / relative).is_file():
                yield root / relative, relative


def data_files(path, relative):
    """The data files of a package of `recipes.common`, such as weights and their license."""
    if path.name != "__init__.py" or path.parent.parent != recipe_module.ROOT / "common":
        return {}
    folder = relative.rpartition("/")[0]
    beside = [each for each in sorted(path.parent.iterdir()) if each.is_file()]
    return {f"{folder}/{each.name}": each.read_bytes() for each in beside if each.suffix != ".py"}


def reads_results(recipe):
    """Whether a recipe reads the table of measured results: it names the file."""
    constants = [node for node in ast.walk(recipe.tree) if isinstance(node, ast.Constant)]
    return "results.csv" in {node.value for node in constants}


def pinned(modules):
    """The requirements for these modules, at the tested versions."""
    names = {
        canonical(DISTRIBUTIONS.get(module, module))
        for module in modules - set(sys.stdlib_module_names)
    }
    for name in sorted(names):
        names.update(ALSO.get(name, ()))
    versions = constraints()
    return [f"{name}=={versions[name]}" if name in versions else name for name in sorted(names)]


def canonical(name):
    """A distribution's normalized name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def constraints():
    """`{name: version}` of `constraints.txt`, or outside a checkout, of the installed packages."""
    path = recipe_module.ROOT.parent / "constraints.txt"
    if not path.exists():
        return {
            canonical(found.metadata["Name"]): found.version
            for found in importlib.metadata.distributions()
        }
    lines = re.findall(
        r"^([\w.-]+)(?:\[.*\])?==([^\s;#]+)", path.read_text(encoding="utf8"), re.MULTILINE
    )
    return {canonical(name): version for name, version in lines}


def header(requirements):
    """Script metadata from which `uv run` and `pipx run` create an environment (PEP 723)."""
    dependencies = "".join(f'#     "{requirement}",\n' for requirement in requirements)
    return (
        f'# /// script\n# requires-python = "{PYTHON}"\n'
        f"# dependencies = [\n{dependencies}# ]\n# ///\n"
    )


def place(files, folder, force, requirements):
    """Write the files into the folder, replacing files only after all have been written.

    Raises:
        UserError: if the folder cannot be written, or contains different files of these names and
            `force` is not given.
    """
    root, target = recipe_module.ROOT.parent, folder.resolve()
    ours = [root / name for name in (*PACKAGES, "tests")]
    if target == root or any(target.is_relative_to(package) for package in ours):
        raise UserError(
            f"{folder} is this project itself; copy to a folder of your own, such as ../mine"
        )
    try:
        taken = [
            name
            for name in files
            if (folder / name).exists() and (folder / name).read_bytes() != files[name]
        ]
        if taken and not force:
            them = "it" if len(taken) == 1 else "them"
            raise UserError(f"{folder} has another {', '.join(taken)}; --force replaces {them}")
        files = files | {"requirements.txt": completed(folder / "requirements.txt", requirements)}
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".copy-", dir=folder) as temporary:
            for name, content in files.items():
                path = pathlib.Path(temporary, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            for name in files:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(pathlib.Path(temporary, name), folder / name)
    except OSError as error:
        raise UserError(f"cannot write {error.filename or folder}: {error.strerror}") from None


BOMS = {codecs.BOM_UTF8: "utf8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def completed(path, requirements):
    """A requirements file with the missing ones appended, in its own encoding.

    Raises:
        UserError: if the file has an encoding that pip cannot read either.
    """
    present = path.read_bytes() if path.exists() else b""
    text, encoding = decoded(present, path)
    lines = re.split(r"\r\n|\r|\n", text)
    names = {canonical(re.match(r"[\w.-]*", line.strip()).group()) for line in lines}
    lacking = [line for line in requirements if line.partition("==")[0] not in names]
    end = "\r\n" if "\r\n" in text else "\n"
    if lines[-1]:
        lacking.insert(0, "")  # the last line has no line break
    added = end.join([*lacking, ""]) if lacking else ""
    return present + added.encode(encoding)


def decoded(content, path):
    """`(text, encoding)` of requirements: by byte order mark, as pip, or UTF-8 or Latin-1."""
    mark = next((mark for mark in BOMS if content.startswith(mark)), b"")
    encoding = BOMS.get(mark, "utf8")
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        text, encoding = content.decode("latin-1"), "latin-1"
    if "\0" in text:
        raise UserError(
            f"{path} is no text in UTF-8, Latin-1, or UTF-16 with its mark; save it in UTF-8"
        )
    return text, encoding
