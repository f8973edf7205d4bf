"""The lines of the chapter's page that read boxes and masks of one's own, on a few files."""

import pathlib
import re

import keras
import numpy as np
import pytest
from PIL import Image

from recipes.common.arrays import to_numpy
from recipes.detection_and_segmentation import enet, unet, yolo_v3

PAGE = pathlib.Path(yolo_v3.__file__).with_name("README.md")


def lines_that_read(folder):
    """The block of the page in which `FOLDER` is a folder of this name."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf8"), re.DOTALL)
    (found,) = [block for block in blocks if f'pathlib.Path("{folder}")' in block]
    return found


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Twelve photographs of 100 × 200 pixels with a bright square at a place of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    lines = ["file,left,top,right,bottom,label"]
    for number in range(12):
        image = np.zeros((100, 200, 3), "uint8")
        image[20:70, 10 * number : 10 * number + 50] = 200
        Image.fromarray(image).save(f"photos/{number}.png")
        label = ("bolt", "nut")[number % 2]
        lines.append(f"{number}.png,{10 * number},20,{10 * number + 50},70,{label}")
    lines[6] = "5.png,,,,,"
    (tmp_path / "photos/boxes.csv").write_text("\n".join(lines))


@pytest.mark.full
def test_yolo_v3_learns_boxes_of_ones_own(photos, monkeypatch):
    names = dict(vars(yolo_v3))
    exec(lines_that_read("photos"), names)
    assert names["CLASSES"] == ["bolt", "nut"]
    train, validation, test = names["load_data"](batch_size=2)
    assert [len(part) for part in (train, validation, test)] == [4, 1, 1]
    images, objects = to_numpy(validation)
    assert images.shape == (2, yolo_v3.HEIGHT, yolo_v3.WIDTH, 3)
    for image, (left, top, right, bottom, label) in zip(images, objects[:, 0], strict=True):
        # The box is where the photograph is bright.
        rows, columns = np.nonzero(image[..., 0] > 150)
        seen = np.array(
            [columns.min() / 256, rows.min() / 192, columns.max() / 256, rows.max() / 192]
        )
        np.testing.assert_allclose([left, top, right, bottom], seen, atol=0.02)
        assert label == round(left * 20) % 2
    assert (objects[:, 1:] == 0).all()

    monkeypatch.setattr(yolo_v3, "CLASSES", names["CLASSES"])
    model = yolo_v3.build_model(filters=2, repeats=(0, 0, 0, 0, 1), train=train)
    model.run_eagerly = True  # to compile takes longer than four steps
    history = model.fit(train, validation_data=validation, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert "val_map50" in history


@pytest.fixture
def slices(tmp_path, monkeypatch):
    """Twelve images of 70 × 50 pixels, whose masks are white where they are bright."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (tmp_path / "slices" / folder).mkdir(parents=True)
    for number in range(12):
        image = rng.integers(0, 256, (70, 50)).astype("uint8")
        Image.fromarray(image).save(f"slices/images/{number}.png")
        Image.fromarray(np.uint8(255 * (image > 127))).save(f"slices/masks/{number}.png")


@pytest.mark.parametrize("recipe", [unet, pytest.param(enet, marks=pytest.mark.full)])
def test_networks_learn_masks_of_ones_own(recipe, slices):
    names = dict(vars(recipe))
    exec(lines_that_read("slices"), names)
    train, validation, test = names["load_data"](batch_size=16, size=32)
    images, classes = to_numpy(validation)
    assert images.shape == (2, 64, 48, 1)
    np.testing.assert_array_equal(classes, images[..., 0] > 127)
    images, classes = next(iter(train))
    np.testing.assert_array_equal(classes, images[..., 0] > 127)
    assert len(test) == 2
    model = recipe.build_model(filters=2)
    model.run_eagerly = True
    scores = model.evaluate(validation, return_dict=True, verbose=0)
    assert 0 <= scores["iou"] <= 1
    assert model.predict(images[:1], verbose=0).shape == (1, 32, 32, 2)
    keras.backend.clear_session(free_memory=False)
