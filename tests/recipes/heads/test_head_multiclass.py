import keras
import numpy as np
import pytest

from recipes.heads import head_multiclass as recipe

rng = np.random.default_rng(0)
IMAGES = np.where(rng.random((64, 28, 28, 1)) < 0.2, 255, 0).astype(
    "uint8"
)  # as dark as digits are
LABELS = np.eye(10, dtype="float32")[rng.integers(0, 10, 64)]


def test_both_apis_make_the_same_network():
    sequential, functional = recipe.build_model("sequential"), recipe.build_model("functional")
    functional.set_weights(sequential.get_weights())
    assert functional.predict_on_batch(IMAGES) == pytest.approx(
        sequential.predict_on_batch(IMAGES), abs=1e-6
    )
    assert sequential.count_params() == functional.count_params() == 669_706


@pytest.mark.parametrize(("head", "loss"), [("softmax", np.log(10)), ("sigmoids", np.log(2))])
def test_an_untrained_net_knows_nothing(head, loss):
    keras.utils.set_random_seed(0)
    model = recipe.build_model(head=head)
    assert model.evaluate(IMAGES, LABELS, verbose=0)[0] == pytest.approx(loss, rel=0.1)


def test_softmax_sums_to_one_and_sigmoids_do_not():
    softmax, sigmoids = (
        recipe.build_model(head=head).predict_on_batch(IMAGES) for head in ("softmax", "sigmoids")
    )
    assert softmax.sum(-1) == pytest.approx(np.ones(64), abs=1e-5)
    assert sigmoids.sum(-1).mean() == pytest.approx(5, abs=1)


def test_integer_labels_give_the_same_loss():
    model = recipe.build_model()
    one_hot = model.evaluate(IMAGES, LABELS, verbose=0)[0]
    model.compile(loss="sparse_categorical_crossentropy")
    assert model.evaluate(IMAGES, LABELS.argmax(-1), verbose=0)[0] == pytest.approx(
        one_hot, rel=1e-6
    )


def test_temperature():
    logits = rng.normal(0, 2, (20, 10))
    probabilities = recipe.soften(np.exp(logits), 1)  # exp(logits) is softmax but for a factor
    assert probabilities == pytest.approx(np.asarray(keras.ops.softmax(logits)), abs=1e-6)
    assert recipe.soften(probabilities, 1e-3).max(-1) == pytest.approx(np.ones(20), abs=1e-3)
    assert (recipe.soften(probabilities, 1e-3).argmax(-1) == logits.argmax(-1)).all()
    assert recipe.soften(probabilities, 1e6) == pytest.approx(np.full((20, 10), 0.1), abs=1e-4)
    bits = np.array(
        [recipe.entropy(recipe.soften(probabilities, t)) for t in np.geomspace(0.05, 100, 30)]
    )
    assert (np.diff(bits, axis=0) > 0).all()
    assert bits[-1] == pytest.approx(np.full(20, np.log2(10)), abs=0.01)


def test_calibration_by_hand():
    probabilities = np.array([[0.95, 0.05], [0.91, 0.09], [0.55, 0.45], [0.45, 0.55]])
    said, true, count, error = recipe.calibration(probabilities, labels=np.array([0, 0, 0, 0]))
    assert said == pytest.approx([0.55, 0.93])
    assert true == pytest.approx([0.5, 1])
    assert count.tolist() == [2, 2]
    assert error == pytest.approx((0.05 + 0.07) / 2)
