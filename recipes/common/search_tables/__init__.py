"""Tables of `search_comparison`: scores of trained points, and the searches replayed on them."""

import pathlib

FOLDER = pathlib.Path(__file__).parent
