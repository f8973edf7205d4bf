"""The pictures of boltzmann_machine: the learned codes, and why updates must be sequential."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.other_networks import boltzmann_machine as recipe

UNITS = 6  # of the machine whose distribution is sampled
CHAINS = 20_000
SWEEPS = 12


def figures(models, test, histories):
    """The weights and codes of each machine; samples beside the exact distribution."""
    return {"codes": plot_codes(models), "gibbs": plot_gibbs()}


def code_probabilities(model):
    """The probability that each hidden unit fires, given each pattern: (patterns, hidden)."""
    kernel = keras.ops.convert_to_numpy(model.kernel)
    bias = keras.ops.convert_to_numpy(model.bias)
    z = recipe.PATTERNS @ kernel[:8, 8:] + bias[8:]
    return 1 / (1 + np.exp(-z))


def plot_codes(models):
    """Above: hidden probabilities for each pattern. Below: the probability of each pattern."""
    figure, axes = plt.subplots(2, len(models), figsize=(9.5, 5.4), layout="constrained")
    names = ["1", "2", "3", "4"]
    for (above, below), (name, model) in zip(axes.T, models.items(), strict=True):
        codes = code_probabilities(model)
        plots.heatmap(above, codes, rows=names, numbers="{:.2f}", vmax=1)
        above.set(title=name.replace("_", " "), xlabel="hidden unit", xticks=[])
        log_probabilities = model.predict(recipe.PATTERNS, verbose=0)
        probabilities = np.exp(log_probabilities)
        below.bar(names, probabilities)
        below.axhline(0.25, color="0.4", linestyle=":")
        kl = -np.log(4) - np.mean(log_probabilities)
        below.set(title=f"KL {kl:.2f} nats", ylim=(0, 0.32), xlabel="pattern")
    axes[0, 0].set_ylabel("pattern")
    axes[1, 0].set_ylabel("probability (dotted: of data)")
    figure.suptitle("The codes of the four patterns, and how probable the machine finds them")
    return figure


def random_machine(seed=6):
    """Weights (6, 6) and biases (6,) of a machine without hidden units."""
    rng = np.random.default_rng(seed)
    kernel = np.triu(rng.normal(0, 1.5, (UNITS, UNITS)), 1)
    return (kernel + kernel.T).astype("float32"), rng.normal(0, 0.5, UNITS).astype("float32")


def exact_distribution(kernel, bias):
    """The probability of each state, in the order of `all_states`."""
    states = recipe.all_states(len(bias))
    weights = np.exp(keras.ops.convert_to_numpy(recipe.negative_energy(states, kernel, bias)))
    return weights / weights.sum()


def sampled_distributions(kernel, bias, parallel, seed=0):
    """The share of the chains in each state, after 0, 1, 2 … sweeps: (SWEEPS + 1, states)."""
    rng = np.random.default_rng(seed)
    units = len(bias)
    groups = np.ones((1, units), bool) if parallel else np.eye(units, dtype=bool)
    states = np.zeros((CHAINS, units), "float32")
    shares = []
    for _ in range(SWEEPS + 1):
        numbers = (np.asarray(states) @ 2 ** np.arange(units)[::-1]).astype(int)
        shares.append(np.bincount(numbers, minlength=2**units) / CHAINS)
        noise = rng.random(states.shape, dtype="float32")
        states = keras.ops.convert_to_numpy(recipe.sweep(states, kernel, bias, groups, noise))
    return np.array(shares)


def distance(shares, exact):
    """Total variation distance: the largest difference in the probability of any event."""
    return np.abs(shares - exact).sum(axis=-1) / 2


def plot_gibbs():
    """A machine of six units: distance from the exact distribution, sequential and parallel."""
    kernel, bias = random_machine()
    exact = exact_distribution(kernel, bias)
    figure, axes = plt.subplots(1, 2, figsize=(10.5, 4), layout="constrained")
    order = np.argsort(-exact)[:12]
    bars = {"exact": exact[order]}
    for name in ("sequential", "parallel"):
        shares = sampled_distributions(kernel, bias, parallel=name == "parallel")
        axes[0].plot(distance(shares, exact), "o-", label=name)
        bars[name] = shares[-1][order]
    axes[0].set(title="Distance from the exact distribution", xlabel="sweeps", ylim=(0, 1))
    axes[0].set(ylabel="total variation")
    axes[0].legend()
    states = ["".join(str(int(unit)) for unit in state) for state in recipe.all_states(UNITS)]
    plots.class_bars(axes[1], bars, [states[index] for index in order])
    axes[1].set(title=f"The most probable states, after {SWEEPS} sweeps", ylabel="probability")
    axes[1].tick_params(axis="x", rotation=60)
    figure.suptitle("Updated one by one, units sample the right distribution; all at once, another")
    return figure
