"""The leaky integrate-and-fire neuron, with a gradient."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class IntegrateAndFireCell(keras.layers.Layer):
    """One step of spiking neurons: potentials leak, integrate inputs, and fire at the threshold.

    `u = decay · u' + x`, a spike `s = 1` where `u ≥ threshold`, else 0; after a spike the threshold
    is subtracted from u. `keras.layers.RNN(IntegrateAndFireCell(units), return_sequences=True)`
    returns the spikes of a whole sequence. The cell has no weights: a `Dense` layer before it turns
    the spikes of other neurons into input currents.

    The gradient of the spike function is 0 almost everywhere. In training it is replaced by the
    gradient of `z / (1 + slope · |z|)` with `z = u − threshold`, which is 1 at the threshold and
    decreases on both sides (surrogate gradient).

    Args:
        units: number of neurons.
        decay: Share of a potential that is left after one step, above 0 and at most 1; with 1,
            the neuron does not leak.
        threshold: potential at which a neuron fires, above 0.
        slope: at least 0; the larger, the faster the surrogate gradient decreases away from the
            threshold.

    Input shape:
        `(batch, units)`, and a list of one state `(batch, units)`, the potentials.

    Output shape:
        `(batch, units)` of 0 and 1, and a list of the new potentials.

    Reference: Neftci, Mostafa & Zenke (2019), Surrogate gradient learning in spiking neural
        networks, https://doi.org/10.1109/MSP.2019.2931595; slide 000 «SNNs»

    Example:

    A neuron that does not leak, with a constant input of about a third of the threshold.

    >>> neurons = keras.layers.RNN(IntegrateAndFireCell(1, decay=1.0), return_sequences=True)
    >>> spikes = neurons(keras.ops.full((1, 7, 1), 0.34))
    >>> keras.ops.convert_to_numpy(spikes).ravel().tolist()
    [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]
    """

    def __init__(self, units, decay=0.9, threshold=1.0, slope=5.0, **kwargs):
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"`units` must be at least 1. Received: units={units}")
        if not 0 < decay <= 1:
            raise ValueError(f"`decay` must be above 0 and at most 1. Received: decay={decay}")
        if threshold <= 0:
            raise ValueError(f"`threshold` must be above 0. Received: threshold={threshold}")
        if slope < 0:
            raise ValueError(f"`slope` must not be negative. Received: slope={slope}")
        self.units = units
        self.decay = decay
        self.threshold = threshold
        self.slope = slope
        self.state_size = units
        self.output_size = units

    def build(self, input_shape):
        if input_shape[-1] != self.units:
            raise ValueError(
                f"{self.name} has {self.units} units, each with an input of its own. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        self.built = True

    def call(self, inputs, states):
        (potentials,) = states
        potentials = self.decay * potentials + inputs
        above = potentials - self.threshold
        fired = ops.cast(above >= 0, above.dtype)
        # Forward: the spikes. Backward: the gradient of the smooth function.
        smooth = above / (1 + self.slope * ops.abs(above))
        spikes = fired + (smooth - ops.stop_gradient(smooth))
        return spikes, [potentials - self.threshold * fired]

    def compute_output_shape(self, input_shape, states_shape=None):
        state = (input_shape[0], self.units)
        return state, [state]

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "decay": self.decay,
            "threshold": self.threshold,
            "slope": self.slope,
        }
