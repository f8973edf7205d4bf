"""Roads and their camera, the good driver, and driving in a closed loop."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.spatial import cKDTree

from recipes.applications import pilotnet as recipe
from recipes.applications.figures import pilotnet as pictures


@pytest.fixture(scope="module")
def road():
    return recipe.random_road(7)


@pytest.fixture(scope="module")
def circle():
    """A road that goes round a circle of 40 m, to the left."""
    angle = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    points = 40 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    tangents = np.stack([-np.sin(angle), np.cos(angle)], axis=1)
    origin = np.array([-100.0, -100.0])
    centers = np.stack(np.indices((201, 201)), axis=-1) + origin
    _, nearest = cKDTree(points).query(centers)
    return recipe.Road(points, 40 * angle, tangents, nearest, origin)


def test_road_coordinates_of_a_circle(circle):
    rng = np.random.default_rng(0)
    radius = rng.uniform(34, 46, 300)
    angle = rng.uniform(0.1, 6.2, 300)
    places = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    along, aside = recipe.road_coordinates(circle, places)
    np.testing.assert_allclose(aside, 40 - radius, atol=0.02)  # inside is to the left
    np.testing.assert_allclose(along, 40 * angle, atol=0.2)


def test_good_driver_keeps_to_the_circle_and_comes_back_to_it(circle):
    position = circle.points[0]
    heading = recipe.heading_at(circle, 0)
    assert recipe.pure_pursuit(circle, position, heading) == pytest.approx(-1 / 40, rel=0.02)
    # To the left of the middle, the way back is to the right: a larger curvature.
    left = np.array([-np.sin(heading), np.cos(heading)])
    assert recipe.pure_pursuit(circle, position + left, heading) > -1 / 40 + 0.02
    assert recipe.pure_pursuit(circle, position - left, heading) < -1 / 40 - 0.02
    assert recipe.pure_pursuit(circle, position, heading + 0.1) > 0


def test_camera_sees_the_road_where_it_is(road):
    heading = recipe.heading_at(road, 100)
    left = np.array([-np.sin(heading), np.cos(heading)])

    def gray_columns(position):
        row = recipe.camera(road, position, heading)[50].astype(int)
        return np.flatnonzero(np.abs(row[:, 1] - row[:, 2]) < 12)

    middle = gray_columns(road.points[100])
    assert abs(middle.mean() - 99.5) < 8
    # A pixel on row 50 looks 110 · 1.4 / 38 m ahead; the road is 6 m wide.
    assert len(middle) == pytest.approx(6 * 38 / 1.4, rel=0.1)
    assert gray_columns(road.points[100] + 1.5 * left).mean() > middle.mean() + 10
    assert np.all(recipe.camera(road, road.points[100], heading)[: recipe.HORIZON] == recipe.SKY)


def test_roads_are_closed_and_bend_both_ways(road):
    gaps = np.linalg.norm(np.diff(road.points, axis=0, append=road.points[:1]), axis=1)
    assert gaps.max() < 0.1
    angle = np.unwrap(np.arctan2(*road.tangents.T[::-1]))
    bends = np.diff(angle)
    assert bends.min() < 0 < bends.max()
    assert np.abs(bends / gaps[:-1]).max() < 1 / 10  # no radius below 10 m


def test_without_shift_all_poses_are_in_the_middle(road):
    rng = np.random.default_rng(0)
    positions, headings = recipe.sample_poses(road, 20, 0.0, rng)
    for position, heading in zip(positions, headings, strict=True):
        index = recipe.closest(road, position)
        assert np.linalg.norm(road.points[index] - position) < 1e-9
        assert heading == recipe.heading_at(road, index)
    positions, _ = recipe.sample_poses(road, 200, 2.0, rng)
    _, aside = recipe.road_coordinates(road, positions)
    assert aside.min() < -1.5
    assert aside.max() > 1.5


def test_drives_in_a_closed_loop(road):
    """Who sees the road stays on it; who goes straight on is put back, which costs autonomy."""
    good = recipe.drive(road, recipe.by_road_mask, 150)
    assert good["interventions"] == 0
    assert good["autonomy"] == 1
    lengths = np.linalg.norm(np.diff(good["path"], axis=0), axis=1)
    pushed = np.zeros(149, bool)
    pushed[[49, 99]] = True
    np.testing.assert_allclose(lengths[~pushed], recipe.STEP)
    np.testing.assert_allclose(lengths[pushed], np.hypot(recipe.STEP, recipe.PUSH), rtol=0.1)
    # It comes back to the middle: half of the time it is near it.
    assert 0.8 < good["offsets"].max() < 2
    assert np.median(good["offsets"]) < 0.3
    straight = recipe.drive(road, lambda image: 0.0, 150)
    assert straight["interventions"] > 1
    expected = 1 - straight["interventions"] * 6 / 15
    assert straight["autonomy"] == max(expected, 0)
    left = recipe.drive(road, lambda image: -0.1, 10)
    turned = np.diff(left["path"][-2:], axis=0)[0]
    before = np.diff(left["path"][:2], axis=0)[0]
    assert before[0] * turned[1] - before[1] * turned[0] > 0  # counterclockwise


def test_autonomy_of_the_paper(monkeypatch, road):
    """Ten interventions in 600 seconds are 90 %: the paper's own example."""
    monkeypatch.setattr(recipe, "SECONDS", 600 / 150)
    straight = recipe.drive(road, lambda image: 0.0, 150)
    assert straight["autonomy"] == pytest.approx(1 - straight["interventions"] * 6 / 600)


def test_drives_on_all_test_roads_are_summed_up(monkeypatch):
    monkeypatch.setattr(recipe, "LAPS", 0.2)
    assert recipe.drive_test_roads(recipe.by_road_mask) == {"autonomy": 1.0, "interventions": 0}
    straight = recipe.drive_test_roads(lambda image: 0.0)
    each = [recipe.drive(recipe.random_road(n), lambda image: 0.0) for n in recipe.TEST_ROADS]
    assert straight["interventions"] == sum(one["interventions"] for one in each) > 3
    assert straight["autonomy"] < 1


def test_network_drives_by_its_answers():
    """N67: 252,219 parameters, and 1,152 features."""
    keras.utils.set_random_seed(0)
    model = recipe.build_model()
    assert model.count_params() == 252_219
    (flat,) = (layer for layer in model.layers if isinstance(layer, keras.layers.Flatten))
    assert flat.output.shape == (None, 1152)
    image = np.random.default_rng(0).integers(0, 256, (66, 200, 3)).astype("uint8")
    answer = recipe.by_network(model)(image)
    assert answer == pytest.approx(float(model.predict(image[None], verbose=0)[0, 0]), abs=1e-6)


def test_title_of_the_film_says_how_often_the_road_was_left(road):
    drive = recipe.drive(road, recipe.by_road_mask, 130)
    figure = pictures.plot_film(drive | {"interventions": 1})
    assert figure.get_suptitle().endswith("in 130 m it left the road 1 time")
    plt.close(figure)
    columns, rows = pictures.arc(0.05)
    assert columns[-1] > columns[0]  # to the right
    assert rows[-1] < rows[0]
