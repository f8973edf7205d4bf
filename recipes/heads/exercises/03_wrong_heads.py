"""Five wrong heads: mend what a colleague has compiled.

Slides: 001 «Last-layer activation and loss function combinations».
Recipe: wrong_heads.

Last layer and loss have to match the targets. In each of these networks something does not:

    task                  targets    what was written                            what happens
    cat or dog            0 or 1     softmax (1 unit), categorical_crossentropy  the loss is 0
    which digit           0, …, 9    softmax, categorical_crossentropy           fit stops at once
    five tags of a text   multi-hot  softmax, categorical_crossentropy           never two above ½
    price of a house      numbers    sigmoid, mse                                no price above 1
    health of an engine   0 to 1     no activation, mse                          a health of 1.2

Write the last layer and the loss for each, by the slide's table. `check_head`, which the runner
calls before any training, must agree.
"""

import keras
import numpy as np

from recipes import check_head
from recipes.common.exercise import check, finish


def cat_or_dog():
    """Last layer of one unit, and loss."""
    # Your code: return keras.layers.Dense(…), "…".
    raise NotImplementedError


def digit():
    """Last layer and loss; the targets are integers and stay so."""
    # Your code: return keras.layers.Dense(…), "…".
    raise NotImplementedError


def tags():
    """Last layer and loss for five tags, of which any number apply."""
    # Your code: return keras.layers.Dense(…), "…".
    raise NotImplementedError


def price():
    """Last layer and loss for a price in thousands of euros."""
    # Your code: return keras.layers.Dense(…), "…".
    raise NotImplementedError


def health():
    """Last layer and loss for a number from 0 to 1."""
    # Your code: return keras.layers.Dense(…), "…".
    raise NotImplementedError


def verdict(head, targets):
    """The task for which a network with this head is right; or what `check_head` says of it."""
    layer, loss = head()
    model = keras.Sequential([keras.Input((4,)), layer])
    model.compile("sgd", loss)
    found = check_head(model, (np.zeros((len(targets), 4)), np.array(targets)))
    remark = ";" in found.message  # right, but not the best
    return found.task if found.status == "ok" and not remark else found.message


def main():
    multi_hot = [[1, 1, 0, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0]]
    return [
        check("cat or dog", lambda: verdict(cat_or_dog, [0, 1, 1, 0]), "binary"),
        check("digit", lambda: verdict(digit, [7, 2, 0, 9]), "multi-class"),
        check("tags", lambda: verdict(tags, multi_hot), "multi-label"),
        check("price", lambda: verdict(price, [185.5, 230.0, 99.9, 412.0]), "regression"),
        check(
            "health",
            lambda: verdict(health, [0.93, 0.4, 0.05, 1.0]),
            "unit-interval regression",
        ),
    ]


if __name__ == "__main__":
    finish(main())
