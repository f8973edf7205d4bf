"""The pictures of pilotnet: a drive as a film strip, the paths of the networks, and the offsets."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.applications import pilotnet

FRAMES = 6  # of the film strip, in each of two rows
METERS = 400  # length of the drives in the pictures
COLORS = {"recovery": "C0", "center_only": "C1"}


def figures(models, test, histories):
    """Images of a drive with the predicted steering, and the path of each network."""
    road = pilotnet.random_road(pilotnet.TEST_ROADS[1])
    drives = {}
    for name, model in models.items():
        drives[name] = pilotnet.drive(road, pilotnet.by_network(model), METERS)
    first = next(iter(drives.values()))
    return {"film": plot_film(first), "ways": plot_ways(road, drives)}


def arc(curvature):
    """Columns and rows in the image of an arc of a given curvature, up to 15 m ahead."""
    ahead = np.linspace(3.5, 15, 40)
    left = -curvature * ahead**2 / 2
    columns = (pilotnet.WIDTH - 1) / 2 - pilotnet.FOCAL_LENGTH * left / ahead
    rows = pilotnet.HORIZON + pilotnet.FOCAL_LENGTH * pilotnet.CAMERA_HEIGHT / ahead
    return columns, rows


def plot_film(drive):
    """Images at equal distances along a drive; the line is the arc that the network predicts."""
    chosen = np.linspace(0, len(drive["images"]) - 1, 2 * FRAMES).astype(int)
    figure, axes = plt.subplots(2, FRAMES, figsize=(13, 2.6), layout="constrained")
    for axis, number in zip(axes.flat, chosen, strict=True):
        axis.imshow(drive["images"][number])
        step = 10 * number
        axis.plot(*arc(drive["curvatures"][step]), color="C1")
        axis.set(xlim=(0, pilotnet.WIDTH - 1), ylim=(pilotnet.HEIGHT - 1, 0), xticks=[], yticks=[])
        axis.set_title(f"{step * pilotnet.STEP:.0f} m", fontsize=9)
    count = drive["interventions"]
    driven = len(drive["path"]) * pilotnet.STEP
    times = "time" if count == 1 else "times"
    figure.suptitle(f"The network at the wheel: in {driven:.0f} m it left the road {count} {times}")
    return figure


def plot_ways(road, drives):
    """The road from above with the path of each network, and the distances from the middle."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    closed = np.concatenate([road.points, road.points[:1]])
    left.plot(*closed.T, color="0.85", linewidth=7)
    for name, drive in drives.items():
        left.plot(*drive["path"].T, color=COLORS.get(name), linewidth=1.5)
        meters = np.arange(len(drive["offsets"])) * pilotnet.STEP
        label = f"{name}: {drive['interventions']} interventions"
        right.plot(meters, drive["offsets"], color=COLORS.get(name), label=label)
    left.set(title="A road that no network was trained on", aspect="equal", xticks=[], yticks=[])
    left.spines[:].set_visible(False)
    right.axhline(pilotnet.ROAD, color="0.5", linestyle="--")
    right.set(title="Beyond the dashed line it is put back", xlabel="meters driven")
    right.set(ylabel="distance from the middle, m", ylim=(0, 1.2 * pilotnet.ROAD))
    right.legend(loc="upper right")
    return figure
