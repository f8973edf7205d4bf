"""The pictures of word2vec: maps of words, nearest words, and analogies by relation."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA

from recipes.autoencoders import word2vec
from recipes.autoencoders.word2vec import ANALOGIES, FAMILIES

SHOWN_FAMILIES = ("relatives", "animals", "food", "days", "languages")
SHOWN_RELATIONS = ("he, she", "eats, was eating")
SHOWN_WORDS = (
    "reina perro madrid rojo lunes comer tres médico feliz coche siempre padre libro rápidamente"
)


def figures(model, test, history):
    """Maps of families and of pairs of words, the nearest words, the accuracy by relation."""
    vocabulary, ppmi_vectors, _ = word2vec.ppmi_svd()
    vectors = {"word2vec": model.targets.get_weights()[0], "PPMI with SVD": ppmi_vectors}
    return {
        "maps": draw_maps(vectors["word2vec"], vocabulary),
        "neighbors": draw_neighbors(vectors, vocabulary),
        "analogies": draw_analogies(vectors, vocabulary),
    }


def known_groups(groups, vocabulary):
    """The words of each group in the vocabulary; groups with fewer than two are left out."""
    vocabulary = set(vocabulary)
    found = []
    for group in groups:
        known = [word for word in group.split() if word in vocabulary]
        if len(known) > 1:
            found.append(known)
    return found


def analogy_plane(vectors):
    """Coordinates of pairs of words: x is their mean difference, y the main remaining variation.

    Args:
        vectors: `(2 * pairs, embed_dim)`, the two words of each pair in consecutive rows.

    Returns:
        `(2 * pairs, 2)`: along the mean difference of the pairs, and along the first principal
        component of the rest.
    """
    difference = np.mean(vectors[1::2] - vectors[::2], axis=0)
    difference = difference / np.maximum(np.linalg.norm(difference), 1e-9)
    right = vectors @ difference
    rest = vectors - np.outer(right, difference)
    rest = rest - rest.mean(0)
    component = np.linalg.svd(rest, full_matrices=False)[2][0]
    return np.stack([right, rest @ component], axis=1)


def draw_maps(vectors, vocabulary):
    """Five families by their principal components, two relations by their difference."""
    figure, axes = plt.subplots(1, 3, figsize=(15, 5.4), layout="constrained")
    families = known_groups([FAMILIES[name] for name in SHOWN_FAMILIES], vocabulary)
    draw_groups(axes[0], families, vectors, vocabulary, PCA(2).fit_transform, "o")
    axes[0].set(xticks=[], yticks=[], title="Five families: principal components")
    for axis, relation in zip(axes[1:], SHOWN_RELATIONS, strict=True):
        pairs = known_groups(ANALOGIES[relation].split(", "), vocabulary)
        pairs = [pair for pair in pairs if len(pair) == 2]
        draw_groups(axis, pairs, vectors, vocabulary, analogy_plane, "o-")
        axis.set(xticks=[], yticks=[], title=f"“{relation}” points to the right")
    return figure


def draw_groups(axis, groups, vectors, vocabulary, project, style):
    """Words in the plane, with their vectors projected by `project`, each group in one color."""
    if not groups:
        return  # no group is in the vocabulary of a small text
    index = {word: number for number, word in enumerate(vocabulary)}
    words = [word for group in groups for word in group]
    points = project(word2vec.normalize(vectors[[index[word] for word in words]]))
    start = 0
    for group in groups:
        own = points[start : start + len(group)]
        start += len(group)
        axis.plot(*own.T, style, markersize=4, linewidth=1)
        for point, word in zip(own, group, strict=True):
            axis.annotate(word, point, fontsize=9, xytext=(3, 3), textcoords="offset points")


def nearest_words(word, vectors, vocabulary, count=5):
    """The words with the largest cosine similarity to a word of the vocabulary, nearest first."""
    number = list(vocabulary).index(word)
    (similarities,) = word2vec.cosine_similarity(vectors[[number]], vectors)
    similarities[number] = -np.inf
    return [vocabulary[index] for index in np.argsort(-similarities)[:count]]


def draw_neighbors(vectors, vocabulary):
    """A table of the five nearest words, by `{method: vectors}`."""
    rows = []
    for word in SHOWN_WORDS.split():
        if word in vocabulary:
            found = [nearest_words(word, each, vocabulary) for each in vectors.values()]
            rows.append([word, *[", ".join(words) for words in found]])
    figure, axis = plt.subplots(figsize=(11, 4.6), layout="constrained")
    axis.set_axis_off()
    axis.set_title("The five nearest words")
    if rows:
        axis.table(
            cellText=rows,
            colLabels=["", *vectors],
            colWidths=[0.14, 0.43, 0.43],
            cellLoc="left",
            edges="horizontal",
            bbox=[0, 0, 1, 1],
            fontsize=10,
        )
    return figure


def relation_scores(vectors, vocabulary):
    """The analogy scores of vectors for each relation: `{relation: scores}`."""
    scores = {}
    for relation, pairs in ANALOGIES.items():
        scores[relation] = word2vec.vector_scores(vectors, vocabulary, {relation: pairs}, {})
    return scores


def draw_analogies(vectors, vocabulary):
    """Accuracy for each relation and method: nearest word, and (pale) among the five nearest."""
    figure, axis = plt.subplots(layout="constrained")
    places = np.arange(len(ANALOGIES))
    for number, (name, each) in enumerate(vectors.items()):
        scores = relation_scores(each, vocabulary).values()
        shifted = places + 0.4 * (number - 0.5)
        style = {"height": 0.4, "color": f"C{number}"}
        axis.barh(shifted, [score["analogy_top5"] for score in scores], alpha=0.4, **style)
        nearest = [score["analogy_accuracy"] for score in scores]
        axis.barh(shifted, nearest, label=name, **style)
    axis.set_yticks(places, ANALOGIES)
    axis.invert_yaxis()
    axis.set_title("Accuracy of analogies (pale: among the five nearest)")
    axis.legend()
    return figure
