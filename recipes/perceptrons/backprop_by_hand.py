"""Backpropagation by hand: the chain rule, a network, a small tape, and a cart that learns where to stop.

Slides: 000 «Modelo de neurona sigmoidal», 000 «Backpropagation: algoritmo», 000 «Backpropagation: propagación de
        errores», 000 «Backpropagation: diferenciación automática», 000 «Backpropagation: sistemas de control»,
        003 «Backpropagation: regla de la cadena», 003 «Backpropagation».
Paper:  Rumelhart, Hinton & Williams (1986), https://doi.org/10.1038/323533a0; Linnainmaa (1970) and Werbos (1974), the
        tape; Bryson & Ho (1969), Applied Optimal Control
Deck 003 sends the error back as δⱼ = Σ wᵢⱼ δᵢ; right is δⱼ = f'(sⱼ) Σ wᵢⱼ δᵢ. Without the slope f' it is the gradient
of linear hidden units only, and sigmoid ones do not learn XOR. The slide gives no numbers for f = (x + y) z; those of
the course that it comes from, CS231n, are x = −2, y = 5, z = −4.
"""

import matplotlib.pyplot as plt
import numpy as np

X = np.array([[0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 1]])  # XOR by columns; the third input, always 1, makes the biases
D = np.array([[0, 1, 1, 0]])
TICKS, DT, DRAG, FUEL = 40, 0.1, 0.5, 0.01


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_slope(z):
    """dy/dz = y (1 − y): ¼ at z = 0, less everywhere else."""
    return sigmoid(z) * (1 - sigmoid(z))


class Value:
    """A number that remembers what it was made of, with the slope towards each part, and so can go all the way back."""

    def __init__(self, number, parts=(), slopes=()):
        self.number, self.parts, self.slopes, self.gradient = float(number), parts, slopes, 0.0

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.number + other.number, (self, other), (1, 1))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.number * other.number, (self, other), (other.number, self.number))

    def __pow__(self, n):
        return Value(self.number**n, (self,), (n * self.number ** (n - 1),))

    def exp(self):
        return Value(np.exp(self.number), (self,), (np.exp(self.number),))

    def log(self):
        return Value(np.log(self.number), (self,), (1 / self.number,))

    def sigmoid(self):
        return Value(sigmoid(self.number), (self,), (sigmoid_slope(self.number),))

    __radd__, __rmul__ = __add__, __mul__
    __neg__ = lambda self: self * -1  # noqa: E731
    __sub__ = lambda self, other: self + -other  # noqa: E731
    __rsub__ = lambda self, other: -self + other  # noqa: E731
    __truediv__ = lambda self, other: self * other**-1  # noqa: E731

    def backward(self):
        """Chain rule from here to all that this was made of: a value's gradient is complete before its parts' are."""
        order = []

        def visit(value):
            if value not in order:
                for part in value.parts:
                    visit(part)
                order.append(value)

        visit(self)
        self.gradient = 1.0
        for value in reversed(order):
            for part, slope in zip(value.parts, value.slopes, strict=True):
                part.gradient += slope * value.gradient


def backprop(w_hidden, w_out, x, d, f=sigmoid, slope=sigmoid_slope):
    """E = ½ ΣΣ (d − y)² of a hidden layer and linear outputs, `(inputs, examples)` to `(outputs, examples)`, and its
    two gradients. `slope=None` leaves f' out, as deck 003 does."""
    s = w_hidden @ x
    v = f(s)
    delta_out = d - w_out @ v
    delta_hidden = w_out.T @ delta_out
    if slope is not None:
        delta_hidden = slope(s) * delta_hidden
    return 0.5 * np.sum(delta_out**2), -delta_hidden @ x.T, -delta_out @ v.T


def learn(seed, slope=sigmoid_slope, steps=1000, rate=0.2):
    """E at each step of Δw = −γ ∂E/∂w on XOR, with four sigmoid hidden units."""
    rng = np.random.default_rng(seed)
    w_hidden, w_out = rng.normal(size=(4, 3)), rng.normal(0, 0.5, (1, 4))
    errors = []
    for _ in range(steps):
        error, to_hidden, to_out = backprop(w_hidden, w_out, X, D, slope=slope)
        w_hidden, w_out = w_hidden - rate * to_hidden, w_out - rate * to_out
        errors.append(error)
    return errors


def simulate(pushes):
    """Positions and speeds of a cart that starts at rest, one more than pushes; friction is the cube of its speed."""
    path = [(0.0, 0.0)]
    for push in pushes:
        position, speed = path[-1]
        path.append((position + DT * speed, speed + DT * (push - DRAG * speed**3)))
    return path


def cost(pushes):
    """What misses at the end, position 1 at speed 0, and a little for the fuel."""
    position, speed = simulate(pushes)[-1]
    return 0.5 * (position - 1) ** 2 + 0.5 * speed**2 + 0.5 * FUEL * DT * sum(push**2 for push in pushes)


def adjoint(pushes):
    """∂cost/∂push at each tick, from the last to the first: backpropagation as engineers had it in 1963."""
    path, gradient = simulate(pushes), np.zeros(len(pushes))
    to_position, to_speed = path[-1][0] - 1, path[-1][1]
    for tick in reversed(range(len(pushes))):
        gradient[tick] = DT * to_speed + FUEL * DT * pushes[tick]
        to_speed = to_speed * (1 - 3 * DT * DRAG * path[tick][1] ** 2) + DT * to_position
    return gradient


def steer(steps=100, rate=0.8):
    """Pushes at each step of gradient descent, `(steps + 1, ticks)`."""
    pushes = [np.zeros(TICKS)]
    for _ in range(steps):
        pushes.append(pushes[-1] - rate * adjoint(pushes[-1]))
    return np.array(pushes)


def figures():
    """The sigmoid's slope and a graph with its gradients; what leaving f' out costs; the cart before and after."""
    chain, axes = plt.subplots(1, 2, figsize=(11, 3.8), width_ratios=(1, 1.4), layout="constrained")
    z = np.linspace(-6, 6, 200)
    axes[0].plot(z, sigmoid(z), label="y = 1 / (1 + e⁻ᶻ)")
    axes[0].plot(z, sigmoid_slope(z), label="dy/dz = y (1 − y)")
    axes[0].axhline(0.25, color="0.6", linestyle=":")
    axes[0].set(title="The slope is never above ¼", xlabel="z", yticks=(0, 0.25, 0.5, 1))
    axes[0].legend(loc="upper left")
    x, y, z = Value(-2), Value(5), Value(-4)
    q = x + y
    f = q * z
    f.backward()
    nodes = {"x": (x, 0, 2), "y": (y, 0, 1), "z": (z, 0, 0), "x + y": (q, 1.3, 1.5), "(x + y) z": (f, 2.6, 0.75)}
    for start, end in (("x", "x + y"), ("y", "x + y"), ("x + y", "(x + y) z"), ("z", "(x + y) z")):
        arrow = {"arrowstyle": "-|>", "shrinkA": 39, "shrinkB": 39, "color": "0.5"}
        axes[1].annotate("", nodes[end][1:], nodes[start][1:], arrowprops=arrow)
    for name, (value, across, up) in nodes.items():
        axes[1].scatter(across, up, s=4600, color="white", edgecolors="0.5", linewidths=1.5, zorder=2)
        texts = (name, "black"), (f"{value.number:g}", "C0"), (f"{value.gradient:g}", "C1")
        for (text, colour), shift in zip(texts, (0.18, -0.02, -0.22), strict=True):
            axes[1].text(across, up + shift, text.replace("-", "−"), ha="center", va="center", color=colour)
    axes[1].set(title="Values forward (blue), gradients backward (orange)", xlim=(-0.5, 3.1), ylim=(-0.5, 2.5))
    axes[1].axis("off")

    rule, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for colour, slope, label in (("C0", sigmoid_slope, "with f'(s)"), ("C1", None, "without, as on the slide")):
        for seed in range(5):
            axis.semilogy(learn(seed, slope), color=colour, linewidth=1.2, label=label if seed == 0 else None)
    axis.set(title="XOR, five starts: without f'(s) the error stays", xlabel="steps", ylabel="E", ylim=(1e-6, 20))
    axis.legend()

    control, axes = plt.subplots(1, 3, figsize=(12, 3.7), layout="constrained")
    pushes, time = steer(), DT * np.arange(TICKS + 1)
    for step, colour in ((0, "0.6"), (5, "C5"), (20, "C0"), (100, "C1")):
        position = [place for place, _ in simulate(pushes[step])]
        axes[0].plot(time, position, color=colour, label=f"after {step} steps")
        axes[1].plot(time[:-1], pushes[step], color=colour)
    axes[0].axhline(1, color="black", linestyle=":")
    axes[0].set(title="The cart learns to stop at 1", xlabel="time", ylabel="position")
    axes[0].legend(loc="upper left", bbox_to_anchor=(0, 0.94))
    axes[1].set(title="It pushes first and brakes later", xlabel="time", ylabel="push")
    costs = [cost(push) for push in pushes]
    axes[2].semilogy(costs)
    axes[2].set(title=f"The cost falls by {100 - 100 * costs[-1] / costs[0]:.1f} %", xlabel="steps", ylabel="cost")
    return {"chain_rule": chain, "slide_rule": rule, "control": control}


def main():
    x, y, z = Value(-2), Value(5), Value(-4)
    f = (x + y) * z
    f.backward()
    print(f"f = (x + y) z = {f.number:g}; ∂f/∂x = {x.gradient:g}, ∂f/∂y = {y.gradient:g}, ∂f/∂z = {z.gradient:g}")
    print(f"Greatest slope of the sigmoid: {sigmoid_slope(0):g}, at 0")
    for name, slope in (("with f'", sigmoid_slope), ("without", None)):
        errors = [learn(seed, slope)[-1] for seed in range(5)]
        print(f"XOR {name}, E after 1,000 steps from five starts: {np.round(errors, 4)}")
    pushes = steer()
    print(f"Cart: the cost falls from {cost(pushes[0]):.3f} to {cost(pushes[-1]):.4f}")
    for name, figure in figures().items():
        figure.savefig(f"{name}.png")


if __name__ == "__main__":
    main()
