"""Losses of a generative adversarial network, and a call that lets `fit` train both networks."""

from keras import ops


def discriminator_loss(real_logits, generated_logits):
    """−log D(x) − log(1 − D(G(z))), the mean over a batch, in nats: binary cross-entropy.

    It is log 4 = 1.3863 if the discriminator D always outputs one half, which is optimal against a
    perfect generator.

    Args:
        real_logits: of D for real examples, `(batch, 1)`; positive stands for real.
        generated_logits: of D for generated examples, `(batch, 1)`.

    Returns:
        A scalar.

    Reference: Goodfellow et al. (2014), https://arxiv.org/abs/1406.2661, equation 1
    """
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(generated_logits))


def generator_loss(generated_logits):
    """−log D(G(z)), the mean over a batch, in nats: the non-saturating loss of the generator.

    It is log 2 = 0.6931 if the discriminator outputs one half. The minimax (saturating) loss would
    be log(1 − D(G(z))); its gradient vanishes where D is confident, as early in training.

    Args:
        generated_logits: of D for generated examples, `(batch, 1)`.

    Returns:
        A scalar.

    Reference: Goodfellow et al. (2014), https://arxiv.org/abs/1406.2661, section 3
    """
    return ops.mean(ops.softplus(-generated_logits))


def frozen_call(network, inputs, training=True):
    """The output of a network with stop-gradient on its weights; gradients reach its inputs.

    The generator's loss then does not train the discriminator: one optimizer can minimize the sum
    of both losses, and each network receives the gradient of its own loss only.

    Args:
        network: a built layer or model.
        inputs: its inputs.
        training: whether to run in training mode; changes of its state (seeds, moving averages) are
            discarded.

    Returns:
        What `network(inputs)` returns.

    Example:

    >>> import keras
    >>> dense = keras.layers.Dense(1, kernel_initializer="ones")
    >>> double = keras.Sequential([keras.Input((1,)), dense])
    >>> float(frozen_call(double, ops.ones((1, 1)))[0, 0])
    1.0
    """
    weights = [ops.stop_gradient(weight) for weight in network.trainable_variables]
    state = network.non_trainable_variables
    outputs, _ = network.stateless_call(weights, state, inputs, training=training)
    return outputs
