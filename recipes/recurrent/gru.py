"""GRU by hand and in Keras: the equations printed under "LSTM", and a gate that holds a value.

Slides: 001 «Redes LSTM», 001 «zoo GRU».
Paper:  Cho et al. (2014), https://arxiv.org/abs/1406.1078
Departs from the slides: deck 001 prints z, r, h̃ and h under «Redes LSTM»: that is a GRU. An LSTM
also has a cell state, and four linear maps instead of three (recipe lstm). In the slide's equation,
h = (1 − z) h + z h̃, z is the share that is updated. In Keras' equation, h = z h + (1 − z) h̃, it is
the share that is kept. Since σ(−s) = 1 − σ(s), both are equal if the weights of z are negated.

Keras' default, `reset_after=True`, applies the reset gate after the matrix product (r ∗ (h W), not
(r ∗ h) W) and has two biases. From 32 inputs to 64 units: 18,432 weights as on the slide, 18,624
with a bias, 18,816 by default; an LSTM has 24,832.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np


def sigmoid(s):
    """1 / (1 + e⁻ˢ)."""
    return 1 / (1 + np.exp(-s))


def gru(x, w_z, w_r, w):
    """The GRU of the slide.

        z = σ([h, x] W_z)          update gate
        r = σ([h, x] W_r)          reset gate
        h̃ = tanh([r ∗ h, x] W)     candidate
        h = (1 − z) ∗ h + z ∗ h̃

    Args:
        x: Inputs (batch, steps, features).
        w_z, w_r, w: Matrices (units + features, units).

    Returns:
        The states h and the update gates z, both (batch, steps, units).
    """
    batch, steps, _ = x.shape
    units = w.shape[1]
    h = np.zeros((batch, units))
    states = []
    gates = []
    for t in range(steps):
        now = x[:, t]  # (batch, features)
        h_and_x = np.concatenate([h, now], axis=1)  # (batch, units + features)
        z = sigmoid(h_and_x @ w_z)
        r = sigmoid(h_and_x @ w_r)
        reset_and_x = np.concatenate([r * h, now], axis=1)
        candidate = np.tanh(reset_and_x @ w)
        h = (1 - z) * h + z * candidate
        states.append(h)
        gates.append(z)
    return np.stack(states, axis=1), np.stack(gates, axis=1)


def keras_gru(w_z, w_r, w, negate_z=True):
    """A Keras layer with the weights of the slide's GRU; those of z are negated or unchanged."""
    units = w.shape[1]
    features = len(w) - units
    layer = keras.layers.GRU(units, use_bias=False, reset_after=False, return_sequences=True)
    layer.build((None, None, features))
    if negate_z:
        w_z = -w_z
    # Keras concatenates the three maps, and separates the matrices for h and for x.
    weights = np.concatenate([w_z, w_r, w], axis=1)  # (units + features, 3 units)
    recurrent_kernel, kernel = np.split(weights, [units])
    layer.set_weights([kernel, recurrent_kernel])
    return layer


def states_in_keras(x, weights, negate_z=True):
    """The states (batch, steps, units) of `keras_gru`, as an array."""
    layer = keras_gru(*weights, negate_z=negate_z)
    states = layer(x.astype("float32"))
    return keras.ops.convert_to_numpy(states)


def difference(x, weights, negate_z=True):
    """The largest difference between the states of the slide's GRU and of the Keras layer."""
    expected = states_in_keras(x, weights, negate_z)
    states, _ = gru(x, *weights)
    return np.abs(states - expected).max()


def random_weights(features, units, seed=0):
    """Random W_z, W_r and W: array (3, units + features, units)."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.5, (3, units + features, units))


def sample_and_hold():
    """W_z, W_r and W of one unit, set by hand, for the inputs of `marked_signal`.

    z is near 1 at a mark and near 0 elsewhere; the candidate is tanh of the value.
    """
    # Rows: h, value, mark, constant 1.
    w_z = np.array([[0.0], [0.0], [14.0], [-7.0]])
    w_r = np.array([[0.0], [0.0], [0.0], [-7.0]])
    w = np.array([[0.0], [1.0], [0.0], [0.0]])
    return w_z, w_r, w


def marked_signal(steps=120, seed=2):
    """A random walk, four marks and a constant 1: array (1, steps, 3)."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 0.25, steps))
    walk = walk - walk.mean()
    marks = np.isin(np.arange(steps), (5, 30, 55, 95))
    signal = np.stack([walk, marks, np.ones(steps)], axis=-1)  # (steps, 3)
    return signal[None]


def plot_sample_and_hold():
    """A unit that samples the value at each mark and holds it until the next."""
    x = marked_signal()
    states, gates = gru(x, *sample_and_hold())
    # The only sequence and the only unit, at each step.
    values, marks, _ = x[0].T
    state = states[0, :, 0]
    gate = gates[0, :, 0]
    marked = np.flatnonzero(marks)
    figure, axes = plt.subplots(
        2, 1, figsize=(9, 5), height_ratios=(3, 1), sharex=True, layout="constrained"
    )
    axes[0].plot(np.tanh(values), color="0.6", label="candidate: tanh of the value")
    axes[0].plot(state, color="C0", label="state h")
    axes[0].plot(marked, state[marked], "o", color="C1", label="marks")
    axes[0].set(title="While the gate is shut, the state stays as it is", ylim=(-1.1, 1.5))
    axes[0].legend(ncols=3, loc="upper left")
    axes[1].fill_between(np.arange(len(gate)), gate, step="mid", color="C1")
    axes[1].set(title="The update gate z opens at the marks only", xlabel="step", ylim=(0, 1.1))
    return figure


def plot_memory(axis):
    """The share of a state that is left after some steps with a constant z."""
    steps = np.arange(100)
    colors = {0.5: "C1", 0.1: "C4", 0.02: "C0"}
    for z, color in colors.items():
        left = (1 - z) ** steps
        half_life = np.log(0.5) / np.log(1 - z)
        axis.plot(left, color=color, label=f"z = {z}: half after {half_life:.0f}")
    axis.set(title="A gate sets how long something is remembered")
    axis.set(xlabel="steps", ylabel="share left, (1 − z)ᵗ")
    axis.legend()


def plot_signs(axis):
    """The slide's states beside those of Keras, with the weights of z negated and unchanged."""
    x = marked_signal()
    weights = sample_and_hold()
    states, _ = gru(x, *weights)
    axis.plot(states[0, :, 0], color="C0", linewidth=5, alpha=0.4, label="slide")
    negated = states_in_keras(x, weights)
    axis.plot(negated[0, :, 0], color="black", label="Keras, weights of z negated")
    as_they_are = states_in_keras(x, weights, negate_z=False)
    axis.plot(as_they_are[0, :, 0], ":", color="C1", label="Keras, weights as they are")
    axis.set(title="Not negated, the unit forgets at once", xlabel="step", ylabel="h")
    axis.set_ylim(-1.1, 1.9)
    axis.legend(loc="upper left")


def main():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4, 20, 6))
    weights = random_weights(features=6, units=8)
    print("Largest difference between the slide's equations and Keras' GRU:")
    print(f"  weights of z negated: {difference(x, weights):.0e}")
    print(f"  weights as they are:  {difference(x, weights, negate_z=False):.2f}")

    layers = {
        "GRU as on the slide": keras.layers.GRU(64, use_bias=False, reset_after=False),
        "GRU with a bias": keras.layers.GRU(64, reset_after=False),
        "GRU, Keras' default": keras.layers.GRU(64),
        "LSTM": keras.layers.LSTM(64),
    }
    for name, layer in layers.items():
        layer.build((None, None, 32))
        print(f"{name}, 32 inputs, 64 units: {layer.count_params():,} parameters")

    plot_sample_and_hold().savefig("hold.png")
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    plot_memory(axes[0])
    plot_signs(axes[1])
    figure.savefig("gates_and_signs.png")


if __name__ == "__main__":
    main()
