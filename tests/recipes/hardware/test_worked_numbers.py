"""Numbers on the slides about hardware that no recipe computes, calculated again."""

import numpy as np
import pytest

from recipes.hardware import dataflow_reuse, training_compute


@pytest.mark.slides
def test_sizes_of_chips():
    """N98: Catapult's torus, Cerebras' wafer beside the largest GPU, and Intel's Loihi."""
    assert 6 * 8 == 48  # FPGAs in the torus
    wafer, gpu = dataflow_reuse.WAFER.area, dataflow_reuse.LARGEST_GPU.area
    assert wafer / gpu == pytest.approx(56.7, abs=0.05)
    assert np.sqrt(wafer) == pytest.approx(215, abs=0.5)  # mm, the side of the wafer's square
    assert pytest.approx(2_167, abs=0.5) == 130_000 / 60  # neurons in a mm² of Loihi


@pytest.mark.slides
def test_computer_and_brain():
    """N106: the slide's table of a computer beside a brain."""
    assert pytest.approx(0.278, abs=5e-4) == 1e9 / 3.6e9  # ns, a cycle at 3.6 GHz
    rates = np.array([4, 90])  # Hz, of neurons
    np.testing.assert_allclose(1e3 / rates, [250, 11.1], rtol=2e-3)  # ms
    speeds = np.array([100, 1])  # m/s, of signals in nerves; in wires 210,000,000
    np.testing.assert_allclose(210e6 / speeds, [2.1e6, 2.1e8])
    spikes = 10  # a second, of each neuron
    events = np.array(training_compute.SYNAPSES) * spikes
    np.testing.assert_array_equal(events, [1e15, 1e16])  # synaptic events a second
