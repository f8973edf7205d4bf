"""Recurrent network by hand: one step repeated, unrolling in time, backpropagation through time.

Slides: 002 «Redes neuronales recurrentes (RNN)», 002 «RNN – desplegado temporal», 002 «RNN – BPTT»,
        002 «RNN: requisitos», 001 «zoo RNN».
Paper:  Elman (1990), https://doi.org/10.1207/s15516709cog1402_1; Werbos (1990), Backpropagation
        through time, https://doi.org/10.1109/5.58337
The slide's h_t = tanh(W_hhᵀ h_{t−1} + W_xhᵀ x_t), y_t = W_hyᵀ h_t is `SimpleRNN(use_bias=False)`
and a `Dense` layer. The slide says that an RNN can learn long-term dependencies; later slides show
that it cannot, and so does the picture of the gradient here.

The weights are shared by all steps: a pattern learned at one position of the sequence is recognized
at all others, which a dense layer on the whole sequence cannot do. The number of weights does not
depend on the length (6,208 for 32 → 64, biases included).
"""

import keras
import matplotlib.pyplot as plt
import numpy as np

STEPS = 20  # length of the sequences, each of which contains a pattern
PLACE = 2  # first step of the pattern in training
OTHER_PLACES = (8, 15)  # first step of the pattern in the test
# The eight patterns of three steps up (1) or down (−1), and the target of each: 1 for up–down–up,
# −1 for down–up–down, 0 for the others.
PATTERNS = 2 * np.array(list(np.ndindex(2, 2, 2))) - 1
UP_DOWN_UP = [1, -1, 1]
ANSWERS = np.zeros(len(PATTERNS))
ANSWERS[np.all(np.equal(PATTERNS, UP_DOWN_UP), axis=1)] = 1
ANSWERS[np.all(np.equal(-PATTERNS, UP_DOWN_UP), axis=1)] = -1


def rnn(x, w_xh, w_hh, w_hy):
    """The forward pass of a simple recurrent network.

    Args:
        x: Inputs (batch, steps, inputs).
        w_xh, w_hh, w_hy: Matrices (inputs, units), (units, units) and (units, outputs).

    Returns:
        Outputs (batch, steps, outputs) and states (batch, steps + 1, units), starting with zeros.
    """
    h = np.zeros((len(x), len(w_hh)))  # (batch, units)
    states = [h]
    for t in range(x.shape[1]):
        h = np.tanh(h @ w_hh + x[:, t] @ w_xh)
        states.append(h)
    states = np.stack(states, axis=1)
    return states[:, 1:] @ w_hy, states


def bptt(x, targets, w_xh, w_hh, w_hy):
    """Backpropagation through time: the error of all steps and its gradients.

    The gradient of a state comes from its own output and, through the next state, from all later
    outputs.

    Args:
        x, w_xh, w_hh, w_hy: As for `rnn`.
        targets: (batch, steps, outputs).

    Returns:
        E = ½ Σ (y − target)²; its gradients for the three matrices; and ∂E/∂h_t for each step,
        (steps, batch, units).
    """
    y, states = rnn(x, w_xh, w_hh, w_hy)
    error = y - targets
    g_xh = np.zeros_like(w_xh)
    g_hh = np.zeros_like(w_hh)
    g_hy = np.zeros_like(w_hy)
    from_later = np.zeros_like(states[:, 0])  # (batch, units)
    state_gradients = []
    for t in reversed(range(x.shape[1])):
        h = states[:, t + 1]
        before = states[:, t]
        g_h = error[:, t] @ w_hy.T + from_later
        g_s = g_h * (1 - h**2)  # derivative of tanh
        # The weights are the same at every step, so their gradients are summed.
        g_hy += h.T @ error[:, t]
        g_hh += before.T @ g_s
        g_xh += x[:, t].T @ g_s
        from_later = g_s @ w_hh.T
        state_gradients.append(g_h)
    state_gradients.reverse()
    return 0.5 * np.sum(error**2), (g_xh, g_hh, g_hy), np.array(state_gradients)


def unrolled(steps, inputs, units, outputs):
    """The network unrolled in time as a graph: at each step the same layers are applied."""
    from_input = keras.layers.Dense(units, use_bias=False)
    from_state = keras.layers.Dense(units, use_bias=False)
    to_output = keras.layers.Dense(outputs, use_bias=False)
    sequence = keras.Input((steps, inputs))
    h = keras.ops.tanh(from_input(sequence[:, 0]))  # the previous state is zero
    answers = [to_output(h)]
    for t in range(1, steps):
        h = keras.ops.tanh(from_input(sequence[:, t]) + from_state(h))
        answers.append(to_output(h))
    return keras.Model(sequence, keras.ops.stack(answers, axis=1))


def keras_rnn(inputs, units, outputs):
    """The same network as two layers, for sequences of any length."""
    return keras.Sequential(
        [
            keras.Input((None, inputs)),
            keras.layers.SimpleRNN(units, use_bias=False, return_sequences=True),
            keras.layers.Dense(outputs, use_bias=False),
        ]
    )


def random_weights(inputs, units, outputs, radius=0.9, seed=0):
    """Random W_xh, W_hh and W_hy; `radius` is the largest |eigenvalue| of W_hh."""
    rng = np.random.default_rng(seed)
    w_xh = 0.5 * rng.normal(size=(inputs, units))
    w_hh = rng.normal(size=(units, units))
    w_hh *= radius / np.abs(np.linalg.eigvals(w_hh)).max()
    w_hy = rng.normal(size=(units, outputs)) / np.sqrt(units)
    return [w_xh, w_hh, w_hy]


def patterns_at(place, steps=STEPS):
    """The eight patterns at step `place` in sequences of zeros, and their targets.

    Both are (8, steps, 1); targets are 0 except at the last step of the pattern.
    """
    x = np.zeros((len(PATTERNS), steps, 1))
    targets = np.zeros((len(PATTERNS), steps, 1))
    x[:, place : place + 3, 0] = PATTERNS
    targets[:, place + 2, 0] = ANSWERS
    return x, targets


def train(units=12, updates=1000, rate=0.005, seed=0):
    """W_xh, W_hh and W_hy trained by BPTT, with momentum 0.9, on patterns at one position only."""
    weights = random_weights(1, units, 1, seed=seed)
    x, targets = patterns_at(PLACE)
    velocities = [np.zeros_like(w) for w in weights]
    for _ in range(updates):
        _, gradients, _ = bptt(x, targets, *weights)
        for w, gradient, velocity in zip(weights, gradients, velocities, strict=True):
            velocity *= 0.9
            velocity += gradient
            w -= rate * velocity
    return weights


def dense_layer():
    """Weights (steps, steps) of a dense layer on whole sequences, fitted by least squares."""
    x, targets = patterns_at(PLACE)
    return np.linalg.pinv(x[:, :, 0]) @ targets[:, :, 0]


def plot_recognition(weights):
    """States and outputs for the pattern at the learned and other positions, and a dense layer."""
    dense = dense_layer()
    shown = int(np.argmax(ANSWERS))  # up–down–up
    steps = np.arange(STEPS)
    figure, axes = plt.subplots(
        3, 3, figsize=(11, 6.2), layout="constrained", sharex=True, sharey="row"
    )
    for column, place in zip(axes.T, (PLACE, *OTHER_PLACES), strict=True):
        x, _ = patterns_at(place)
        y, states = rnn(x, *weights)
        dense_answer = x[shown, :, 0] @ dense
        column[0].bar(steps, x[shown, :, 0], color="0.3")
        column[0].set_title("Learned here: ▲▼▲" if place == PLACE else "Never seen here")
        column[1].imshow(states[shown, 1:].T, cmap="PuOr", vmin=-1, vmax=1, aspect="auto")
        column[1].set_yticks((0, 5, 10))
        column[2].plot(steps, y[shown, :, 0], "o-", color="C0", label="RNN")
        label = "dense, one weight per place"
        column[2].plot(steps, dense_answer, "s--", color="C1", label=label, markersize=4)
        column[2].set(xlabel="step", xticks=range(0, STEPS, 5))
    for axis, label in zip(axes[:, 0], ("input", "state h: unit", "output"), strict=True):
        axis.set_ylabel(label)
    axes[2, 2].legend(loc="upper left")
    figure.suptitle("The same weights at every step: what is learned at one place is known at all")
    return figure


def gradient_norms(radius, steps=60, units=32):
    """Norm of ∂E/∂h for each step, (steps,), relative to the last step, where the only error is."""
    weights = random_weights(4, units, 1, radius)
    x = 0.1 * np.random.default_rng(1).normal(size=(8, steps, 4))
    targets, _ = rnn(x, *weights)  # no error at any step …
    targets[:, -1] += 1  # … except the last
    _, _, state_gradients = bptt(x, targets, *weights)
    norms = np.linalg.norm(state_gradients, axis=(1, 2))
    return norms / norms[-1]


def plot_gradient():
    """Vanishing and exploding gradients of an error at the last step, back through time."""
    figure, axis = plt.subplots(figsize=(8, 4.3), layout="constrained")
    for radius, color in ((0.5, "C1"), (0.9, "C4"), (1.0, "C0"), (1.1, "C2"), (2.0, "C3")):
        norms = gradient_norms(radius)
        steps_before_end = np.arange(len(norms)) - len(norms) + 1
        axis.semilogy(steps_before_end, norms, color=color, label=f"{radius:.1f}")
    axis.set(title="On its way back, the gradient shrinks or grows with every step")
    axis.set(xlabel="steps before the error", ylabel="norm of ∂E/∂h, relative", ylim=(1e-12, 1e6))
    axis.legend(title="spectral radius of W_hh", loc="upper left", ncols=5)
    return figure


def main():
    x = np.random.default_rng(0).normal(size=(4, 12, 3))
    weights = random_weights(3, 5, 2)
    by_hand, _ = rnn(x, *weights)
    models = {"SimpleRNN": keras_rnn(3, 5, 2), "Unrolled in time": unrolled(12, 3, 5, 2)}
    for name, model in models.items():
        model.set_weights(weights)
        difference = np.abs(model.predict(x, verbose=0) - by_hand).max()
        print(f"{name}: {model.count_params()} parameters, ", end="")
        print(f"differs from the loop by at most {difference:.0e}")
    for steps in (5, 10):
        count = unrolled(steps, 32, 64, 1).count_params()
        print(f"Unrolled over {steps} steps, 32 inputs, 64 units, 1 output: {count:,} parameters")

    weights = train()
    dense = dense_layer()
    for place in (PLACE, *OTHER_PLACES):
        x, targets = patterns_at(place)
        outputs, _ = rnn(x, *weights)
        rnn_error = np.abs(outputs - targets).max()
        dense_error = np.abs(x[:, :, 0] @ dense - targets[:, :, 0]).max()
        print(f"Pattern at step {place}: the RNN errs by at most {rnn_error:.2f}, ", end="")
        print(f"a dense layer on the whole sequence by {dense_error:.2f}")

    plot_recognition(weights).savefig("recognition.png")
    plot_gradient().savefig("gradient.png")


if __name__ == "__main__":
    main()
