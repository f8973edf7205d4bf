"""Vectors of words: the pairs of neighbours that they are learnt from, and questions that good ones answer."""

import itertools

import numpy as np


def skip_grams(words, texts, window=2, keep=None, seed=0):
    """All pairs of a word and a neighbour in the same text.

    Each word looks 1 to `window` words to either side, how far is drawn for each: near neighbours count for more.
    A word that is left out leaves no gap: its neighbours move together.

    Args:
        words: integers `(n,)`, the words one after the other.
        texts: integers `(n,)`, the text (sentence, chapter …) of each; pairs do not cross from one to the next.
        window: the largest distance.
        keep: floats `(vocabulary,)`, the probability to keep a word; by default all are kept.
        seed: of what is drawn.

    Returns:
        int32 `(pairs, 2)`.

    Reference:
        Mikolov et al. (2013), https://arxiv.org/abs/1310.4546, whose `keep` is √(t / f) for a word of frequency f.

    Example:

    >>> skip_grams([7, 8, 9, 7], [0, 0, 0, 1], window=1).tolist()
    [[7, 8], [8, 9], [8, 7], [9, 8]]
    """
    words, texts = np.asarray(words), np.asarray(texts)
    if window < 1 or words.shape != texts.shape or words.ndim != 1:
        shapes = f"{words.shape} and {texts.shape}"
        raise ValueError(
            f"`window` must be at least 1, `words` and `texts` as long. Received: {window=}, {shapes}"
        )
    rng = np.random.default_rng(seed)
    if keep is not None:
        kept = rng.random(len(words)) < np.asarray(keep)[words]
        words, texts = words[kept], texts[kept]
    reach, found = rng.integers(1, window + 1, len(words)), []
    for distance in range(1, min(window, len(words) - 1) + 1):
        left, right, together = (
            words[:-distance],
            words[distance:],
            texts[:-distance] == texts[distance:],
        )
        found.append(np.stack([left, right], 1)[together & (reach[:-distance] >= distance)])
        found.append(np.stack([right, left], 1)[together & (reach[distance:] >= distance)])
    return np.concatenate([np.empty((0, 2)), *found]).astype("int32")


def similarities(vectors, queries):
    """Cosines of the angles between queries `(n, units)` and all vectors `(words, units)`: `(n, words)`.

    Example:

    >>> similarities(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[3.0, 0.0]])).tolist()
    [[1.0, 0.0]]
    """
    units = [
        each / np.maximum(np.linalg.norm(each, axis=1, keepdims=True), 1e-9)
        for each in (queries, vectors)
    ]
    return units[0] @ units[1].T


def analogy_places(vectors, questions):
    """How near the right answer d of "a is to b as c to …" comes to b − a + c: 0 if no other word is nearer.

    Each vector has length 1 in the sum, and a, b and c do not count as answers.

    Args:
        vectors: `(words, units)`.
        questions: integers `(n, 4)`, the words a, b, c and d.

    Reference:
        Mikolov, Yih & Zweig (2013), https://aclanthology.org/N13-1090

    Example: king, queen, man, woman, and a word between them.

    >>> vectors = np.array([[1.0, 5, 0], [-1, 5, 0], [1, 0, 5], [-1, 0, 5], [0, 3, 3]])
    >>> analogy_places(vectors, [[0, 1, 2, 3], [0, 1, 2, 4]]).tolist()
    [0, 1]
    """
    questions = np.asarray(questions, int).reshape(-1, 4)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    a, b, c, d = questions.T
    cosines = similarities(vectors, vectors[b] - vectors[a] + vectors[c])
    np.put_along_axis(cosines, questions[:, :3], -np.inf, 1)
    return np.sum(cosines > np.take_along_axis(cosines, d[:, None], 1), axis=1)


def analogy_plane(vectors):
    """Where to draw pairs of words: to the right what the second ones have more, upwards what else differs most.

    Args:
        vectors: `(2 * pairs, units)`, the two words of a pair one after the other.

    Returns:
        `(2 * pairs, 2)`: along the mean difference of the pairs, and along the first principal component of the rest.

    Example: two units for what is common to a pair, the third for how its words differ.

    >>> vectors = np.array([[0.0, 3, 0], [0, 3, 1], [0, -3, 0], [0, -3, 1]])
    >>> np.abs(analogy_plane(vectors)).round(6).tolist()
    [[0.0, 3.0], [1.0, 3.0], [0.0, 3.0], [1.0, 3.0]]
    """
    across = np.mean(vectors[1::2] - vectors[::2], axis=0)
    across = across / np.maximum(np.linalg.norm(across), 1e-9)
    right = vectors @ across
    rest = vectors - np.outer(right, across)
    rest = rest - rest.mean(0)
    return np.stack([right, rest @ np.linalg.svd(rest, full_matrices=False)[2][0]], axis=1)


def word_scores(vectors, words, analogies, families):
    """How much of what is known of words is found in their vectors. What is asked of unknown words is left out.

    Args:
        vectors: `(words, units)`.
        words: the word of each vector.
        analogies: dictionary of relations, each as pairs of words like `"rey reina, hombre mujer"`: any two pairs make
            a question, a is to b as c is to d.
        families: dictionary of kinds, each as words like `"perro gato vaca"`.

    Returns:
        Dictionary: `analogies`, how often d is nearest to b − a + c; `top5`, how often one of the five nearest;
        `families`, how often the nearest of all words of families is of the same family. 0 if nothing can be asked.

    Example:

    >>> vectors = np.array([[1.0, 5, 0], [-1, 5, 0], [1, 0, 5], [-1, 0, 5]])
    >>> people = {"royal": "rey reina", "common": "hombre mujer"}
    >>> word_scores(vectors, ["rey", "reina", "hombre", "mujer"], {"he, she": "rey reina, hombre mujer"}, people)
    {'analogies': 1.0, 'top5': 1.0, 'families': 1.0}
    """
    vectors, number = np.asarray(vectors), {word: index for index, word in enumerate(words)}
    asked = []
    for pairs in analogies.values():
        known = [pair.split() for pair in pairs.split(", ") if {*pair.split()} <= {*number}]
        asked += [
            [number[word] for word in (*one, *other)]
            for one, other in itertools.permutations(known, 2)
        ]
    places = analogy_places(vectors, asked)
    kin = [
        (number[word], name)
        for name, listed in families.items()
        for word in listed.split()
        if word in number
    ]
    members, names = np.array([index for index, _ in kin], int), np.array([name for _, name in kin])
    alike = similarities(vectors, vectors[members])[:, members]
    np.fill_diagonal(alike, -np.inf)
    right = names[alike.argmax(1)] == names if kin else []
    scores = {"analogies": places < 1, "top5": places < 5, "families": right}
    return {name: float(np.mean(score)) if len(score) else 0.0 for name, score in scores.items()}
