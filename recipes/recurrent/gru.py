"""GRU: the equations that the slides print under "LSTM", by hand and in Keras, and how a gate holds a value.

Slides: 001 «Redes LSTM», 001 «zoo GRU».
Paper:  Cho et al. (2014), https://arxiv.org/abs/1406.1078
Deck 001 prints z, r, h̃ and h under «Redes LSTM»: that is a gated recurrent unit (GRU). An LSTM has a cell state besides
and four maps instead of three (recipe lstm). The slide has h = (1 − z) h + z h̃, so z says how much is renewed; Keras
has h = z h + (1 − z) h̃, so its z says how much is kept. σ(−s) = 1 − σ(s): with the weights of z negated, both agree.

Keras' default, `reset_after=True`, resets after the matrix product (r ∗ (h W), not (r ∗ h) W) and has two biases.
From 32 to 64: 18,432 weights as on the slide, 18,624 with a bias, 18,816 by default; an LSTM has 24,832.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def gru(x, w_z, w_r, w):
    """The slide: states and gates z (batch, steps, units) of inputs (batch, steps, m); matrices are (units + m, units).

    z = σ([h, x] W_z), r = σ([h, x] W_r), h̃ = tanh([r ∗ h, x] W), h = (1 − z) ∗ h + z ∗ h̃.
    """
    h, states, gates = np.zeros((len(x), w.shape[1])), [], []
    for t in range(x.shape[1]):
        both = np.concatenate([h, x[:, t]], axis=1)
        z, r = sigmoid(both @ w_z), sigmoid(both @ w_r)
        proposal = np.tanh(np.concatenate([r * h, x[:, t]], axis=1) @ w)
        h = (1 - z) * h + z * proposal
        states.append(h)
        gates.append(z)
    return np.stack(states, 1), np.stack(gates, 1)


def with_keras(w_z, w_r, w, sign=-1):
    """The same as a Keras layer: the weights of z change their sign (or, with sign=1, do not)."""
    units = w.shape[1]
    layer = keras.layers.GRU(units, use_bias=False, reset_after=False, return_sequences=True)
    layer.build((None, None, len(w) - units))
    together = np.concatenate([sign * w_z, w_r, w], axis=1)
    layer.set_weights([together[units:], together[:units]])  # kernel, recurrent kernel
    return layer


def difference(x, weights, sign=-1):
    """The largest difference between the slide's states and those of the Keras layer."""
    theirs = keras.ops.convert_to_numpy(with_keras(*weights, sign)(x.astype("float32")))
    return np.abs(theirs - gru(x, *weights)[0]).max()


def initial(inputs, units, seed=0):
    """Random W_z, W_r and W."""
    return list(np.random.default_rng(seed).normal(0, 0.5, (3, units + inputs, units)))


def sample_and_hold():
    """One unit, its weights set by hand: W_z, W_r and W, for h, a value, a mark and a constant 1.

    z is open where there is a mark and shut where there is none; what is proposed depends on the value alone.
    """
    return [np.array(column, "float64")[:, None] for column in ([0, 0, 14, -7], [0, 0, 0, -7], [0, 1, 0, 0])]


def signal(steps=120, seed=2):
    """A value that wanders (1, steps, 3), marked four times, and a constant 1."""
    walk = np.cumsum(np.random.default_rng(seed).normal(0, 0.25, steps))
    marks = np.isin(np.arange(steps), (5, 30, 55, 95))
    return np.stack([walk - walk.mean(), marks, np.ones(steps)], -1)[None]


def hold():
    """The unit that takes up the value at each mark and holds it until the next."""
    x = signal()
    states, gates = gru(x, *sample_and_hold())
    figure, axes = plt.subplots(2, 1, figsize=(9, 5), height_ratios=(3, 1), sharex=True, layout="constrained")
    axes[0].plot(np.tanh(x[0, :, 0]), color="0.6", label="tanh of the value: what is proposed")
    axes[0].plot(states[0, :, 0], color="C0", label="h: what is held")
    marked = np.flatnonzero(x[0, :, 1])
    axes[0].plot(marked, states[0, marked, 0], "o", color="C1", label="marks")
    axes[0].set(title="While the gate is shut, the state stays as it is", ylim=(-1.1, 1.5))
    axes[0].legend(ncols=3, loc="upper left")
    axes[1].fill_between(np.arange(len(gates[0])), gates[0, :, 0], step="mid", color="C1")
    axes[1].set(title="z opens at the marks only", xlabel="step", ylim=(0, 1.1))
    return figure


def gates_and_signs():
    """How long a state lasts at a constant z, and what becomes of the slide's weights in Keras."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for z, colour in ((0.5, "C1"), (0.1, "C4"), (0.02, "C0")):
        axes[0].plot(
            (1 - z) ** np.arange(100), color=colour, label=f"z = {z}: half after {np.log(0.5) / np.log(1 - z):.0f}"
        )
    axes[0].set(title="A gate sets how long something is remembered", xlabel="steps", ylabel="share left, (1 − z)ᵗ")
    axes[0].legend()
    x = signal()
    axes[1].plot(gru(x, *sample_and_hold())[0][0, :, 0], color="C0", linewidth=5, alpha=0.4, label="slide")
    for sign, look, label in ((-1, "-", "Keras, weights of z negated"), (1, ":", "Keras, weights as they are")):
        states = keras.ops.convert_to_numpy(with_keras(*sample_and_hold(), sign)(x.astype("float32")))
        axes[1].plot(states[0, :, 0], look, color="black" if sign < 0 else "C1", linewidth=1.5, label=label)
    axes[1].set(
        title="Unnegated, the unit forgets at once and holds nothing", xlabel="step", ylabel="h", ylim=(-1.1, 1.9)
    )
    axes[1].legend(loc="upper left")
    return figure


def figures():
    """A value held by a gate; memory against z, and the sign that tells the slide from Keras."""
    return {"hold": hold(), "gates_and_signs": gates_and_signs()}


def main():
    x, weights = np.random.default_rng(1).normal(size=(4, 20, 6)), initial(6, 8)
    print(f"The slide's equations and Keras' GRU, weights of z negated: differ by {difference(x, weights):.0e}")
    print(f"With the weights as they are: by {difference(x, weights, sign=1):.2f}")
    for name, layer in {
        "GRU as on the slide": keras.layers.GRU(64, use_bias=False, reset_after=False),
        "GRU with a bias": keras.layers.GRU(64, reset_after=False),
        "GRU as Keras has it": keras.layers.GRU(64),
        "LSTM": keras.layers.LSTM(64),
    }.items():
        layer.build((None, None, 32))
        print(f"{name}, 32 → 64: {layer.count_params():,} parameters")
    for name, picture in figures().items():
        picture.savefig(f"{name}.png")


if __name__ == "__main__":
    main()
