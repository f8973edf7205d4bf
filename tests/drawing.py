"""Pictures for tests that only want them drawn."""

import itertools

import matplotlib.pyplot as plt
from matplotlib.animation import FuncAnimation
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from recipes._runner import figures


def unmarked(axis):
    """Finds the places of an axis' numbers, and writes these out, but draws no marks there."""
    axis.major.formatter.format_ticks(axis.get_majorticklocs())
    return []


def coarsely(monkeypatch):
    """Few dots, each picture drawn once: nothing is measured to find room for titles and labels.

    Axes have no numbers, which are a third of what is drawn. Animations have two frames.
    """
    style = figures.use_style
    coarse = {"figure.dpi": 25, "savefig.dpi": 25, "axes.titley": 1.0}
    for side in ("xtick.bottom", "xtick.labelbottom", "ytick.left", "ytick.labelleft"):
        coarse[side] = False
    monkeypatch.setattr(figures, "use_style", lambda: (style(), plt.rcParams.update(coarse)))
    monkeypatch.setattr(Axis, "_update_ticks", unmarked)
    monkeypatch.setattr(Figure, "get_layout_engine", lambda figure: None)
    frames = FuncAnimation.new_saved_frame_seq
    monkeypatch.setattr(
        FuncAnimation, "new_saved_frame_seq", lambda moving: itertools.islice(frames(moving), 2)
    )
