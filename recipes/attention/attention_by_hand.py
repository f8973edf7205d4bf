"""Scaled dot-product attention by hand: self-attention, masking, heads, and why scores are scaled.

Slides: 001 «Attention Layers», 001 «El vector z», 001 «Multi Head», 002 «Paso 2», 002 «Paso 3»,
        002 «Paso 4», 002 «Scaled Dot-Product Attention», 002 «Multi-Head Attention»,
        002 «Mecanismo de búsqueda».
Paper:  Vaswani et al. (2017), Attention is all you need, https://arxiv.org/abs/1706.03762
Departs from the slides: step 3 names the "cosine distance", but the formula printed next to it is a
dot product divided by √d; the two are sure to rank the keys alike only if all keys have the same
norm. In the table's √64 = 8, 64 is the dimension of the keys. Keras' `MultiHeadAttention` divides
by √d; its `Attention` does not; with `use_scale=True` it multiplies by a learned weight.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots

# Word embeddings of two dimensions: (money, nature).
EMBEDDINGS = {
    "dinero": (2.6, 0.0),
    "del": (0.2, 0.2),
    "banco": (1.0, 1.0),
    "parque": (0.0, 2.6),
}
SENTENCES = ("dinero del banco", "banco del parque")


def softmax(scores):
    """e^s / Σ e^s along the last axis."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def attention(query, key, value, mask=None, scale=None):
    """Attention(Q, K, V) = softmax(Q Kᵀ / √d) V.

    Args:
        query: Array (…, T, d).
        key: Array (…, S, d).
        value: Array (…, S, v).
        mask: Boolean array that broadcasts to (…, T, S): where it is False, the query may not
            attend to the key.
        scale: Factor of the dot products; 1 / √d by default.

    Returns:
        The outputs z (…, T, v) and the attention weights (…, T, S).
    """
    if scale is None:
        scale = query.shape[-1] ** -0.5
    scores = scale * query @ np.swapaxes(key, -1, -2)  # (…, T, S)
    if mask is not None:
        scores = np.where(mask, scores, -1e9)
    weights = softmax(scores)
    return weights @ value, weights


def multi_head(query, value, weights, mask=None):
    """Multi-head attention, as `keras.layers.MultiHeadAttention` computes it.

    Args:
        query: Array (batch, T, features).
        value: Array (batch, S, features), also the key.
        weights: `get_weights()` of the Keras layer: kernel and bias of the maps to query, key and
            value, (features, heads, d) and (heads, d), and of the output map, (heads, d, features).
        mask: As in `attention`, for scores of shape (batch, heads, T, S).

    Returns:
        The outputs (batch, T, features) and the attention weights (batch, heads, T, S).
    """
    query_kernel, query_bias, key_kernel, key_bias = weights[:4]
    value_kernel, value_bias, output_kernel, output_bias = weights[4:]

    # Each head has its own linear maps. b: batch, t: step, m: features, h: head, d: size of a head.
    def project(x, kernel, bias):
        return np.einsum("btm,mhd->bhtd", x, kernel) + bias[:, None]  # (batch, heads, steps, d)

    q = project(query, query_kernel, query_bias)
    k = project(value, key_kernel, key_bias)
    v = project(value, value_kernel, value_bias)
    z, attention_weights = attention(q, k, v, mask)  # (batch, heads, T, d)

    # The matrix W⁰ combines the outputs of all heads.
    outputs = np.einsum("bhtd,hdm->btm", z, output_kernel) + output_bias
    return outputs, attention_weights


def cosine_similarity(query, key):
    """Cosines of the angles between queries (T, d) and keys (S, d): array (T, S)."""
    query_norm = np.linalg.norm(query, axis=-1)[:, None]
    key_norm = np.linalg.norm(key, axis=-1)
    return query @ key.T / query_norm / key_norm


def search(query, keys, values, temperature):
    """A dictionary lookup by similarity: a low temperature returns the value of the nearest key, a
    high one the mean of all values."""
    return attention(query, keys, values, scale=1 / temperature)[0]


def effective_keys(d, scale, keys=10, queries=400, seed=0):
    """Effective number of random keys that a query attends to, and the softmax's gradient size.

    Args:
        d: Dimension of queries and keys, whose components are standard normal.
        scale: As in `attention`.

    Returns:
        The mean of e^entropy of the attention weights, from 1 (one key only) to `keys`
        (uniform), and the mean norm of the Jacobian of the softmax, diag(a) − a aᵀ.
    """
    rng = np.random.default_rng(seed)
    query = rng.normal(size=(queries, 1, d))
    key = rng.normal(size=(queries, keys, d))
    _, weights = attention(query, key, key, scale=scale)
    a = weights[:, 0]  # (queries, keys)
    entropy = -np.sum(a * np.log(np.maximum(a, 1e-300)), axis=-1)
    diagonal = a[:, :, None] * np.eye(keys)
    jacobian = diagonal - a[:, :, None] * a[:, None, :]
    return np.exp(entropy).mean(), np.linalg.norm(jacobian, axis=(1, 2)).mean()


def compare_with_keras(heads):
    """The largest difference between `multi_head` and Keras' layer; also prints the shapes."""
    rng = np.random.default_rng(0)
    query = rng.normal(size=(2, 5, 16)).astype("float32")
    value = rng.normal(size=(2, 7, 16)).astype("float32")
    layer = keras.layers.MultiHeadAttention(heads, 16 // heads)
    expected = keras.ops.convert_to_numpy(layer(query, value))
    outputs, _ = multi_head(query, value, layer.get_weights())
    print(
        f"MultiHeadAttention, {heads} heads: {query.shape} on {value.shape} gives {expected.shape}"
    )
    print(f"  4 d² + 4 d = {layer.count_params():,} parameters")
    return np.abs(outputs - expected).max()


def plot_context():
    """The same word in two sentences has different attention weights and so different outputs."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 4), width_ratios=(3, 3, 4), layout="constrained")
    plane = axes[2]
    start = EMBEDDINGS["banco"]
    for axis, sentence, color in zip(axes[:2], SENTENCES, ("C0", "C2"), strict=True):
        words = sentence.split()
        vectors = np.array([EMBEDDINGS[word] for word in words])
        z, weights = attention(vectors, vectors, vectors)
        plots.heatmap(axis, weights, words, words, numbers="{:.2f}", vmax=1)
        axis.set(title=f"«{sentence}»", ylabel="query")

        end = z[words.index("banco")]
        arrow = {"arrowstyle": "-|>", "color": color, "linewidth": 2}
        plane.fill(*vectors.T, color=color, alpha=0.12, linewidth=0)
        plane.plot(*vectors.T, "o", color=color, markersize=5)
        plane.annotate("", end, start, arrowprops=arrow)
        label = f"z in «{sentence}»"
        plane.annotate(label, end, (8, 8), textcoords="offset points", color=color)
    plane.plot(*start, "o", color="black", markersize=8)
    plane.annotate("banco, alone", start, (10, 0), textcoords="offset points", va="center")
    for word in ("dinero", "parque", "del"):
        plane.annotate(word, EMBEDDINGS[word], (8, 4), textcoords="offset points")
    plane.set(title="The words around «banco» pull it away", xlabel="money", ylabel="nature")
    plane.set(xlim=(-0.2, 3.6), ylim=(-0.2, 3.0))
    return figure


def plot_scaling():
    """Unscaled products of high-dimensional vectors saturate the softmax: its gradient vanishes."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    rng = np.random.default_rng(3)
    query = rng.normal(size=(1, 512))
    key = rng.normal(size=(10, 512))
    sizes = 2 ** np.arange(13)
    for power, shift, color, label in ((0, -0.2, "C1", "q · k"), (-0.5, 0.2, "C0", "q · k / √d")):
        _, weights = attention(query, key, key, scale=512.0**power)
        axes[0].bar(np.arange(10) + shift, weights[0], 0.4, color=color, label=label)
        counts = []
        gradients = []
        for d in sizes:
            count, gradient = effective_keys(d, float(d) ** power)
            counts.append(count)
            gradients.append(gradient)
        axes[1].semilogx(sizes, counts, "o-", base=2, color=color, label=label)
        axes[2].loglog(sizes, gradients, "o-", base=2, color=color, label=label)
    axes[0].set(title="d = 512: unscaled, one key takes all")
    axes[0].set(xlabel="key", ylabel="attention weight", xticks=range(10))
    axes[0].legend()
    axes[1].set(title="Keys that a query attends to", xlabel="d", ylim=(0, 10))
    axes[1].set_ylabel("$e^{entropy}$")
    axes[2].set(title="Gradient of the softmax", xlabel="d", ylabel="norm of its Jacobian")
    return figure


def on_circle(degrees):
    """Points of the unit circle at some angles: array (angles, 2)."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def plot_search():
    """Five keys on a circle, each with its value, and the outputs at three temperatures."""
    figure, axis = plt.subplots(figsize=(8, 4.6), layout="constrained")
    keys = np.array([36, 108, 180, 252, 324])  # degrees
    values = np.array([[3.0], [1.0], [4.0], [1.5], [5.0]])
    queries = np.linspace(0, 360, 721)
    labels = {
        0.005: "low: value of the nearest key",
        0.3: "medium",
        100: "high: mean of all values",
    }
    for temperature, label in labels.items():
        answers = search(on_circle(queries), on_circle(keys), values, temperature)
        axis.plot(queries, answers, label=f"temperature {temperature}, {label}")
    axis.plot(keys, values, "o", color="black", markersize=9, label="keys and their values")
    axis.set(title="A dictionary that can be asked for what is not in it")
    axis.set(xlabel="angle of the query, degrees", ylabel="value returned")
    axis.set(xticks=range(0, 361, 72), ylim=(0, 5.4))
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def plot_masks():
    """Plot attention weights of two heads with random initial weights, and with two masks."""
    keras.utils.set_random_seed(1)
    words = ["mi", "perro", "come", "pan", "[pad]"]
    x = 2 * np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    layer = keras.layers.MultiHeadAttention(num_heads=2, key_dim=4)
    layer(x, x)
    everything = np.full((5, 5), True)
    padding = np.tile(np.arange(5) < 4, (5, 1))
    causal = np.tri(5, dtype=bool)
    panels = (
        ("One head", 0, everything),
        ("Another has other weights", 1, everything),
        ("Padding is masked", 0, padding),
        ("Causal mask: no later keys", 0, causal),
    )
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.9), layout="constrained")
    for axis, (title, head, mask) in zip(axes, panels, strict=True):
        _, weights = multi_head(x, x, layer.get_weights(), mask)
        shown = np.where(mask, weights[0, head], np.nan)  # masked keys are gray
        plots.heatmap(axis, shown, words, words, numbers="{:.2f}", vmax=1)
        axis.set(title=title, ylabel="query")
    return figure


def main():
    products = np.array([112, 96])
    scaled = products / np.sqrt(64)
    weights = softmax(scaled)
    print(f"«Thinking» against itself and «Machines»: q · k = {products}, divided by √64: {scaled}")
    print(f"softmax = {weights.round(4)}, so z₁ = {weights[0]:.4f} v₁ + {weights[1]:.4f} v₂")
    print(f"Unscaled, it would be {softmax(products)[0]:.7f} v₁ + …")
    # The slides' cosine distance (step 3) ranks keys of different norms differently.
    query = np.array([[1.0, 0.0]])
    keys = np.array([[1.0, 0.0], [2.0, 2.0]])
    products = (query @ keys.T)[0]
    cosines = cosine_similarity(query, keys)[0]
    print(f"q · k = {products} prefers the second key, the cosine, {cosines.round(2)}, the first")
    for heads in (1, 4):
        print(f"  largest difference from the code above: {compare_with_keras(heads):.0e}")

    plot_context().savefig("context.png")
    plot_scaling().savefig("scaling.png")
    plot_search().savefig("search.png")
    plot_masks().savefig("masks.png")


if __name__ == "__main__":
    main()
