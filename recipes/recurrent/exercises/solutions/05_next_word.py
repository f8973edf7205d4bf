"""Text as numbers: vocabulary, one-hot, embedding, and perplexity.

Slides: 002 «Predicción de texto: indexado, one-hot, embedding», 001 «Predicción de texto».
Recipe: char_rnn.

The slide numbers the words of a sentence in alphabetical order from 1: a 1, mi 2, pasear 3, perro
4, saqué 5. "mi" as a one-hot vector is [0 1 0 0 0]. The product of a one-hot vector and a matrix is
one of its rows: this is all that an embedding layer does.

A language model predicts the probability of each next word. Its cross-entropy in bits is the mean
of −log₂ p over the words that occurred; its perplexity is 2 to that power: the number of equally
probable words with the same cross-entropy. Write each of these, and sample a word.
"""

import numpy as np

from recipes.common.exercise import check, finish


def vocabulary(text):
    """`{word: number}` for the words of a text, in alphabetical order from 1."""
    # Your code: text.split(), set, sorted, enumerate(…, start=1).
    words = sorted(set(text.split()))
    return {word: number for number, word in enumerate(words, start=1)}


def one_hot(text, numbers):
    """Vectors (words, vocabulary) of a text's words."""
    # Your code: np.eye has them as its rows.
    rows = [numbers[word] - 1 for word in text.split()]
    return np.eye(len(numbers))[rows]


def bits(probabilities):
    """Cross-entropy in bits, from the probabilities (words,) of the words that occurred."""
    # Your code: see above.
    return -np.mean(np.log2(probabilities))


def perplexity(probabilities):
    """Perplexity, from the same probabilities."""
    # Your code: see above.
    return 2 ** bits(probabilities)


def sample(probabilities, u):
    """The index of the word sampled from probabilities (words,) with a random 0 ≤ u < 1."""
    # Your code: the first word at which the sum so far is above u; np.cumsum, np.argmax.
    return np.argmax(np.cumsum(probabilities) > u)


def main():
    text = "saqué a mi perro a pasear"
    numbers = {"a": 1, "mi": 2, "pasear": 3, "perro": 4, "saqué": 5}
    matrix = np.array([[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]])
    known = [0.5, 0.25, 0.125, 0.125]
    return [
        check("words in order", lambda: list(vocabulary(text)), list(numbers)),
        check("their numbers", lambda: list(vocabulary(text).values()), [1, 2, 3, 4, 5]),
        check("mi", lambda: one_hot("mi", numbers), [[0, 1, 0, 0, 0]]),
        check(
            "embedding of mi perro",
            lambda: one_hot("mi perro", numbers) @ matrix,
            [[3, 4], [7, 8]],
        ),
        check("bits, p = ½, ¼, ⅛, ⅛", lambda: bits(known), 2.25),
        check("perplexity of 27 equal letters", lambda: perplexity(np.full(9, 1 / 27)), 27),
        check("perplexity, p = ½, ¼, ⅛, ⅛", lambda: perplexity(known), 4.756828),
        check(
            "drawn with u = 0, 0.5, 0.8",
            lambda: [sample(known, u) for u in (0, 0.5, 0.8)],
            [0, 1, 2],
        ),
    ]


if __name__ == "__main__":
    finish(main())
