"""The pictures of vit: attention maps, positional embeddings, patch filters, accuracy by class."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from layers.transformer import TransformerEncoder
from recipes.attention import vit as recipe
from recipes.common import plots
from recipes.common.arrays import to_numpy


def figures(models, test, histories):
    """Attention maps of the class token, positional embeddings, filters, and accuracy by class."""
    images, labels = to_numpy(test)
    predictions = {}
    for name, model in models.items():
        predictions[name] = model.predict(images, batch_size=500, verbose=0).argmax(axis=-1)
    shown = first_correct(labels, predictions["vit"])
    vit = models["vit"]
    patches = vit.get_layer("patches")
    return {
        "attention": plot_attention(vit, images[shown], labels[shown], patches.patch_size),
        "positions": plot_positions(np.asarray(patches.positions)[1:]),
        "filters": plot_filters(np.asarray(patches.kernel), patches.patch_size),
        "by_class": plot_classes(models, labels, predictions),
    }


def first_correct(labels, predictions):
    """The index of the first correctly classified image of each class that has one.

    If there is none, only that of the first image, so that there is one to show.
    """
    found = []
    for label in range(len(recipe.CLASSES)):
        found.extend(np.flatnonzero((labels == label) & (predictions == label))[:1])
    return np.array(found or [0], int)


def attention_weights(model, images):
    """Self-attention of each block: array (blocks, images, heads, 1 + patches, 1 + patches)."""
    x = images
    weights = []
    for layer in model.layers[1:]:  # the first is the input
        if isinstance(layer, TransformerEncoder):
            x, block_weights = layer(x, return_attention_scores=True)
            weights.append(keras.ops.convert_to_numpy(block_weights))
        elif not weights:
            x = layer(x)
    return np.array(weights)


def attention_rollout(weights):
    """Attention rollout: the share of each input token in each output token, over all blocks.

    Half of a block's output comes from its attention (mean of the heads), half from the residual
    connection around it.

    Args:
        weights: As `attention_weights` returns them.

    Returns:
        Array (images, 1 + patches, 1 + patches), rows that add up to 1.

    Reference: Abnar & Zuidema (2020), https://arxiv.org/abs/2005.00928
    """
    identity = np.eye(weights.shape[-1])
    rollout = identity
    for block_weights in weights:
        mixing = (block_weights.mean(axis=1) + identity) / 2  # of (images, heads, …)
        rollout = mixing @ rollout
    return rollout


def attention_maps(model, images):
    """Attention rollout of the class token: array (images, rows, columns of patches)."""
    rollout = attention_rollout(attention_weights(model, images.astype("float32")))
    maps = rollout[:, 0, 1:]  # from the class token to all patches: (images, patches)
    side = round(maps.shape[1] ** 0.5)
    return maps.reshape(-1, side, side)


def plot_attention(model, images, labels, patch_size):
    figure, axes = plt.subplots(2, len(images), figsize=(13, 3.4), layout="constrained")
    axes = axes.reshape(2, len(images))
    maps = attention_maps(model, images)
    for column, image, label, attention in zip(axes.T, images, labels, maps, strict=True):
        # Overlay black that is more transparent where the patch contributes more.
        brightness = np.kron(attention / attention.max(), np.ones((patch_size, patch_size)))
        shade = np.zeros((*brightness.shape, 4))
        shade[..., 3] = 0.85 * (1 - brightness)
        for axis in column:
            plots.show_images(axis, [image / 255])
        column[1].imshow(shade)
        column[0].set_title(recipe.CLASSES[label], fontsize=10)
    figure.suptitle(
        "Correctly classified, and the attention rollout of the class token (bright: more)"
    )
    return figure


def cosine_maps(positions):
    """Cosine similarities of each positional embedding to all: (patches, rows, columns)."""
    side = round(len(positions) ** 0.5)
    unit = positions / np.linalg.norm(positions, axis=1, keepdims=True)
    return (unit @ unit.T).reshape(-1, side, side)


def plot_positions(positions):
    figure, axis = plt.subplots(figsize=(7, 6), layout="constrained")
    maps = cosine_maps(positions)
    style = {"cmap": "viridis", "vmin": -0.5, "vmax": 0.5}
    picture = plots.show_images(axis, maps, columns=maps.shape[2], **style)
    axis.set_title(
        "A small map for each position: how similar all positional embeddings\n"
        "are to its own. Nothing told the network which are near"
    )
    figure.colorbar(picture, label="cosine similarity", shrink=0.8, extend="both")
    return figure


def principal_filters(kernel, count):
    """The first principal components of the patch embedding's filters.

    Args:
        kernel: Array (numbers of a patch, embed_dim).

    Returns:
        Array (count, numbers of a patch) of unit vectors, and their share of the squared weights.
    """
    components, singular_values, _ = np.linalg.svd(kernel)
    share = np.sum(singular_values[:count] ** 2) / np.sum(singular_values**2)
    return components.T[:count], share


def plot_filters(kernel, patch_size, rows=3, columns=8):
    figure, axis = plt.subplots(figsize=(10, 4.4), layout="constrained")
    components, share = principal_filters(kernel, rows * columns)
    strongest = np.abs(components).max(axis=1, keepdims=True)
    images = 0.5 + 0.5 * components / strongest
    images = images.reshape(len(images), patch_size, patch_size, -1)
    plots.show_images(axis, images, columns=columns)
    axis.set_title(
        f"The first {len(images)} principal components of the patch embedding's "
        f"{kernel.shape[1]} filters ({share:.0%} of their weights' squares)"
    )
    return figure


def recall_by_class(labels, predictions):
    """The share of each class's images that are classified correctly; 0 where there are none."""
    recalls = []
    for label in range(len(recipe.CLASSES)):
        of_class = labels == label
        recalls.append(np.mean(predictions[of_class] == label) if of_class.any() else 0.0)
    return recalls


def plot_classes(models, labels, predictions):
    figure, axis = plt.subplots(figsize=(9, 4.2), layout="constrained")
    recalls = {}
    for name, predicted in predictions.items():
        accuracy = np.mean(predicted == labels)
        title = f"{name}: {accuracy:.1%}, {models[name].count_params():,} parameters"
        recalls[title] = recall_by_class(labels, predicted)
    plots.class_bars(axis, recalls, recipe.CLASSES)
    axis.tick_params(axis="x", rotation=30)
    axis.set(ylabel="recall on test images", ylim=(0, 1))
    axis.set_title("About as many parameters, and as many training images")
    axis.get_legend().remove()
    figure.legend(loc="outside lower center", ncols=2)
    return figure
