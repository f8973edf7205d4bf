"""A recurrent network by hand: one step repeated, unrolled in time, and back-propagation through time.

Slides: 002 «Redes neuronales recurrentes (RNN)», 002 «RNN – desplegado temporal», 002 «RNN – BPTT»,
        002 «RNN: requisitos», 001 «zoo RNN».
Paper:  Elman (1990), https://doi.org/10.1207/s15516709cog1402_1; Werbos (1990), Backpropagation through time,
        https://doi.org/10.1109/5.58337
The slide's h_t = tanh(W_hhᵀ h_{t−1} + W_xhᵀ x_t), y_t = W_hyᵀ h_t is `SimpleRNN(use_bias=False)` and a `Dense` layer.
Among the requirements that it says an RNN meets are long dependencies; its own later slides show that it does not, and
so does the picture of the gradient here.

The same weights at every step: a pattern learned at one place of the sequence is recognised at all others, which a
dense layer on the whole sequence cannot do. The number of weights does not depend on the length (6,208 for 32 → 64).
"""

import keras
import matplotlib.pyplot as plt
import numpy as np

STEPS, PLACE = 20, 2
CUES = np.array(list(np.ndindex(2, 2, 2))) * 2 - 1  # eight ways to order three ticks up or down
ANSWERS = np.where(
    np.all(CUES == [1, -1, 1], 1), 1, np.where(np.all(CUES == [-1, 1, -1], 1), -1, 0)
)


def rnn(x, w_xh, w_hh, w_hy):
    """Outputs (batch, steps, outputs) and states (batch, steps + 1, units), the first one zero."""
    states = [np.zeros((len(x), len(w_hh)))]
    for t in range(x.shape[1]):
        states.append(np.tanh(states[-1] @ w_hh + x[:, t] @ w_xh))
    states = np.stack(states, 1)
    return states[:, 1:] @ w_hy, states


def bptt(x, d, w_xh, w_hh, w_hy):
    """E = ½ Σ (y − d)² over all steps, its gradients for the three matrices, and ∂E/∂h_t (steps, batch, units).

    Backwards in time: what reaches a state comes from its own output and, through the next state, from all later ones.
    """
    y, states = rnn(x, w_xh, w_hh, w_hy)
    error = y - d
    g_xh, g_hh, g_hy = np.zeros_like(w_xh), np.zeros_like(w_hh), np.zeros_like(w_hy)
    later, reaching = 0, []
    for t in reversed(range(x.shape[1])):
        h, before = states[:, t + 1], states[:, t]
        g_h = error[:, t] @ w_hy.T + later
        g_s = g_h * (1 - h**2)  # through tanh
        g_hy += h.T @ error[:, t]
        g_hh += before.T @ g_s  # the same weights at every step: their gradients add up
        g_xh += x[:, t].T @ g_s
        later = g_s @ w_hh.T
        reaching.append(g_h)
    return 0.5 * np.sum(error**2), (g_xh, g_hh, g_hy), np.array(reaching[::-1])


def unrolled(steps, inputs, units, outputs):
    """The network unrolled in time as a graph: a copy for each step, all of the same layers."""
    from_input, from_state, to_output = (
        keras.layers.Dense(n, use_bias=False) for n in (units, units, outputs)
    )
    sequence = keras.Input((steps, inputs))
    h, answers = None, []
    for t in range(steps):
        s = from_input(sequence[:, t])
        h = keras.ops.tanh(s if h is None else s + from_state(h))
        answers.append(to_output(h))
    return keras.Model(sequence, keras.ops.stack(answers, axis=1))


def with_keras(inputs, units, outputs):
    """The same in two layers, for sequences of any length."""
    cell = keras.layers.SimpleRNN(units, use_bias=False, return_sequences=True)
    return keras.Sequential(
        [keras.Input((None, inputs)), cell, keras.layers.Dense(outputs, use_bias=False)]
    )


def initial(inputs, units, outputs, radius=0.9, seed=0):
    """Random W_xh, W_hh and W_hy; the largest eigenvalue of W_hh has the given absolute value."""
    rng = np.random.default_rng(seed)
    w_xh, w_hh, w_hy = (
        rng.normal(size=shape) for shape in ((inputs, units), (units, units), (units, outputs))
    )
    return [
        0.5 * w_xh,
        w_hh * radius / np.abs(np.linalg.eigvals(w_hh)).max(),
        w_hy / np.sqrt(units),
    ]


def at(place, steps=STEPS):
    """Each of the eight patterns at that place of an empty sequence, and the answers: ±1 as it ends, else 0."""
    x, d = np.zeros((2, len(CUES), steps, 1))
    x[:, place : place + 3, 0], d[:, place + 2, 0] = CUES, ANSWERS
    return x, d


def learn(units=12, updates=1000, rate=0.005, seed=0):
    """Weights that answer +1 to up–down–up and −1 to its opposite, by BPTT, from examples at one place only."""
    weights, x, d = initial(1, units, 1, seed=seed), *at(PLACE)
    moments = [np.zeros_like(w) for w in weights]
    for _ in range(updates):
        _, gradients, _ = bptt(x, d, *weights)
        for w, g, m in zip(weights, gradients, moments, strict=True):
            m *= 0.9
            m += g
            w -= rate * m
    return weights


def dense_on_window():
    """The best linear answer to the whole sequence laid side by side, (steps, steps), with the same examples."""
    x, d = at(PLACE)
    return np.linalg.pinv(x[:, :, 0]) @ d[:, :, 0]


def recognised():
    """The pattern where it was learned and elsewhere: states and outputs of the RNN, and of a dense layer."""
    weights, window = learn(), dense_on_window()
    figure, axes = plt.subplots(
        3, 3, figsize=(11, 6.2), layout="constrained", sharex=True, sharey="row"
    )
    steps = np.arange(STEPS)
    for column, place in zip(axes.T, (PLACE, 8, 15), strict=True):
        x, _ = at(place)
        shown = int(np.argmax(ANSWERS))
        y, states = rnn(x, *weights)
        column[0].bar(steps, x[shown, :, 0], color="0.3")
        column[0].set_title("Learned here: ▲▼▲" if place == PLACE else "Never seen here")
        column[1].imshow(states[shown, 1:].T, cmap="PuOr", vmin=-1, vmax=1, aspect="auto")
        column[2].plot(steps, y[shown, :, 0], "o-", color="C0", label="RNN")
        column[2].plot(
            steps,
            x[shown, :, 0] @ window,
            "s--",
            color="C1",
            label="dense, one weight per place",
            markersize=4,
        )
        column[1].set_yticks((0, 5, 10))
        column[2].set(xlabel="step", xticks=range(0, STEPS, 5))
    for axis, label in zip(axes[:, 0], ("input", "state h: unit", "output"), strict=True):
        axis.set_ylabel(label)
    axes[2, 2].legend(loc="upper left")
    figure.suptitle("The same weights at every step: what is learned at one place is known at all")
    return figure


def gradient_through_time(steps=60, units=32):
    """How much of an error at the last step reaches each earlier state."""
    figure, axis = plt.subplots(figsize=(8, 4.3), layout="constrained")
    rng = np.random.default_rng(1)
    x, d = 0.1 * rng.normal(size=(8, steps, 4)), np.zeros((8, steps, 1))
    for radius, colour in ((0.5, "C1"), (0.9, "C4"), (1.0, "C0"), (1.1, "C2"), (2.0, "C3")):
        weights = initial(4, units, 1, radius)
        y, _ = rnn(x, *weights)
        d[:, :-1], d[:, -1] = y[:, :-1], y[:, -1] + 1  # an error only at the end
        reaching = np.linalg.norm(bptt(x, d, *weights)[2], axis=(1, 2))
        axis.semilogy(
            np.arange(steps) - steps + 1,
            reaching / reaching[-1],
            color=colour,
            label=f"{radius:.1f}",
        )
    axis.set(
        title="On its way back, the gradient shrinks or grows with every step",
        xlabel="steps before the error",
    )
    axis.set(ylabel="norm of ∂E/∂h, relative", ylim=(1e-12, 1e6))
    axis.legend(title="radius of W_hh", loc="upper left", ncols=5)
    return figure


def figures():
    """A pattern learned at one place and recognised elsewhere; the gradient on its way back through time."""
    return {"recognised": recognised(), "gradient": gradient_through_time()}


def main():
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(4, 12, 3)), initial(3, 5, 2)
    ours = rnn(x, *weights)[0]
    for name, model in {
        "SimpleRNN": with_keras(3, 5, 2),
        "Unrolled in time": unrolled(12, 3, 5, 2),
    }.items():
        model.set_weights(weights)
        difference = np.abs(model.predict(x, verbose=0) - ours).max()
        print(
            f"{name}: {model.count_params()} parameters, differs from the loop by at most {difference:.0e}"
        )
    for steps in (5, 10):
        print(
            f"Unrolled over {steps} steps of 32 inputs to 64 units: {unrolled(steps, 32, 64, 1).count_params():,}"
        )

    weights = learn()
    for place in (PLACE, 8, 15):
        x, d = at(place)
        error = np.abs(rnn(x, *weights)[0] - d).max()
        print(f"Pattern at step {place}: the RNN errs by at most {error:.2f}, ", end="")
        print(
            f"a dense layer on the whole sequence by {np.abs(x[:, :, 0] @ dense_on_window() - d[:, :, 0]).max():.2f}"
        )
    for name, picture in figures().items():
        picture.savefig(f"{name}.png")


if __name__ == "__main__":
    main()
