"""The cell of a neural Turing machine: a network that reads and writes an external memory."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="layers")
class TuringMachineCell(keras.layers.Layer):
    """One step of a neural Turing machine: an LSTM controller, a memory, a write and a read head.

    Each head attends to slots of the memory. Its weights w over the slots are computed in four
    steps: content addressing, the softmax of `β · cosine(key, slot)`; interpolation with the
    weights of the previous step by a gate g; a shift by −1, 0 or 1 slots; and sharpening, `w ** γ`
    divided by its sum. A dense layer on the LSTM's output gives keys, β, g, shifts, γ, the erase
    vector e and the add vector a. The cell first writes, `M' = M · (1 − w eᵀ) + w aᵀ`, then reads
    `wᵀ M'`, which is part of the next input of the LSTM.

    Initially both heads are at slot 0, and the memory is almost zero.

    Args:
        units: units of the LSTM.
        slots: number of vectors in the memory.
        width: dimension of a vector.

    Input shape:
        `(batch, features)`, and a list of six states: the memory `(batch, slots * width)`, the
        weights of the write head and of the read head, each `(batch, slots)`, the vector read
        `(batch, width)`, and the two states of the LSTM, each `(batch, units)`.

    Output shape:
        `(batch, units + width)`, the LSTM's output and the vector read; and a list of
        the new states.

    Reference: Graves, Wayne & Danihelka (2014), Neural Turing machines,
        https://arxiv.org/abs/1410.5401, equations 2–9

    Example:

    >>> machine = keras.layers.RNN(TuringMachineCell(16, slots=8, width=4), return_sequences=True)
    >>> tuple(machine(keras.ops.ones((2, 5, 3))).shape)
    (2, 5, 20)
    """

    SHIFTS = (-1, 0, 1)

    def __init__(self, units, slots=32, width=16, **kwargs):
        super().__init__(**kwargs)
        for name, value in (("units", units), ("slots", slots), ("width", width)):
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
        self.units = units
        self.slots = slots
        self.width = width
        self.controller = keras.layers.LSTMCell(units, name="controller")
        # For each head a key, β, g, three shifts and γ; then the erase and the add vector.
        self.head = width + 3 + len(self.SHIFTS)
        self.interface = keras.layers.Dense(2 * self.head + 2 * width, name="interface")
        self.state_size = [slots * width, slots, slots, width, units, units]
        self.output_size = units + width

    def build(self, input_shape):
        self.controller.build((input_shape[0], input_shape[-1] + self.width))
        self.interface.build((input_shape[0], self.units))
        self.built = True

    def get_initial_state(self, batch_size=None):
        dtype = self.compute_dtype
        first = ops.one_hot(ops.zeros((batch_size,), dtype="int32"), self.slots, dtype=dtype)
        return [
            ops.full((batch_size, self.slots * self.width), 1e-6, dtype=dtype),
            first,
            first,
            ops.zeros((batch_size, self.width), dtype=dtype),
            ops.zeros((batch_size, self.units), dtype=dtype),
            ops.zeros((batch_size, self.units), dtype=dtype),
        ]

    def call(self, inputs, states):
        # One step of the controller, and its instructions for the heads.
        memory, write_weights, read_weights, read, *controller_states = states
        memory = ops.reshape(memory, (-1, self.slots, self.width))
        controller_inputs = ops.concatenate([inputs, read], axis=-1)
        hidden, controller_states = self.controller(controller_inputs, controller_states)
        said = self.interface(hidden)
        writing = said[:, : self.head]
        reading = said[:, self.head : 2 * self.head]
        erase = ops.sigmoid(said[:, 2 * self.head : 2 * self.head + self.width])
        add = ops.tanh(said[:, 2 * self.head + self.width :])

        # Write first, then read.
        write_weights = self.attend(memory, writing, write_weights)
        at_slot = write_weights[:, :, None]  # (batch, slots, 1)
        memory = memory * (1 - at_slot * erase[:, None]) + at_slot * add[:, None]
        read_weights = self.attend(memory, reading, read_weights)
        read = ops.sum(read_weights[:, :, None] * memory, axis=1)

        flat = ops.reshape(memory, (-1, self.slots * self.width))
        outputs = ops.concatenate([hidden, read], axis=-1)
        return outputs, [flat, write_weights, read_weights, read, *controller_states]

    def attend(self, memory, said, before):
        """The weights of a head over the slots.

        Args:
            memory: `(batch, slots, width)`.
            said: `(batch, width + 6)`, the controller's outputs for the head.
            before: `(batch, slots)`, its weights in the previous step.
        """
        key = ops.tanh(said[:, : self.width])
        strength = ops.softplus(said[:, self.width : self.width + 1])
        gate = ops.sigmoid(said[:, self.width + 1 : self.width + 2])
        sharpness = 1 + ops.softplus(said[:, self.width + 2 : self.width + 3])
        shifts = ops.softmax(said[:, self.width + 3 :])

        # Content addressing and interpolation.
        products = ops.sum(memory * key[:, None], axis=-1)  # (batch, slots)
        lengths = ops.sqrt(ops.sum(memory**2, axis=-1) * ops.sum(key**2, axis=-1, keepdims=True))
        content = ops.softmax(strength * products / (lengths + 1e-6))
        weights = gate * content + (1 - gate) * before
        # Shift and sharpening.
        shifted = [
            shifts[:, number : number + 1] * ops.roll(weights, shift, axis=-1)
            for number, shift in enumerate(self.SHIFTS)
        ]
        sharp = (sum(shifted) + 1e-6) ** sharpness
        return sharp / ops.sum(sharp, axis=-1, keepdims=True)

    def compute_output_shape(self, input_shape, states_shape=None):
        states = [(input_shape[0], size) for size in self.state_size]
        return (input_shape[0], self.output_size), states

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "slots": self.slots,
            "width": self.width,
        }
