import keras
import numpy as np
import pytest
from scipy.linalg import sqrtm

from layers.sample_scores import SampleScores, build_judge, compare, frechet_distance, teach_judge


@pytest.fixture
def crowds():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(900, 4)) @ rng.normal(size=(4, 4)) + 1
    generated = rng.normal(size=(900, 4)) @ rng.normal(size=(4, 4))
    return real.astype("float32"), generated.astype("float32")


def test_distance_against_the_matrix_root_of_scipy(crowds):
    (m, c), (n, d) = ((x.mean(0), np.cov(x.T)) for x in crowds)
    expected = np.sum((m - n) ** 2) + np.trace(c + d - 2 * sqrtm(c @ d).real)
    assert float(frechet_distance(*(x.astype("float32") for x in (m, c, n, d)))) == pytest.approx(
        expected, rel=1e-4
    )


def test_distance_in_one_dimension():
    """(μ − μ')² + (σ − σ')²."""
    one = lambda x, *shape: np.full(shape, x, "float32")  # noqa: E731
    assert float(
        frechet_distance(one(1, 1), one(9, 1, 1), one(3, 1), one(4, 1, 1))
    ) == pytest.approx(4 + 1)
    assert float(
        frechet_distance(one(1, 1), one(9, 1, 1), one(1, 1), one(9, 1, 1))
    ) == pytest.approx(0, abs=1e-5)


def scored(real, generated, answers, batch):
    scores = SampleScores(features=real.shape[1], classes=answers.shape[1])
    for start in range(0, len(real), batch):
        scores.update_state(*(x[start : start + batch] for x in (real, generated, answers)))
    return {name: float(value) for name, value in scores.result().items()}


def test_scores_in_batches_are_those_of_the_whole(crowds):
    real, generated = crowds
    answers = np.eye(5, dtype="float32")[np.repeat([0, 1, 2, 3, 4], [450, 415, 20, 15, 0])]
    whole, parts = (scored(real, generated, answers, batch) for batch in (900, 70))
    assert parts == pytest.approx(whole, rel=1e-4)
    (m, c), (n, d) = ((x.mean(0), np.cov(x.T, bias=True)) for x in crowds)
    distance = np.sum((m - n) ** 2) + np.trace(c + d - 2 * sqrtm(c @ d).real)
    assert whole["frechet_distance"] == pytest.approx(distance / np.trace(c), rel=1e-4)
    assert whole["classes"] == 2  # a fifth of 180 is 36
    share = np.array([450, 415, 20, 15]) / 900
    assert whole["class_entropy"] == pytest.approx(-np.sum(share * np.log(share)), rel=1e-5)


def test_anchors_of_the_distance(crowds):
    """0 for the same examples, 1 for always their mean."""
    real, _ = crowds
    answers = np.ones((900, 1), "float32")
    assert scored(real, real, answers, 100)["frechet_distance"] == pytest.approx(0, abs=1e-4)
    assert scored(real, 0 * real + real.mean(0), answers, 100)["frechet_distance"] == pytest.approx(
        1, abs=1e-3
    )


def test_nothing_seen_is_no_error_and_reset_forgets(crowds):
    scores = SampleScores(features=4, classes=2)
    assert {name: float(value) for name, value in scores.result().items()}["classes"] == 0
    scores.update_state(*crowds, np.tile([[1.0, 0.0]], (900, 1)))
    scores.reset_state()
    assert float(scores.count) == 0
    again = SampleScores.from_config(scores.get_config())
    assert (again.features, again.classes) == (4, 2)


def test_judge_learns_and_compares():
    """Two classes of pictures: bright above or below."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    labels = np.arange(128) % 2
    images = rng.random((128, 16, 16, 1)).astype("float32") * 0.3
    images[labels == 0, :8] += 0.7
    images[labels == 1, 8:] += 0.7
    data = [(images[i : i + 32], labels[i : i + 32]) for i in range(0, 128, 32)]
    judge = build_judge((16, 16, 1), classes=2, features=8)
    teach_judge(judge, Batches(data), epochs=8)
    assert np.mean(judge.predict(images, verbose=0)[1].argmax(1) == labels) > 0.95
    same, half = (
        compare(judge, images, images),
        compare(judge, images, images[labels == 0].repeat(2, axis=0)),
    )
    assert same["frechet_distance"] == pytest.approx(0, abs=1e-3)
    assert half["frechet_distance"] > 0.1
    assert (same["classes"], half["classes"]) == (2, 1)


def test_compare_measures_generated_against_real(crowds):
    """In units of the variance of the real ones, with the classes of the generated ones."""
    real, generated = crowds[0], 2 * crowds[1]

    class Judge:
        """Shows the examples themselves as features, and takes the real ones for all classes."""

        def predict(self, examples, **_):
            answers = (
                np.arange(len(examples)) % 4 if examples is real else np.arange(len(examples)) % 2
            )
            return examples, np.eye(4)[answers]

    (m, c), (n, d) = ((x.mean(0), np.cov(x.T, bias=True)) for x in (real, generated))
    distance = np.sum((m - n) ** 2) + np.trace(c + d - 2 * sqrtm(c @ d).real)
    assert abs(np.trace(c) / np.trace(d) - 1) > 0.2, "swapped, they would give the same"
    found = compare(Judge(), real, generated)
    assert found["frechet_distance"] == pytest.approx(distance / np.trace(c), rel=1e-3)
    assert found["classes"] == 2
    assert found["class_entropy"] == pytest.approx(np.log(2), rel=1e-4)


def test_a_class_with_just_its_fifth_counts():
    """100 examples of 4 classes: a fair share is 25, a fifth of it 5."""
    answers = np.eye(4, dtype="float32")[np.repeat([0, 1, 2, 3], [86, 5, 5, 4])]
    examples = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    assert scored(examples, examples, answers, 100)["classes"] == 3


class Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def test_parameters_of_the_judge():
    assert build_judge().count_params() == 416 + 12_832 + (512 * 64 + 64) + 650
