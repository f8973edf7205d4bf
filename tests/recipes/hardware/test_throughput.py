"""What is timed and how, and the numbers of the slides."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.hardware import throughput as recipe


class Clock:
    """A clock that stands still but while a call lasts."""

    def __init__(self, durations):
        self.now = 0.0
        self.durations = iter(durations)
        self.calls = 0

    def perf_counter(self):
        return self.now

    def call(self):
        self.calls += 1
        self.now += next(self.durations)


def test_median_of_the_calls_after_the_first_ones(monkeypatch):
    clock = Clock([9, 8, 7, 2, 1, 30, 3, 2])
    monkeypatch.setattr(recipe, "time", clock)
    assert recipe.median_seconds(clock.call) == 2
    assert clock.calls == recipe.WARM_UP + recipe.REPEATS


def test_short_calls_are_repeated_for_long_enough(monkeypatch):
    clock = Clock([2.0**-10] * 1000)
    monkeypatch.setattr(recipe, "time", clock)
    assert recipe.median_seconds(clock.call) == 2.0**-10
    assert clock.calls == recipe.WARM_UP + np.ceil(recipe.SECONDS * 2**10)


@pytest.mark.parametrize(
    ("name", "parameters"), [("MLP", 1_841_162), ("LeNet", 62_006), ("MobileNet", 834_666)]
)
def test_sizes_of_the_networks(name, parameters):
    build = recipe.NETWORKS[name]
    assert build().count_params() == parameters
    assert f"{parameters:,} parameters" in build.__doc__


def test_a_call_takes_as_many_images_as_said_and_a_step_trains(monkeypatch):
    monkeypatch.setattr(recipe, "BATCHES", [1, 3])
    model = keras.Sequential(
        [keras.Input(recipe.IMAGE), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    )
    before = model.get_weights()
    sizes = []

    def one_call(call):
        result = call()
        sizes.append(np.shape(result))
        return 0.5

    monkeypatch.setattr(recipe, "median_seconds", one_call)
    seconds = recipe.measure(model)
    assert sizes == [(1, 10), (), (3, 10), ()]  # probabilities, and a loss
    assert list(seconds) == ["inference", "training step"]
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
    np.testing.assert_array_equal(recipe.images_per_second(seconds["inference"]), [2, 6])


def test_saturation():
    rising = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256])
    assert recipe.saturation(rising) == 256
    assert recipe.saturation(np.minimum(rising, 17)) == 16  # 16 are 94 % of 17
    assert recipe.saturation(np.minimum(rising, 18)) == 32


def test_two_parts_of_the_time():
    assert recipe.fixed_and_each((1, 7.0), (4, 13.0)) == (5, 2)


def test_litert_takes_images_one_by_one():
    model = keras.Sequential(
        [keras.Input(recipe.IMAGE), keras.layers.Flatten(), keras.layers.Dense(64)]
    )
    for quantized in (False, True):
        assert recipe.frames_per_second(model, quantized) > 0


@pytest.mark.slides
def test_images_a_watt():
    """N95: the slide prints 6.5 and 12.8 for the second and the last one."""
    per_watt = [row.images / row.watts for row in recipe.COSTS]
    expected = [1.16, 3.84, 6.6, 8.81, 8.25, 12.93]
    np.testing.assert_allclose(per_watt, expected, atol=0.005)


@pytest.mark.slides
def test_peaks():
    """N93: 40 TFLOPS are those of a clock of 1.86 GHz, not of the slide's 1.56."""
    assert recipe.peak(*recipe.CHIPS["RTX 3090 Ti"]) == pytest.approx(40e12, rel=1e-3)
    assert recipe.peak(10_752, 1.56) == pytest.approx(33.5e12, rel=2e-3)
    assert recipe.peak(*recipe.CHIPS["GTX 1080"]) == pytest.approx(8.87e12, rel=1e-3)
    # N108: a V100's 640 tensor cores, each of 64 products per cycle, at 1.38 GHz.
    assert recipe.peak(640 * 64, 1.38) == pytest.approx(113e12, rel=1e-3)


def test_picture_has_the_slides_points_and_a_ring_for_each_curve(monkeypatch):
    monkeypatch.setattr(recipe, "BATCHES", [1, 128])
    seconds = {"inference": np.array([1.0, 2.0]), "training step": np.array([2.0, 256.0])}
    figure = recipe.plot({"MLP": seconds})
    throughput, latency = figure.axes
    assert figure.get_suptitle().endswith("in inference: MLP × 64")
    points = {(line.get_xdata()[0], line.get_ydata()[0]) for line in throughput.lines[-2:]}
    assert points == {(1, 138), (128, 863)}
    rings = [tuple(ring.get_offsets()[0]) for ring in throughput.collections]
    assert rings == [(128, 64), (1, 0.5)]
    assert latency.lines[0].get_ydata().tolist() == [1000, 2000]
    plt.close(figure)
