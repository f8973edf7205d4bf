import doctest

import keras
import numpy as np
import pytest
from scipy.linalg import sqrtm

from recipes.common import generative_metrics
from recipes.common.generative_metrics import (
    GenerativeMetrics,
    build_classifier,
    compare_samples,
    diversity,
    frechet_distance,
    precision_and_coverage,
    train_classifier,
)


def test_examples():
    result = doctest.testmod(generative_metrics)
    assert result.attempted > 0
    assert not result.failed


@pytest.fixture
def sample_sets():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(900, 4)) @ rng.normal(size=(4, 4)) + 1
    generated = rng.normal(size=(900, 4)) @ rng.normal(size=(4, 4))
    return real.astype("float32"), generated.astype("float32")


def test_distance_against_the_matrix_root_of_scipy(sample_sets):
    (m, c), (n, d) = ((x.mean(0), np.cov(x.T)) for x in sample_sets)
    expected = np.sum((m - n) ** 2) + np.trace(c + d - 2 * sqrtm(c @ d).real)
    assert float(frechet_distance(*(x.astype("float32") for x in (m, c, n, d)))) == pytest.approx(
        expected, rel=1e-4
    )


def test_distance_in_one_dimension():
    """(μ − μ')² + (σ − σ')²."""

    def one(x, *shape):
        return np.full(shape, x, "float32")

    assert float(
        frechet_distance(one(1, 1), one(9, 1, 1), one(3, 1), one(4, 1, 1))
    ) == pytest.approx(4 + 1)
    assert float(
        frechet_distance(one(1, 1), one(9, 1, 1), one(1, 1), one(9, 1, 1))
    ) == pytest.approx(0, abs=1e-5)


def scored(real, generated, probabilities, batch):
    scores = GenerativeMetrics(features=real.shape[1], classes=probabilities.shape[1])
    for start in range(0, len(real), batch):
        scores.update_state(*(x[start : start + batch] for x in (real, generated, probabilities)))
    return {name: float(value) for name, value in scores.result().items()}


def test_scores_in_batches_are_those_of_the_whole(sample_sets):
    real, generated = sample_sets
    probabilities = np.eye(5, dtype="float32")[np.repeat([0, 1, 2, 3, 4], [450, 415, 20, 15, 0])]
    whole, parts = (scored(real, generated, probabilities, batch) for batch in (900, 70))
    assert parts == pytest.approx(whole, rel=1e-4)
    (m, c), (n, d) = ((x.mean(0), np.cov(x.T, bias=True)) for x in sample_sets)
    distance = np.sum((m - n) ** 2) + np.trace(c + d - 2 * sqrtm(c @ d).real)
    assert whole["frechet_distance"] == pytest.approx(distance / np.trace(c), rel=1e-4)
    assert whole["classes"] == 2  # a fifth of 180 is 36
    share = np.array([450, 415, 20, 15]) / 900
    assert whole["class_entropy"] == pytest.approx(-np.sum(share * np.log(share)), rel=1e-5)


def test_anchors_of_the_distance(sample_sets):
    """0 for the same examples, 1 for always their mean."""
    real, _ = sample_sets
    probabilities = np.ones((900, 1), "float32")
    assert scored(real, real, probabilities, 100)["frechet_distance"] == pytest.approx(0, abs=1e-4)
    assert scored(real, 0 * real + real.mean(0), probabilities, 100)[
        "frechet_distance"
    ] == pytest.approx(1, abs=1e-3)


def test_nothing_seen_is_no_error_and_reset_forgets(sample_sets):
    scores = GenerativeMetrics(features=4, classes=2)
    assert {name: float(value) for name, value in scores.result().items()}["classes"] == 0
    scores.update_state(*sample_sets, np.tile([[1.0, 0.0]], (900, 1)))
    scores.reset_state()
    assert float(scores.count) == 0
    again = GenerativeMetrics.from_config(scores.get_config())
    assert (again.features, again.classes) == (4, 2)


def test_classifier_learns_and_compares():
    """Two classes of pictures: bright above or below."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    labels = np.arange(128) % 2
    images = rng.random((128, 16, 16, 1)).astype("float32") * 0.3
    images[labels == 0, :8] += 0.7
    images[labels == 1, 8:] += 0.7
    data = [(images[i : i + 32], labels[i : i + 32]) for i in range(0, 128, 32)]
    classifier = build_classifier((16, 16, 1), classes=2, features=8)
    train_classifier(classifier, Batches(data), epochs=8)
    assert np.mean(classifier.predict(images, verbose=0)[1].argmax(1) == labels) > 0.95
    same, half = (
        compare_samples(classifier, images, images),
        compare_samples(classifier, images, images[labels == 0].repeat(2, axis=0)),
    )
    assert same["frechet_distance"] == pytest.approx(0, abs=1e-3)
    assert half["frechet_distance"] > 0.1
    assert (same["classes"], half["classes"]) == (2, 1)


def test_comparison_measures_generated_against_real(sample_sets):
    """In units of the variance of the real ones, with the classes of the generated ones."""
    real, generated = sample_sets[0], 2 * sample_sets[1]

    class Classifier:
        """Shows the examples themselves as features, and takes the real ones for all classes."""

        def predict(self, examples, **_):
            probabilities = (
                np.arange(len(examples)) % 4 if examples is real else np.arange(len(examples)) % 2
            )
            return examples, np.eye(4)[probabilities]

    (m, c), (n, d) = ((x.mean(0), np.cov(x.T, bias=True)) for x in (real, generated))
    distance = np.sum((m - n) ** 2) + np.trace(c + d - 2 * sqrtm(c @ d).real)
    assert abs(np.trace(c) / np.trace(d) - 1) > 0.2, "swapped, they would give the same"
    found = compare_samples(Classifier(), real, generated)
    assert found["frechet_distance"] == pytest.approx(distance / np.trace(c), rel=1e-3)
    assert found["classes"] == 2
    assert found["class_entropy"] == pytest.approx(np.log(2), rel=1e-4)


def test_a_class_with_just_its_fifth_counts():
    """100 examples of 4 classes: a fair share is 25, a fifth of it 5."""
    probabilities = np.eye(4, dtype="float32")[np.repeat([0, 1, 2, 3], [86, 5, 5, 4])]
    examples = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    assert scored(examples, examples, probabilities, 100)["classes"] == 3


class Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def test_parameters_of_the_classifier():
    assert build_classifier().count_params() == 416 + 12_832 + (512 * 64 + 64) + 650
    assert f"{build_classifier().count_params():,} parameters" in build_classifier.__doc__


def test_precision_and_coverage_against_numpy():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(40, 2)).astype("float32")
    generated = rng.normal(1, 1.5, (40, 2)).astype("float32")

    def distance(a, b):
        return np.linalg.norm(a[:, None] - b[None], axis=-1)

    radius = np.sort(distance(real, real), axis=1)[:, 3]
    around = distance(real, generated) <= radius[:, None]
    found = [float(value) for value in precision_and_coverage(real, generated)]
    assert found == pytest.approx([around.any(0).mean(), around.any(1).mean()])
    assert found[0] != pytest.approx(found[1]), "swapped, they would be the same"


def test_precision_coverage_and_diversity_of_equals_of_one_point_and_of_noise():
    rng = np.random.default_rng(0)
    real, equal = rng.normal(size=(2, 1000, 2)).astype("float32")
    one = np.tile(real[:1], (1000, 1))
    far = rng.uniform(50, 60, (1000, 2)).astype("float32")
    precision, coverage = (float(value) for value in precision_and_coverage(real, equal))
    assert precision > 0.95
    assert coverage == pytest.approx(1 - 2**-3, abs=0.04)
    of_one = [float(value) for value in precision_and_coverage(real, one)]
    assert of_one == pytest.approx([1, 0.0], abs=0.02)
    assert [float(value) for value in precision_and_coverage(real, far)] == [0, 0]
    assert float(diversity(real, equal)) == pytest.approx(1, abs=0.1)
    assert float(diversity(real, one)) == pytest.approx(0, abs=1e-5)
    assert float(diversity(real, 3 * equal)) == pytest.approx(3, abs=0.3)
