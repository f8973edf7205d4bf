"""Attention by hand: the slides' 0.88 and 0.12, masks and heads, and why the products are divided by √d.

Slides: 001 «Attention Layers», 001 «El vector z», 001 «Multi Head», 002 «Paso 2», 002 «Paso 3», 002 «Paso 4»,
        002 «Scaled Dot-Product Attention», 002 «Multi-Head Attention», 002 «Mecanismo de búsqueda».
Paper:  Vaswani et al. (2017), Attention is all you need, https://arxiv.org/abs/1706.03762
Step 3 of the slides compares by "cosine distance", but the formula printed next is a dot product divided by √d: the two
rank the keys alike only when all keys are equally long. The table's √64 = 8 takes 64 as the length of the keys. Keras'
`MultiHeadAttention` divides by √d; its `Attention` does not, unless `use_scale=True`, and then by a weight it learns.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np

WORDS = {"dinero": (2.6, 0.0), "del": (0.2, 0.2), "banco": (1.0, 1.0), "parque": (0.0, 2.6)}  # (money, nature)
SENTENCES = ("dinero del banco", "banco del parque")


def softmax(scores):
    """e^s / Σ e^s along the last axis."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def attention(query, key, value, mask=None, scale=None):
    """Z = softmax(Q Kᵀ / √d) V and the weights: (…, T, d) queries, (…, S, d) keys and (…, S, v) values.

    Where `mask` (…, T, S) is False, that query may not look at that key. `scale` is to replace 1/√d.
    """
    scores = query @ np.swapaxes(key, -1, -2) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if mask is not None:
        scores = np.where(mask, scores, -1e9)
    weights = softmax(scores)
    return weights @ value, weights


def multi_head(query, value, weights, mask=None):
    """What `keras.layers.MultiHeadAttention` computes, from its `get_weights()`, and the weights of its heads.

    Each head has its own three maps to Q, K and V; a last matrix W⁰ puts the heads' z side by side back together.
    """
    (w_q, b_q), (w_k, b_k), (w_v, b_v), (w_o, b_o) = zip(weights[::2], weights[1::2], strict=True)
    q, k, v = (
        np.einsum("btm,mhd->bhtd", x, w) + b[:, None]
        for x, w, b in ((query, w_q, b_q), (value, w_k, b_k), (value, w_v, b_v))
    )
    z, looks = attention(q, k, v, mask)
    return np.einsum("bhtd,hdm->btm", z, w_o) + b_o, looks


def cosine(query, key):
    """Cosine of the angles between (T, d) queries and (S, d) keys."""
    return query @ key.T / np.linalg.norm(query, axis=-1)[:, None] / np.linalg.norm(key, axis=-1)


def search(query, keys, values, temperature):
    """A dictionary that is asked by similarity: cold, it returns the nearest key's value; hot, the mean of all."""
    return attention(query, keys, values, scale=1 / temperature)[0]


def spread(d, scale, keys=10, queries=400, seed=0):
    """How many of ten random keys a query looks at (e^entropy), and how much a change of the scores still changes.

    The latter is the mean norm of the softmax's Jacobian diag(a) − a aᵀ: what a gradient is multiplied with.
    """
    rng = np.random.default_rng(seed)
    query, key = rng.normal(size=(queries, 1, d)), rng.normal(size=(queries, keys, d))
    a = attention(query, key, key, scale=scale)[1][:, 0]
    seen = np.exp(-(a * np.log(np.maximum(a, 1e-300))).sum(-1)).mean()
    return seen, np.linalg.norm(a[:, :, None] * np.eye(keys) - a[:, :, None] * a[:, None], axis=(1, 2)).mean()


def heat(axis, weights, words, title, mask=True):
    """Attention as a table: a row for each query, grey where it may not look."""
    axis.imshow(np.where(mask, weights, np.nan), cmap="Blues", vmin=0, vmax=1)
    axis.set(facecolor="0.75", title=title, ylabel="query")
    for row, column in np.argwhere(mask & (weights >= 0)):
        weight = weights[row, column]
        axis.text(
            column, row, f"{weight:.2f}", ha="center", va="center", fontsize=9, color="white" if weight > 0.6 else "0.2"
        )
    axis.set_xticks(range(len(words)), words, rotation=45, ha="right")
    axis.set_yticks(range(len(words)), words)


def in_context():
    """The same word in two sentences: other weights, another z."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 4), width_ratios=(3, 3, 4), layout="constrained")
    axes[2].annotate("banco, alone", WORDS["banco"], (10, 0), textcoords="offset points", va="center")
    for axis, sentence, colour in zip(axes, SENTENCES, ("C0", "C2"), strict=False):
        words = sentence.split()
        vectors = np.array([WORDS[word] for word in words])
        z, weights = attention(vectors, vectors, vectors)
        heat(axis, weights, words, f"«{sentence}»")
        place = z[words.index("banco")]
        axes[2].fill(*vectors.T, color=colour, alpha=0.12, linewidth=0)
        axes[2].plot(*vectors.T, "o", color=colour, markersize=5)
        axes[2].annotate("", place, WORDS["banco"], arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2})
        axes[2].annotate(f"z in «{sentence}»", place, (8, 8), textcoords="offset points", color=colour)
    axes[2].plot(*WORDS["banco"], "o", color="black", markersize=8)
    for word in ("dinero", "parque", "del"):
        axes[2].annotate(word, WORDS[word], (8, 4), textcoords="offset points")
    axes[2].set(title="The words around «banco» pull it away", xlabel="money", ylabel="nature")
    axes[2].set(xlim=(-0.2, 3.6), ylim=(-0.2, 3.0))
    return figure


def why_divide():
    """Products of longer vectors are larger, and a softmax of large numbers looks at one key and learns no more."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    rng = np.random.default_rng(3)
    query, key = rng.normal(size=(1, 512)), rng.normal(size=(10, 512))
    sizes = 2 ** np.arange(13)
    for shift, (label, colour, power) in enumerate((("q · k", "C1", 0), ("q · k / √d", "C0", -0.5))):
        weights = attention(query, key, key, scale=512.0**power)[1][0]
        axes[0].bar(np.arange(10) + 0.4 * shift - 0.2, weights, 0.4, color=colour, label=label)
        seen, slope = np.transpose([spread(d, float(d) ** power) for d in sizes])
        axes[1].semilogx(sizes, seen, "o-", base=2, color=colour, label=label)
        axes[2].loglog(sizes, slope, "o-", base=2, color=colour, label=label)
    axes[0].set(title="d = 512: undivided, one key takes all", xlabel="key", ylabel="weight", xticks=range(10))
    axes[0].legend()
    axes[1].set(title="Keys that a query really looks at", xlabel="d", ylabel="$e^{entropy}$", ylim=(0, 10))
    axes[2].set(title="Gradient that the softmax lets through", xlabel="d", ylabel="norm of its Jacobian")
    return figure


def as_search():
    """Five keys on a circle, each with its value; the answer to every query, at three temperatures."""
    figure, axis = plt.subplots(figsize=(8, 4.6), layout="constrained")
    degrees, values = np.array([36, 108, 180, 252, 324]), np.array([3, 1, 4, 1.5, 5])[:, None]
    circle = lambda angle: np.stack([np.cos(np.radians(angle)), np.sin(np.radians(angle))], -1)  # noqa: E731
    asked = np.linspace(0, 360, 721)
    for temperature, label in ((0.005, "cold: value of the nearest key"), (0.3, "warm"), (100, "hot: mean of all")):
        axis.plot(
            asked, search(circle(asked), circle(degrees), values, temperature), label=f"T = {temperature}, {label}"
        )
    axis.plot(degrees, values, "o", color="black", markersize=9, label="keys and their values")
    axis.set(title="A dictionary that can be asked for what is not in it", xticks=range(0, 361, 72), ylim=(0, 5.4))
    axis.set(xlabel="direction of the query, degrees", ylabel="value returned")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def masked():
    """Two heads of a Keras layer with its random initial weights, and what the two masks leave."""
    keras.utils.set_random_seed(1)
    words = ["mi", "perro", "come", "pan", "[pad]"]
    x = 2 * np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    layer = keras.layers.MultiHeadAttention(num_heads=2, key_dim=4)
    layer(x, x)
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.9), layout="constrained")
    titles = ("One head", "Another looks elsewhere", "Padding is not looked at", "Causal: nobody looks ahead")
    masks = (None, None, np.arange(5) < 4, np.tri(5, dtype=bool))
    for axis, title, mask, head in zip(axes, titles, masks, (0, 1, 0, 0), strict=True):
        heat(
            axis, multi_head(x, x, layer.get_weights(), mask)[1][0, head], words, title, True if mask is None else mask
        )
    return figure


def figures():
    """A word in two contexts, why scores are divided by √d, attention as search, heads and masks."""
    return {"context": in_context(), "scaling": why_divide(), "search": as_search(), "masks": masked()}


def main():
    products = np.array([112, 96])
    weights = softmax(products / np.sqrt(64))
    print(
        "«Thinking» against itself and «Machines»: q · k = 112 and 96; / √64 = 14 and 12; softmax =", weights.round(4)
    )
    print(f"z₁ = {weights[0]:.4f} v₁ + {weights[1]:.4f} v₂; undivided, it would be {softmax(products)[0]:.7f} v₁ + …")

    rng = np.random.default_rng(0)
    query, value = (rng.normal(size=(2, steps, 16)).astype("float32") for steps in (5, 7))
    for heads in (1, 4):
        layer = keras.layers.MultiHeadAttention(heads, 16 // heads)
        theirs = keras.ops.convert_to_numpy(layer(query, value))
        difference = np.abs(multi_head(query, value, layer.get_weights())[0] - theirs).max()
        print(f"MultiHeadAttention, {heads} heads: {query.shape} on {value.shape} gives {theirs.shape}, ", end="")
        print(f"4 d² + 4 d = {layer.count_params()} parameters; ours differs by {difference:.0e}")
    for name, picture in figures().items():
        picture.savefig(f"{name}.png")


if __name__ == "__main__":
    main()
