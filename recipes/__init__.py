"""Keras recipes that mirror four slide decks on deep learning; `python -m recipes list` has all."""


def __getattr__(name):
    if name == "check_head":  # looked up lazily: importing `recipes` must not import Keras
        from recipes.common.head_check import check_head

        return check_head
    raise AttributeError(f"module 'recipes' has no attribute {name!r}")
