"""Backpropagation by hand: chain rule, automatic differentiation, a network, optimal control.

Slides: 000 «Modelo de neurona sigmoidal», 000 «Backpropagation: algoritmo»,
        000 «Backpropagation: propagación de errores»,
        000 «Backpropagation: diferenciación automática»,
        000 «Backpropagation: sistemas de control»,
        003 «Backpropagation: regla de la cadena», 003 «Backpropagation».
Paper:  Rumelhart, Hinton & Williams (1986), https://doi.org/10.1038/323533a0;
        Linnainmaa (1970) and Werbos (1974), reverse-mode automatic differentiation;
        Bryson & Ho (1969), Applied Optimal Control.
Departs from the slides: deck 003 propagates the error as δⱼ = Σ wᵢⱼ δᵢ; the correct formula is δⱼ =
f'(sⱼ) Σ wᵢⱼ δᵢ. Without the derivative f' this is the gradient of linear hidden units only, and
sigmoid units do not learn XOR. The slide gives no numbers for f = (x + y) z; the course it comes
from, CS231n, has x = −2, y = 5, z = −4.
"""

import matplotlib.pyplot as plt
import numpy as np

# The four examples of XOR as columns. The third input is always 1: its weights are the biases.
X = np.array([[0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 1]])
D = np.array([[0, 1, 1, 0]])

# The cart of the control problem.
STEPS = 40  # time steps of the simulation
DT = 0.1  # seconds of a time step
DRAG = 0.5  # friction, as a multiple of the cube of the speed
FUEL = 0.01  # cost of a force, as a multiple of its square


def sigmoid(z):
    """y = 1 / (1 + e⁻ᶻ)."""
    return 1 / (1 + np.exp(-z))


def sigmoid_derivative(z):
    """dy/dz = y (1 − y): ¼ at z = 0, less everywhere else."""
    y = sigmoid(z)
    return y * (1 - y)


# 1. Automatic differentiation: a computational graph that is built during the computation


class Value:
    """A node of a computational graph: a number, its children, and its gradient.

    Args:
        data: The number.
        children: The values that it was computed from.
        local_gradients: Its derivatives with respect to the children, one for each.
    """

    def __init__(self, data, children=(), local_gradients=()):
        self.data = float(data)
        self.children = children
        self.local_gradients = local_gradients
        self.grad = 0.0

    def __add__(self, other):
        other = as_value(other)
        return Value(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other):
        other = as_value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n):
        return Value(self.data**n, (self,), (n * self.data ** (n - 1),))

    def exp(self):
        y = np.exp(self.data)
        return Value(y, (self,), (y,))

    def log(self):
        return Value(np.log(self.data), (self,), (1 / self.data,))

    def sigmoid(self):
        return Value(sigmoid(self.data), (self,), (sigmoid_derivative(self.data),))

    # All other operations are composed of these.

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return other + (-self)

    def __truediv__(self, other):
        return self * other**-1

    def backward(self):
        """Compute the derivatives of this value with respect to all values of its graph."""
        # Topological order: each value comes after all values that it was computed from.
        order = []
        visited = set()

        def visit(value):
            if value not in visited:
                visited.add(value)
                for child in value.children:
                    visit(child)
                order.append(value)

        visit(self)

        # In reverse order, the gradient of a value is complete before it is passed to its children.
        self.grad = 1.0
        for value in reversed(order):
            for child, local_gradient in zip(value.children, value.local_gradients, strict=True):
                child.grad += local_gradient * value.grad


def as_value(number):
    """Convert a number to a `Value`; return a `Value` unchanged."""
    return number if isinstance(number, Value) else Value(number)


def slide_example():
    """The slide's f = (x + y) z with its gradients: x, y, z, x + y and f as `Value`s."""
    x = Value(-2)
    y = Value(5)
    z = Value(-4)
    q = x + y
    f = q * z
    f.backward()
    return x, y, z, q, f


# 2. The network: a hidden layer and linear outputs


def backprop(w_hidden, w_out, x, d, f=sigmoid, derivative=sigmoid_derivative):
    """Error and gradients of a network with one hidden layer and linear outputs.

    Args:
        w_hidden: Weights (hidden, inputs).
        w_out: Weights (outputs, hidden).
        x: Inputs (inputs, examples).
        d: Desired outputs (outputs, examples).
        f: Activation function of the hidden layer.
        derivative: f', the derivative of f; None omits it, as deck 003 does.

    Returns:
        E = ½ ΣΣ (d − y)², ∂E/∂w_hidden and ∂E/∂w_out.
    """
    # Forward pass
    s = w_hidden @ x  # (hidden, examples)
    v = f(s)
    y = w_out @ v  # (outputs, examples)

    # Backward pass
    delta_out = d - y
    delta_hidden = w_out.T @ delta_out  # (hidden, examples)
    if derivative is not None:
        delta_hidden = derivative(s) * delta_hidden

    error = 0.5 * np.sum(delta_out**2)
    return error, -delta_hidden @ x.T, -delta_out @ v.T


def learn_xor(seed, derivative=sigmoid_derivative, steps=1000, learning_rate=0.2):
    """The error E at each step of gradient descent on XOR, with four sigmoid hidden units."""
    rng = np.random.default_rng(seed)
    w_hidden = rng.normal(size=(4, 3))
    w_out = rng.normal(0, 0.5, (1, 4))
    errors = []
    for _ in range(steps):
        error, hidden_gradient, out_gradient = backprop(
            w_hidden, w_out, X, D, derivative=derivative
        )
        w_hidden = w_hidden - learning_rate * hidden_gradient
        w_out = w_out - learning_rate * out_gradient
        errors.append(error)
    return errors


# 3. Optimal control: which forces stop a cart at position 1?


def simulate(forces):
    """(position, speed) of a cart that starts at rest at 0, before each force and at the end."""
    states = [(0.0, 0.0)]
    for force in forces:
        position, speed = states[-1]
        acceleration = force - DRAG * speed**3
        states.append((position + DT * speed, speed + DT * acceleration))
    return states


def cost(forces):
    """Half the squared distances from position 1 and speed 0 at the end, plus the cost of fuel."""
    position, speed = simulate(forces)[-1]
    fuel = FUEL * DT * sum(force**2 for force in forces)
    return 0.5 * (position - 1) ** 2 + 0.5 * speed**2 + 0.5 * fuel


def adjoint(forces):
    """∂cost/∂force at each time step: backpropagation as control engineers knew it in 1963."""
    states = simulate(forces)
    gradient = np.zeros(len(forces))
    # Derivatives of the cost with respect to the position and the speed at the end …
    position_gradient = states[-1][0] - 1
    speed_gradient = states[-1][1]
    for step in reversed(range(len(forces))):
        gradient[step] = DT * speed_gradient + FUEL * DT * forces[step]
        # … and one step earlier: speed affects the next position and, with drag, the next speed.
        speed = states[step][1]
        speed_gradient = speed_gradient * (1 - 3 * DT * DRAG * speed**2) + DT * position_gradient
    return gradient


def optimize_forces(steps=100, learning_rate=0.8):
    """The forces before each step of gradient descent and after the last: (steps + 1, STEPS)."""
    forces = [np.zeros(STEPS)]
    for _ in range(steps):
        forces.append(forces[-1] - learning_rate * adjoint(forces[-1]))
    return np.array(forces)


# Pictures


def plot_sigmoid(axis):
    """The sigmoid and its derivative."""
    z = np.linspace(-6, 6, 200)
    axis.plot(z, sigmoid(z), label="y = 1 / (1 + e⁻ᶻ)")
    axis.plot(z, sigmoid_derivative(z), label="dy/dz = y (1 − y)")
    axis.axhline(0.25, color="0.6", linestyle=":")
    axis.set(title="The derivative is never above ¼", xlabel="z", yticks=(0, 0.25, 0.5, 1))
    axis.legend(loc="upper left")


def plot_graph(axis):
    """The computational graph of the slide, each node with its value and its gradient."""
    x, y, z, q, f = slide_example()
    nodes = {
        "x": (x, (0, 2)),
        "y": (y, (0, 1)),
        "z": (z, (0, 0)),
        "x + y": (q, (1.3, 1.5)),
        "(x + y) z": (f, (2.6, 0.75)),
    }
    edges = (("x", "x + y"), ("y", "x + y"), ("x + y", "(x + y) z"), ("z", "(x + y) z"))
    arrow = {"arrowstyle": "-|>", "shrinkA": 39, "shrinkB": 39, "color": "0.5"}
    for start, end in edges:
        axis.annotate("", nodes[end][1], nodes[start][1], arrowprops=arrow)
    for name, (value, (across, up)) in nodes.items():
        axis.scatter(across, up, s=4600, color="white", edgecolors="0.5", linewidths=1.5, zorder=2)
        center = {"ha": "center", "va": "center"}
        axis.text(across, up + 0.18, name, color="black", **center)
        axis.text(across, up - 0.02, f"{value.data:g}".replace("-", "−"), color="C0", **center)
        axis.text(across, up - 0.22, f"{value.grad:g}".replace("-", "−"), color="C1", **center)
    axis.set(title="Values forward (blue), gradients backward (orange)")
    axis.set(xlim=(-0.5, 3.1), ylim=(-0.5, 2.5))
    axis.axis("off")


def plot_slide_rule(axis):
    """The error on XOR with and without the derivative of the activation function."""
    for seed in range(5):
        axis.semilogy(learn_xor(seed), color="C0", label="with f'(s)" if seed == 0 else None)
        errors = learn_xor(seed, derivative=None)
        axis.semilogy(errors, color="C1", label="without, as on the slide" if seed == 0 else None)
    axis.set(title="XOR, five starts: without f'(s) the error stays")
    axis.set(xlabel="steps", ylabel="E", ylim=(1e-6, 20))
    axis.legend()


def plot_control(axes):
    """Position and force over time after some steps of optimization, and the cost at every step."""
    forces = optimize_forces()
    time = DT * np.arange(STEPS + 1)
    for step, color in ((0, "0.6"), (5, "C5"), (20, "C0"), (100, "C1")):
        positions = [position for position, _ in simulate(forces[step])]
        axes[0].plot(time, positions, color=color, label=f"after {step} steps")
        axes[1].plot(time[:-1], forces[step], color=color)
    axes[0].axhline(1, color="black", linestyle=":")
    axes[0].set(title="The cart learns to stop at 1", xlabel="time", ylabel="position")
    axes[0].legend(loc="upper left", bbox_to_anchor=(0, 0.94))
    axes[1].set(title="It accelerates first and brakes later", xlabel="time", ylabel="force")
    costs = [cost(each) for each in forces]
    fall = 100 - 100 * costs[-1] / costs[0]
    axes[2].semilogy(costs)
    axes[2].set(title=f"The cost falls by {fall:.1f} %", xlabel="steps", ylabel="cost")


def main():
    x, y, z, _, f = slide_example()
    print(f"f = (x + y) z = {f.data:g}")
    print(f"∂f/∂x = {x.grad:g}, ∂f/∂y = {y.grad:g}, ∂f/∂z = {z.grad:g}")
    print(f"Largest derivative of the sigmoid: {sigmoid_derivative(0):g}, at 0")
    for name, derivative in (("with f'", sigmoid_derivative), ("without f'", None)):
        errors = [learn_xor(seed, derivative)[-1] for seed in range(5)]
        print(f"XOR {name}, E after 1,000 steps from five starts: {np.round(errors, 4)}")
    forces = optimize_forces()
    print(f"Cart: the cost falls from {cost(forces[0]):.3f} to {cost(forces[-1]):.4f}")

    figure, axes = plt.subplots(
        1, 2, figsize=(11, 3.8), width_ratios=(1, 1.4), layout="constrained"
    )
    plot_sigmoid(axes[0])
    plot_graph(axes[1])
    figure.savefig("chain_rule.png")

    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    plot_slide_rule(axis)
    figure.savefig("slide_rule.png")

    figure, axes = plt.subplots(1, 3, figsize=(12, 3.7), layout="constrained")
    plot_control(axes)
    figure.savefig("control.png")


if __name__ == "__main__":
    main()
