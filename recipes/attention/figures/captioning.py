"""The pictures of captioning: attention maps for each word, and grades of the captions."""

import collections

import matplotlib.pyplot as plt
import numpy as np

from recipes.attention import captioning

SHOWN = ("above", "beside", "above")  # one scene for each
GRADES = {
    "without errors": "C2",
    "minor errors": "C1",
    "somewhat related": "C3",
    "unrelated": "0.4",
}


def figures(models, test, histories):
    """Attention maps for each word of three captions, and the grades of each network's captions."""
    images, captions, boxes = captioning.unseen_scenes()
    described = {name: captioning.describe(model, images) for name, model in models.items()}
    found, maps = described["attention"]
    chosen = scenes_with(captions, SHOWN)
    return {
        "attention": plot_attention(
            images[chosen],
            [found[number] for number in chosen],
            maps[chosen],
            captioning.pointing(maps, captions, boxes),
        ),
        "grades": plot_grades(
            {name: shares_of_grades(words, captions) for name, (words, _) in described.items()}
        ),
    }


def scenes_with(captions, relations):
    """The indices of captions with these words, the first unused one for each."""
    chosen = []
    for relation in relations:
        for number, words in enumerate(captions):
            if relation in words and number not in chosen:
                chosen.append(number)
                break
    return chosen


def shares_of_grades(found, wanted):
    """`{grade: share of the captions}`."""
    counts = collections.Counter(map(captioning.grade, found, wanted))
    return {name: counts[name] / len(found) for name in GRADES}


def plot_attention(images, captions, maps, on_object):
    """A row for each image: itself, and its attention map for each word except articles."""
    columns = 1 + max(sum(word != "a" for word in words) for words in captions)
    size = (1.5 * columns, 1.75 * len(images) + 0.5)
    figure, axes = plt.subplots(
        len(images), columns, figsize=size, squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.axis("off")
    side = captioning.SIDE
    for row, image, words, weights in zip(axes, images, captions, maps, strict=True):
        row[0].imshow(image)
        steps = [step for step, word in enumerate(words) if word != "a"]
        for axis, step in zip(row[1:], steps, strict=False):
            axis.imshow(image)
            # Regions with less attention are darker.
            shade = np.zeros((*weights[step].shape, 4))
            shade[..., 3] = 0.85 * (1 - weights[step] / weights[step].max())
            axis.imshow(
                shade, extent=(-0.5, side - 0.5, side - 0.5, -0.5), interpolation="bilinear"
            )
            axis.set_title(words[step], fontsize="medium")
    figure.suptitle(
        f"Where the network looks for each word: {on_object:.0%} of colors and shapes "
        "on their object"
    )
    return figure


def plot_grades(shares):
    """A bar for each network, divided by the grades of its captions."""
    figure, axis = plt.subplots(figsize=(8, 0.6 * len(shares) + 1.4), layout="constrained")
    for row, parts in enumerate(shares.values()):
        left = 0
        for grade, share in parts.items():
            axis.barh(row, share, left=left, color=GRADES[grade], label=grade if row == 0 else None)
            if share > 0.04:
                axis.text(
                    left + share / 2, row, f"{share:.0%}", ha="center", va="center", color="w"
                )
            left += share
    axis.set(yticks=range(len(shares)), yticklabels=shares, xlim=(0, 1), xticks=[])
    axis.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=4)
    axis.set_title("Captions of unseen scenes, in the grades of the slide")
    return figure
