"""TensorFlow makes kernels once here (`conftest.kernels_made_once`): all else is as ever."""

import keras
import pytest
import tensorflow as tf


@pytest.mark.parametrize("draw", [tf.random.uniform, tf.random.normal, tf.random.truncated_normal])
def test_a_seed_begins_the_same_numbers_again(draw):
    keras.utils.set_random_seed(1)
    first = draw([4]).numpy()
    assert (draw([4]).numpy() != first).all()
    keras.utils.set_random_seed(1)
    assert (draw([4]).numpy() == first).all()


def test_a_seed_begins_the_same_order_again():
    orders = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        orders.append(list(tf.data.Dataset.range(20).shuffle(20).as_numpy_iterator()))
    assert orders[0] == orders[1] != list(range(20))


def test_variables_of_one_kernel_are_not_one():
    one, other = (tf.Variable([value], name=f"variable_{value}") for value in (1.0, 2.0))
    one.assign([3.0])
    assert (one.name, other.name) == ("variable_1.0:0", "variable_2.0:0")
    assert (float(one[0]), float(other[0])) == (3, 2)
