"""The cell of a reservoir: recurrent weights that are drawn once and never trained."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class EchoStateCell(keras.layers.Layer):
    """A step of an echo state network, random and fixed: `h' = (1 − a) h + a tanh(x W + h U + b)`.

    `keras.layers.RNN(EchoStateCell(units), return_sequences=True)` returns the states of a whole
    sequence, on which a linear readout is trained. U is scaled to the given spectral radius, the
    largest absolute value of its eigenvalues. Below about 1, the effect of the initial state fades,
    and the state becomes a function of the latest inputs (echo state property).

    Args:
        units: number of units of the reservoir.
        spectral_radius: of U, at least 0.
        leak: a, above 0 and at most 1; the smaller, the slower the units change.
        input_scale: W is uniform between minus and plus this.
        bias_scale: b is uniform between minus and plus this; without bias a reservoir is an
            odd function.
        seed: integer for repeatable weights.

    Input shape:
        `(batch, features)`, and a list of one state `(batch, units)`.

    Output shape:
        `(batch, units)`, and a list of the new state, which is the same.

    Reference: Jaeger (2001), The "echo state" approach,
        https://www.ai.rug.nl/minds/uploads/EchoStatesTechRep.pdf; Lukoševičius (2012),
        https://doi.org/10.1007/978-3-642-35289-8_36, equations 2 and 3

    Example:

    >>> reservoir = keras.layers.RNN(EchoStateCell(50, seed=1), return_sequences=True)
    >>> tuple(reservoir(keras.ops.ones((2, 30, 1))).shape)
    (2, 30, 50)
    """

    def __init__(
        self,
        units,
        spectral_radius=0.9,
        leak=1.0,
        input_scale=1.0,
        bias_scale=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"`units` must be at least 1. Received: units={units}")
        if spectral_radius < 0:
            raise ValueError(
                "`spectral_radius` must not be negative. Received: "
                f"spectral_radius={spectral_radius}"
            )
        if not 0 < leak <= 1:
            raise ValueError(f"`leak` must be above 0 and at most 1. Received: leak={leak}")
        self.units = units
        self.spectral_radius = spectral_radius
        self.leak = leak
        self.input_scale = input_scale
        self.bias_scale = bias_scale
        self.seed = seed
        self.state_size = units
        self.output_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.units),
            initializer=self.uniform(self.input_scale, 0),
            trainable=False,
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(self.units, self.units),
            initializer=self.draw_recurrent_kernel,
            trainable=False,
        )
        self.bias = self.add_weight(
            name="bias",
            shape=(self.units,),
            initializer=self.uniform(self.bias_scale, 2),
            trainable=False,
        )
        self.built = True

    def uniform(self, scale, number):
        """Initializer from −scale to scale; `number` gives each weight of one seed its own draw."""
        seed = None if self.seed is None else self.seed + number
        return keras.initializers.RandomUniform(-scale, scale, seed=seed)

    def draw_recurrent_kernel(self, shape, dtype=None):
        drawn = ops.convert_to_numpy(self.uniform(1.0, 1)(shape, dtype="float32"))
        radius = np.max(np.abs(np.linalg.eigvals(drawn)))
        return ops.convert_to_tensor(drawn * (self.spectral_radius / radius), dtype=dtype)

    def call(self, inputs, states):
        (state,) = states
        z = ops.matmul(inputs, self.kernel) + ops.matmul(state, self.recurrent_kernel) + self.bias
        state = (1 - self.leak) * state + self.leak * ops.tanh(z)
        return state, [state]

    def compute_output_shape(self, input_shape, states_shape=None):
        state = (input_shape[0], self.units)
        return state, [state]

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "spectral_radius": self.spectral_radius,
            "leak": self.leak,
            "input_scale": self.input_scale,
            "bias_scale": self.bias_scale,
            "seed": self.seed,
        }
