"""Tables of `search_comparison`: what took long to train, and the searches replayed on it."""

import pathlib

FOLDER = pathlib.Path(__file__).parent
