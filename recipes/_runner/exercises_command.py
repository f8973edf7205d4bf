"""`python -m recipes exercises [CHAPTER]`: which exercises are right, still to do, or off.

The exercises of a chapter are in `recipes/<chapter>/exercises/`, each a script that checks itself;
without a chapter, the number of solved exercises of each chapter is shown.
"""

import contextlib
import difflib
import io
import runpy

from recipes._runner import quiet
from recipes._runner.errors import UserError
from recipes._runner.recipe import CHAPTERS, ROOT
from recipes._runner.run_command import shown
from recipes.common.exercise import OFF, RIGHT, TO_DO

EXERCISES = "exercises"
SOLUTIONS = "exercises/solutions"


def add_arguments(parser):
    parser.add_argument("chapter", nargs="?", help="perceptrons, heads …; all of them without it")
    parser.add_argument("--solutions", action="store_true", help="run the solutions instead")


def main(options):
    chapters = [chapter for chapter in CHAPTERS if files(chapter)]
    if options.chapter is None:
        quiet.import_tensorflow()
        show_chapters(chapters, options.solutions)
        return
    chapter = options.chapter.replace("-", "_").lower()
    if chapter not in chapters:
        near = difflib.get_close_matches(chapter, chapters, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(chapters)}"
        raise UserError(f"no chapter with exercises is called {options.chapter!r}; {hint}")
    quiet.import_tensorflow()
    show_chapter(chapter, options.solutions)


def files(chapter, solutions=False):
    """The exercises of a chapter, or their solutions, in order."""
    return sorted((ROOT / chapter / (SOLUTIONS if solutions else EXERCISES)).glob("[0-9]*.py"))


def title(path):
    """The first line of an exercise's docstring."""
    return path.read_text(encoding="utf8").partition("\n")[0].strip('"')


def outcomes(path):
    """The results of an exercise's checks, without their output: a list of `RIGHT`, `OFF`, `TO_DO`.

    A file that does not run is `[OFF]`.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            return runpy.run_path(str(path))["main"]()
        except (Exception, SystemExit):  # a student's file may contain anything
            return [OFF]


def verdict(said):
    """The state of an exercise: `RIGHT` if all its checks are, `OFF` if one is, else `TO_DO`."""
    if OFF in said:
        return OFF
    return TO_DO if TO_DO in said else RIGHT


def show_chapter(chapter, solutions):
    """Print a line for each exercise of a chapter, and which one to do next."""
    paths = files(chapter, solutions)
    width = max(len(path.stem) for path in paths)
    unsolved = []
    for path in paths:
        said = outcomes(path)
        result = verdict(said)
        if result != RIGHT:
            unsolved.append(path)
        count = f"{said.count(RIGHT)} of {len(said)}"
        print(f"{path.stem:<{width}}  {result:<11}  {count:>8}  {title(path)}")
    if unsolved:
        print(f"\nNext: .venv/bin/python {shown(unsolved[0])}")


def show_chapters(chapters, solutions):
    """Print the number of solved exercises of each chapter."""
    width = max(map(len, chapters))
    for chapter in chapters:
        paths = files(chapter, solutions)
        solved = [path for path in paths if verdict(outcomes(path)) == RIGHT]
        print(f"{chapter:<{width}}  {len(solved)} of {len(paths)} solved")
    print("\nThose of one chapter: make exercises CHAPTER=perceptrons")
