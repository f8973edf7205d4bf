"""Which of the heads are wrong, and what each does on an easy task."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes import check_head
from recipes.heads import wrong_heads as recipe

rng = np.random.default_rng(0)
FIVE = rng.random((96, 1)) < 0.5
IMAGES = np.zeros((96, 28, 28, 1), "uint8")
IMAGES[:, 4:24, 8:20] = 40 * rng.random((96, 20, 12, 1))
IMAGES[FIVE[:, 0], :14] += 200  # easy: bright above for a five


def targets(arguments):
    return np.where(FIVE, arguments.get("high", 1), arguments.get("low", 0)).astype("float32")


def trained(name, epochs=8, learning_rate=0.1):
    keras.utils.set_random_seed(0)
    arguments = recipe.VARIANTS[name]
    model = recipe.build_model(**arguments, learning_rate=learning_rate)
    history = model.fit(IMAGES, targets(arguments), batch_size=16, epochs=epochs, verbose=0).history
    return model, history


@pytest.mark.parametrize("name", recipe.VARIANTS)
def test_the_head_check_flags_the_wrong_ones_and_no_other(name):
    arguments = recipe.VARIANTS[name]
    result = check_head(recipe.build_model(**arguments), (IMAGES, targets(arguments)))
    assert bool(result) == (name not in recipe.WRONG), result


def test_every_variant_has_its_sentence():
    assert set(recipe.WRONG | recipe.OTHERS) == set(recipe.VARIANTS)
    assert not set(recipe.WRONG) & set(recipe.OTHERS)


@pytest.mark.parametrize("name", ["sigmoid_bce", "logits_bce", "two_softmax", "linear_mse"])
def test_right_heads_learn(name):
    _, history = trained(name, learning_rate=0.02 if name == "linear_mse" else 0.1)
    assert history["accuracy"][-1] > 0.95


def test_a_single_softmax_unit_never_learns():
    model, history = trained("one_softmax_cce", epochs=5)
    assert set(history["loss"]) == {0}
    # Some processors divide e^x by itself to the last digit but one.
    assert model.predict_on_batch(IMAGES) == pytest.approx(1, abs=1e-6)


def test_a_sigmoid_cannot_reach_3_and_5():
    _, history = trained("sigmoid_mse_3_5", epochs=5)
    assert history["accuracy"][-1] == pytest.approx(1 - FIVE.mean())
    assert history["loss"][-1] >= 4 * (1 - FIVE.mean()) + 16 * FIVE.mean()


def test_targets_outside_0_to_1_send_the_loss_below_any_bound():
    _, history = trained("sigmoid_bce_minus_one")
    assert history["loss"][-1] < -1
    assert (np.diff(history["loss"]) < 0).all()


def test_keras_on_tensorflow_undoes_a_second_sigmoid():
    with pytest.warns(UserWarning, match="does not represent logits"):
        _, twice = trained("sigmoid_from_logits", epochs=3)
    assert twice["loss"] == pytest.approx(trained("sigmoid_bce", epochs=3)[1]["loss"], rel=1e-5)


def test_a_saturated_sigmoid_recovers_with_cross_entropy_only():
    assert trained("saturated_mse")[1]["accuracy"][-1] == pytest.approx(1 - FIVE.mean())
    assert trained("saturated_bce")[1]["accuracy"][-1] > 0.9


def test_threshold_accuracy_by_hand_and_from_config():
    metric = recipe.ThresholdAccuracy(middle=4, threshold=3.5)
    metric = recipe.ThresholdAccuracy.from_config(metric.get_config())
    targets = np.array([[3.0], [5], [5], [3], [3]])
    answers = np.array([[3.4], [3.6], [3.4], [9], [1]])
    metric.update_state(targets, answers)
    assert float(metric.result()) == pytest.approx(3 / 5)
    metric.update_state(targets[3:], answers[3:], sample_weight=[5, 0])
    assert float(metric.result()) == pytest.approx(3 / 10)
    assert metric.name == "accuracy"


def test_the_majority_is_that_of_the_training_set():
    def data(*targets):
        images = np.zeros((len(targets), 28, 28, 1), "uint8")
        return tf.data.Dataset.from_tensor_slices((images, np.array(targets)[:, None])).batch(2)

    test = data(3.0, 5.0, 5.0, 5.0)
    assert recipe.baseline(data(3.0, 3.0, 5.0), test) == {"accuracy": 0.25}
    assert recipe.baseline(data(-1.0, 1.0, 1.0), data(1.0, -1.0, 1.0)) == {"accuracy": 2 / 3}
