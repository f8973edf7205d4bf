import keras
import numpy as np
import pytest

from layers.channel_shuffle import ChannelShuffle
from layers.grouped_convolution import GroupedConv2D
from tests.layers.conformance import check_layer


def dealt(x, groups):
    """Channel by channel: the first of each group, then the second of each, and so on."""
    size = x.shape[-1] // groups
    order = [group * size + place for place in range(size) for group in range(groups)]
    return x[..., order]


def test_conformance():
    check_layer(
        ChannelShuffle,
        {"groups": 3},
        (2, 4, 3, 12),
        reference=lambda x, weights: dealt(x, 3),
        parameters=0,
        bad_arguments=[{"groups": 0}, {"groups": 1.5}],
        bad_shapes=[(2, 4, 3, 10)],
    )


@pytest.mark.parametrize(("groups", "channels"), [(1, 5), (2, 6), (4, 8), (6, 6)])
def test_it_is_a_permutation_and_shuffling_by_the_other_factor_undoes_it(groups, channels):
    x = np.arange(2 * channels, dtype="float32").reshape(2, channels)
    shuffled = keras.ops.convert_to_numpy(ChannelShuffle(groups)(x))
    np.testing.assert_array_equal(shuffled, dealt(x, groups))
    np.testing.assert_array_equal(np.sort(shuffled, axis=1), x)
    np.testing.assert_array_equal(ChannelShuffle(channels // groups)(shuffled), x)


def test_without_it_groups_never_meet():
    """Of two convolutions in three groups, what a change in the first group's inputs reaches."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 4, 4, 9)).astype("float32")
    changed = x.copy()
    changed[..., :3] += 1
    first, second = GroupedConv2D(9, 1, 3), GroupedConv2D(9, 1, 3)
    for shuffle, reached in [(lambda maps: maps, 3), (ChannelShuffle(3), 9)]:
        change = np.asarray(second(shuffle(first(changed)))) - second(shuffle(first(x)))
        assert np.count_nonzero(np.abs(change).max(axis=(0, 1, 2)) > 0) == reached
