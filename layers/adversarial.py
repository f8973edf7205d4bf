"""The losses of two networks that play against each other, and how one call of `fit` trains both."""

from keras import ops


def discriminator_loss(real, generated):
    """−log D(x) − log(1 − D(G(z))), the mean over a batch, in nats: how badly the discriminator tells the two apart.

    log 4 = 1.3863 where it says one half to everything, which is the best it can do against a perfect generator.

    Args:
        real: logits of D for examples, `(batch, 1)`; positive stands for real.
        generated: logits of D for what the generator made, `(batch, 1)`.

    Returns:
        A number.
    """
    return ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(generated))


def generator_loss(generated):
    """−log D(G(z)), the mean over a batch, in nats: log 2 = 0.6931 where the discriminator says one half.

    The game's own loss would be log(1 − D(G(z))). That one has no slope where D is sure, as it is in the beginning;
    this one, from the same paper, has.

    Args:
        generated: logits of D for what the generator made, `(batch, 1)`.

    Returns:
        A number.
    """
    return ops.mean(ops.softplus(-generated))


def hold_still(network, inputs, training=True):
    """The output of a network whose weights no gradient reaches; it passes through to the inputs.

    So that the generator learns from what the discriminator says and the discriminator does not learn to say it:
    the sum of both losses is then minimised by one optimizer, and each network sees its own loss alone.

    Args:
        network: a built layer or model.
        inputs: what to call it with.
        training: whether as in training; what the call changes (seeds, moving averages) is forgotten.

    Returns:
        As of `network(inputs)`.

    Example:

    >>> import keras
    >>> double = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    >>> float(hold_still(double, ops.ones((1, 1)))[0, 0])
    1.0
    """
    weights = [ops.stop_gradient(weight) for weight in network.trainable_variables]
    return network.stateless_call(
        weights, network.non_trainable_variables, inputs, training=training
    )[0]
