"""Shapes move as their class says, frames do not tell it, one-frame filters are blind to order."""

import keras
import numpy as np
import pytest

from recipes.convolution import conv3d_clips as recipe


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_shapes_differ_and_wrap_around(kind):
    (frame,) = recipe.render(kind, np.array([11.0]), np.array([7.0]))
    assert frame.shape == (24, 24)
    rows, columns = np.nonzero(frame)
    assert (rows.mean(), columns.mean()) == pytest.approx((7, 11))
    (moved,) = recipe.render(kind, np.array([11.0 + 20]), np.array([7.0 - 11]))
    np.testing.assert_allclose(moved, np.roll(frame, (-11, 20), axis=(0, 1)), atol=1e-9)
    other = recipe.render((kind + 1) % 3, np.array([11.0]), np.array([7.0]))[0]
    assert np.abs(frame - other).sum() > 5


def center(frame):
    """Row and column of the center of the moving shape, by the angle of the first harmonics."""
    spectrum = np.fft.fft2(frame)
    return -np.angle([spectrum[1, 0], spectrum[0, 1]]) * recipe.SIDE / (2 * np.pi)


@pytest.mark.parametrize("label", range(8))
def test_a_clip_moves_in_the_direction_of_its_class(label, monkeypatch):
    monkeypatch.setattr(recipe, "NOISE", 0)
    clips, labels = recipe.sample_clips(40, seed=0)
    directions = {
        "right": (0, 1),
        "down": (1, 0),
        "left": (0, -1),
        "up": (-1, 0),
    }
    wanted = np.sum([directions[word] for word in recipe.CLASSES[label].split()], axis=0)
    for clip in clips[labels == label][..., 0]:
        # What stands still is the same in all frames: the difference has the moving shape only.
        moving = clip - np.minimum.reduce(clip)
        steps = np.diff([center(frame) for frame in moving[:3]], axis=0)
        steps = (steps + recipe.SIDE / 2) % recipe.SIDE - recipe.SIDE / 2
        mean = steps.mean(axis=0)
        assert mean @ wanted > 0
        cosine = mean @ wanted / np.linalg.norm(mean) / np.linalg.norm(wanted)
        assert cosine > 0.8


def test_sets_are_balanced_and_noisy():
    clips, labels = recipe.sample_clips(64, seed=1)
    assert clips.shape == (64, 8, 24, 24, 1)
    assert clips.dtype == "float32"
    assert np.bincount(labels).tolist() == [8] * 8
    assert np.median(np.abs(clips)) > 0.1


def test_backwards_changes_the_answer_of_filters_of_three_frames_only():
    keras.utils.set_random_seed(0)
    clips, _ = recipe.sample_clips(8, seed=1)
    differences = {}
    for name, arguments in recipe.VARIANTS.items():
        model = recipe.build_model(**arguments)
        answers = np.asarray(model(clips)), np.asarray(model(clips[:, ::-1]))
        differences[name] = np.abs(answers[0] - answers[1]).max()
    assert differences["conv2d"] < 1e-6
    assert differences["conv3d"] > 1e-4


def test_parameters():
    counts = [
        recipe.build_model(**arguments).count_params() for arguments in recipe.VARIANTS.values()
    ]
    assert counts == [17_984, 6_320]
