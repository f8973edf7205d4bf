"""Spiking neurons: the action potential (Hodgkin–Huxley), leaky integrate-and-fire, and STDP.

Slides: 000 «Spike / potencial de acción», «Sinapsis (señales locales, se adaptan)».
Paper:  Hodgkin & Huxley (1952), https://doi.org/10.1113/jphysiol.1952.sp004764 (with rest at
        −65 mV, as it is used today); Song, Miller & Abbott (2000), Competitive Hebbian learning
        through spike-timing-dependent synaptic plasticity, https://doi.org/10.1038/78829
Departs from the papers: Euler's method with small steps; one neuron, and 100 synapses that are
active one after another.

A nerve cell is a leaky capacitor that a current charges. In the Hodgkin–Huxley model, sodium
channels open as the voltage rises and let in more charge: beyond a threshold this feedback makes a
spike of a millisecond. Then the sodium channels close and the potassium channels open; until both
have recovered, the cell cannot fire again (the refractory time). The integrate-and-fire neuron does
not model the form of the spike: at a threshold a spike is counted, and the voltage is reset. A
network of such neurons classifies digits in `spiking_digits`.

Synapses learn from local information, the times of spikes on both of their sides (spike-timing-
dependent plasticity): a synapse that is active just before the cell fires gets stronger; one that
is active just after gets weaker. If the same inputs come again and again, the cell fires earlier
and earlier.
"""

import matplotlib.pyplot as plt
import numpy as np

STEP = 0.01  # ms, of Euler's method
DURATION = 300.0  # ms, in which spikes are counted
CURRENTS = np.arange(0, 21.0)  # µA/cm²
# The Hodgkin–Huxley neuron.
CAPACITY = 1.0  # µF/cm², capacitance of the membrane
SODIUM = 120.0  # mS/cm², largest conductance of the sodium channels
POTASSIUM = 36.0  # mS/cm², of the potassium channels
LEAK = 0.3  # mS/cm², of the leak
SODIUM_REST = 50.0  # mV, reversal potential: no sodium current flows
POTASSIUM_REST = -77.0  # mV, likewise for potassium
LEAK_REST = -54.4  # mV, likewise for the leak
# The integrate-and-fire neuron.
TIME_CONSTANT = 10.0  # ms
REFRACTORY = 3.0  # ms after a spike in which the neuron is silent
REST = -65.0  # mV
THRESHOLD = -50.0  # mV, at which it fires
RESISTANCE = 2.0  # kΩ·cm²
# Plasticity.
SYNAPSES = 100
PATTERN = 50.0  # ms from the first input of the pattern to the last one
TRIALS = 200
WINDOW = 10.0  # ms, time constant of the dependence on the delay between two spikes
STRENGTHEN = 0.01  # of the strongest possible weight, 1
WEAKEN = 0.0105  # of the same
MEMBRANE = 10.0  # ms
FIRES_AT = 5.0  # sum of the weights that are active


def ramp(x):
    """x / (1 − e^(−x)), and its limit at 0, which is 1."""
    other = np.where(x == 0, 1.0, x)
    return np.where(x == 0, 1.0, other / -np.expm1(-other))


def gate_rates(v):
    """Opening and closing rates (α, β) of each gate, in 1/ms, at a voltage v in mV."""
    return {
        # Activation of the potassium channels.
        "n": (0.1 * ramp((v + 55) / 10), 0.125 * np.exp(-(v + 65) / 80)),
        # Activation and inactivation of the sodium channels.
        "m": (ramp((v + 40) / 10), 4 * np.exp(-(v + 65) / 18)),
        "h": (0.07 * np.exp(-(v + 65) / 20), 1 / (1 + np.exp(-(v + 35) / 10))),
    }


def hodgkin_huxley(currents, duration=DURATION):
    """The voltage of cells under injected currents.

    Args:
        currents: In µA/cm², (cells,) if constant or (steps, cells) if they change.
        duration: Of the simulation, in ms.

    Returns:
        Voltages in mV, array (steps, cells), one every 0.01 ms.
    """
    steps = round(duration / STEP)
    currents = np.broadcast_to(currents, (steps, np.shape(currents)[-1]))
    v = np.full(currents.shape[1], -65.0)
    # Each gate begins at its equilibrium.
    gates = {}
    for name, (alpha, beta) in gate_rates(v).items():
        gates[name] = alpha / (alpha + beta)
    voltages = np.empty(currents.shape)
    for step in range(steps):
        voltages[step] = v
        # The current that charges the membrane.
        inward = (
            currents[step]
            - SODIUM * gates["m"] ** 3 * gates["h"] * (v - SODIUM_REST)
            - POTASSIUM * gates["n"] ** 4 * (v - POTASSIUM_REST)
            - LEAK * (v - LEAK_REST)
        )
        # A step of each gate, dg/dt = α (1 − g) − β g, and of the voltage.
        for name, (alpha, beta) in gate_rates(v).items():
            gate = gates[name]
            gates[name] = gate + STEP * (alpha * (1 - gate) - beta * gate)
        v = v + STEP * inward / CAPACITY
    return voltages


def integrate_and_fire(currents, duration=DURATION):
    """Voltages of leaky integrate-and-fire neurons, (steps, cells) in mV, and whether they fire."""
    steps = round(duration / STEP)
    v = np.full(len(currents), REST)
    pause = np.zeros(len(currents))  # ms until it can be charged again
    voltages = np.empty((steps, len(currents)))
    fired = np.zeros((steps, len(currents)), bool)
    for step in range(steps):
        charging = pause <= 0
        change = (REST - v + RESISTANCE * np.asarray(currents)) / TIME_CONSTANT
        v = np.where(charging, v + STEP * change, REST)
        pause = pause - STEP
        fired[step] = v >= THRESHOLD
        pause[fired[step]] = REFRACTORY
        voltages[step] = v
        v[fired[step]] = REST
    return voltages, fired


def spikes(voltages):
    """Upward crossings of 0 mV by voltages (steps, cells): booleans (steps, cells)."""
    above = voltages > 0
    before = np.concatenate([above[:1], above[:-1]])
    return above & ~before


def rates(fired):
    """Spikes per second, from the time between the spikes in the second half of a simulation.

    Args:
        fired: Booleans (steps, cells).

    Returns:
        Array (cells,); 0 for cells that fire fewer than two times in that half.
    """
    found = []
    for cell in fired[len(fired) // 2 :].T:
        steps = np.flatnonzero(cell)
        between = np.diff(steps) * STEP
        found.append(1000 / between.mean() if len(between) else 0.0)
    return np.array(found)


def rate_by_formula(currents):
    """Spikes per second of an integrate-and-fire neuron, from refractory and charging time."""
    reached = RESISTANCE * np.asarray(currents, "float64")
    needed = THRESHOLD - REST
    charging = np.full(reached.shape, np.inf)
    enough = reached > needed
    charging[enough] = TIME_CONSTANT * np.log(reached[enough] / (reached[enough] - needed))
    return 1000 / (REFRACTORY + charging)


def plasticity(delay):
    """The change of a weight by spikes on both sides (STDP).

    Args:
        delay: ms from the input's spike to the cell's; negative if the input comes later. A delay
            of 0 strengthens the synapse, as that input has made the cell fire.
    """
    strengthened = STRENGTHEN * np.exp(-np.abs(delay) / WINDOW)
    weakened = WEAKEN * np.exp(-np.abs(delay) / WINDOW)
    return np.where(np.asarray(delay) >= 0, strengthened, -weakened)


def first_spike(weights, times):
    """The time in ms of the first spike of a cell with inputs at given times; None if it is silent.

    Args:
        weights: Of the synapses, (synapses,), from 0 to 1.
        times: ms at which each is active, in increasing order.
    """
    charge = 0.0
    before = times[0]
    for weight, now in zip(weights, times, strict=True):
        charge = charge * np.exp((before - now) / MEMBRANE) + weight
        if charge >= FIRES_AT:
            return now
        before = now
    return None


def learn(trials=TRIALS):
    """Repeat the same inputs: the time of the spike in each trial, and the weights after it.

    Returns:
        Times in ms, (trials,), and weights (trials, synapses).
    """
    times = np.linspace(0, PATTERN, SYNAPSES)
    weights = np.full(SYNAPSES, 0.35)
    latencies = []
    kept = []
    for _ in range(trials):
        fired = first_spike(weights, times)
        latencies.append(np.nan if fired is None else fired)
        if fired is not None:
            weights = np.clip(weights + plasticity(fired - times), 0, 1)
        kept.append(weights)
    return np.array(latencies), np.array(kept)


def plot_spike():
    """Plot the responses to a current pulse just below the threshold and one just above it."""
    steps = round(60 / STEP)
    pulses = np.zeros((steps, 2))
    start, end = round(5 / STEP), round(6 / STEP)
    pulses[start:end] = 6.0, 8.0  # µA/cm² for one millisecond
    voltages = hodgkin_huxley(pulses, duration=60)
    milliseconds = np.arange(steps) * STEP
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for column, current in enumerate((6, 8)):
        axis.plot(milliseconds, voltages[:, column], label=f"{current} µA/cm² for 1 ms")
    axis.set(xlabel="ms", ylabel="mV", xlim=(0, 30))
    axis.set_title("All or nothing: the action potential")
    axis.legend()
    return figure


def plot_rates():
    """Plot spikes per second by current, for both neurons."""
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    found = rates(spikes(hodgkin_huxley(CURRENTS)))
    axis.plot(CURRENTS, found, "o-", label="Hodgkin–Huxley")
    _, fired = integrate_and_fire(CURRENTS)
    axis.plot(CURRENTS, rates(fired), "o", label="integrate and fire")
    fine = np.linspace(0, CURRENTS[-1], 300)
    axis.plot(fine, rate_by_formula(fine), color="C1", label="the same by formula")
    axis.set(xlabel="current (µA/cm²)", ylabel="spikes a second")
    axis.set_title("No spikes below a current, many above it")
    axis.legend()
    return figure


def plot_learning():
    """Plot the time of the spike by trial, and the weights before and after."""
    latencies, weights = learn()
    times = np.linspace(0, PATTERN, SYNAPSES)
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    delays = np.concatenate([np.linspace(-40, -0.1, 100), [np.nan], np.linspace(0.1, 40, 100)])
    axes[0].plot(delays, plasticity(delays))
    axes[0].axhline(0, color="0.5", lw=0.8)
    axes[0].set(xlabel="ms from the input's spike to the cell's", ylabel="change of the weight")
    axes[0].set_title("Before strengthens, after weakens")
    axes[1].plot(np.arange(1, len(latencies) + 1), latencies)
    axes[1].set(xlabel="trial", ylabel="ms until it fires", ylim=(0, None))
    axes[1].set_title("The cell fires earlier and earlier")
    for trial in (0, len(weights) // 4, len(weights) - 1):
        axes[2].plot(times, weights[trial], label=f"after trial {trial + 1}")
    axes[2].set(xlabel="ms at which the input is active", ylabel="weight")
    axes[2].set_title("The first inputs win")
    axes[2].legend()
    return figure


def main():
    found = rates(spikes(hodgkin_huxley(CURRENTS)))
    _, fired = integrate_and_fire(CURRENTS)
    simple = rates(fired)
    print("current   Hodgkin–Huxley   integrate and fire   by formula   (spikes a second)")
    for current, one, other, formula in zip(
        CURRENTS[::2], found[::2], simple[::2], rate_by_formula(CURRENTS[::2]), strict=True
    ):
        print(f"{current:7.0f}   {one:14.0f}   {other:18.0f}   {formula:10.0f}")
    latencies, weights = learn()
    print(
        f"The cell fires after {latencies[0]:.1f} ms at first, {latencies[-1]:.1f} ms at the end;"
    )
    print(
        f"of {SYNAPSES} weights, {np.sum(weights[-1] > 0.9)} are strong, "
        f"{np.sum(weights[-1] < 0.1)} weak."
    )
    plot_spike().savefig("spike.png")
    plot_rates().savefig("rates.png")
    plot_learning().savefig("learning.png")


if __name__ == "__main__":
    main()
