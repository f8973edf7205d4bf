"""Masks of the user: what is read, refused and left out, and a network that learns them."""

import json
import types

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from recipes._runner import cli, own_data, own_kinds, run_command
from recipes._runner.errors import UserError
from recipes._runner.recipe import find


@pytest.fixture(autouse=True)
def eager(monkeypatch, tmp_path, coarse_pictures):
    monkeypatch.chdir(tmp_path)
    for module in ("run_command", "saved"):
        monkeypatch.setattr(f"recipes._runner.{module}.SAVED_MODELS", tmp_path / "saved")
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
    keras.backend.clear_session(free_memory=False)


def load(path, settings=None, **given):
    recipe = find("unet")
    known = dict.fromkeys(run_command.OF_DATA)
    options = types.SimpleNamespace(data=path, **known | given)
    return own_data.load(recipe, recipe.module, options, settings or {})


def save(values, path, mode=None, **saving):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = PIL.Image.fromarray(np.asarray(values, "uint8"))
    (image.convert(mode) if mode else image).save(path, **saving)


def slices(folder, values=(0, 1), count=8):
    """Images of 44 × 30 pixels, and masks of stripes: where an image is 20 · n, its mask has n."""
    columns = np.arange(44) * len(values) // 44
    for number in range(count):
        stripes = np.roll(np.tile(columns, (30, 1)), number, axis=1)
        save(20 * stripes, folder / "images" / f"{number}.png")
        save(np.array(values)[stripes], folder / "masks" / f"{number}.png")
    return folder


def test_images_beside_masks(tmp_path):
    own = load(slices(tmp_path / "slices", values=(0, 1, 2)))
    assert own.form == "masks"
    assert own.classes == ["0", "1", "2"]
    assert own.shape == (32, 48, 1), "the multiples of 16 that are nearest to 30 and 44"
    assert own.targets.shape == (8, 32, 48)
    assert own.targets.dtype == "uint8"
    assert [len(rows) for rows in own.parts] == [6, 1, 1]
    # Where images are resized bilinearly, borders have values in between.
    nearest = np.rint(own.inputs[..., 0] / 20)
    assert np.mean(nearest == own.targets) > 0.95
    assert set(np.unique(own.targets)) == {0, 1, 2}
    found, parts, trained = own.lines
    assert found.startswith("slices: 8 images with masks of 3 classes: 0 3")
    assert f"2 {np.mean(own.targets == 2):.1%} of the pixels" in found
    assert parts == "Split by chance, seed 0: 6 to train, 1 for validation, 1 for the test."
    assert "3 softmax units for each pixel" in trained
    assert "of the pixels" in trained


def test_white_masks_have_two_classes(tmp_path):
    own = load(slices(tmp_path / "slices", values=(0, 255)))
    assert own.classes == ["background", "foreground"]
    assert set(np.unique(own.targets)) == {0, 1}
    assert "The masks hold 0 and 255: 255 is taken as class 1." in own.lines
    other = load(slices(tmp_path / "other", values=(0, 1)))
    assert other.targets.tolist() == own.targets.tolist()
    assert other.notes == []


def test_classes_have_the_names_of_a_file(tmp_path):
    folder = slices(tmp_path / "slices", values=(0, 1, 3))
    with pytest.raises(UserError, match=r"masks/0\.png: holds 3, but no mask holds 2: classes are"):
        load(folder)
    (folder / "classes.txt").write_text("sky\nroad\ncar\ntree\n")
    own = load(folder)
    assert own.classes == ["sky", "road", "car", "tree"]
    assert set(np.unique(own.targets)) == {0, 1, 3}
    assert "Too rare to learn: car (0 of the examples" in "\n".join(own.lines)
    (folder / "classes.txt").write_text("sky\nroad\n")
    with pytest.raises(UserError, match=r"holds 3, but classes\.txt names the classes 0 to 1"):
        load(folder)


def test_a_palette_numbers_the_classes(tmp_path):
    folder = slices(tmp_path / "slices", values=(0, 1, 2))
    expected = load(folder).targets
    for file in (folder / "masks").iterdir():
        mask = PIL.Image.open(file)
        mask.putpalette([0, 0, 0, 200, 0, 0, 0, 0, 200])
        mask.save(file)
    own = load(folder)
    assert own.targets.tolist() == expected.tolist()
    assert any("palette" in line for line in own.lines)


def test_unusable_masks_are_named_and_refused_or_left_out(tmp_path):
    folder = slices(tmp_path / "slices", count=14)
    masks = folder / "masks"
    (masks / "0.png").unlink()
    save(np.zeros((30, 30)), masks / "1.png")
    save(np.zeros((30, 44, 3)), masks / "2.png")
    save(np.full((30, 44), 7), masks / "3.png")
    (masks / "4.png").write_bytes((masks / "5.png").read_bytes()[:60])
    (masks / "6.png").write_bytes(b"")
    save(np.zeros((30, 44)), masks / "more.png")
    (masks / "7.png").rename(masks / "7.npy")
    (folder / "images" / "8.png").write_bytes(b"no image")
    own_kinds.SHOWN, shown = 20, own_kinds.SHOWN
    try:
        with pytest.raises(UserError) as refused:
            load(folder)
    finally:
        own_kinds.SHOWN = shown
    for said in (
        "images/0.png: has no file of this name in masks",
        "masks/1.png: has 30 × 30 pixels, its image 44 × 30",
        "masks/2.png: has colors (RGB): save it in gray",
        "masks/3.png: holds 7, but no mask holds 2",
        "masks/4.png: is no readable image",
        "masks/6.png: is empty",
        "masks/7.npy: is none of .png",
        "images/7.png: has no file of this name",
        "images/8.png: is no readable image",
        "masks/more.png: belongs to no image",
        "--skip-broken leaves them out",
    ):
        assert said in str(refused.value)
    own = load(folder, skip_broken=True)
    assert len(own.inputs) == len(own.targets) == 6
    assert own.lines[-1].startswith("Left out (10): ")
    assert np.mean(np.rint(own.inputs[..., 0] / 20) == own.targets) > 0.95


def test_photographs_are_upright_like_their_masks(tmp_path):
    folder = slices(tmp_path / "slices")
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # turn it clockwise to see it upright
    turned = np.rot90(np.asarray(PIL.Image.open(folder / "images" / "0.png")))
    save(turned, folder / "images" / "0.png", exif=exif)
    own = load(folder)
    np.testing.assert_array_equal(np.rint(own.inputs[0, ..., 0] / 20)[:, 5], own.targets[0][:, 5])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "masks").rename(folder / "labels"), "holds no folder 'masks'"),
        (lambda folder: slices(folder, values=(0, 0)), "has one class only"),
        (lambda folder: slices(folder, values=(1, 2)), "no mask holds 0"),
        (
            lambda folder: [file.unlink() for file in folder.rglob("[2-9].png")],
            "holds 2 usable images; 3 are needed",
        ),
    ],
)
def test_folders_that_are_no_data(spoil, said, tmp_path):
    spoil(slices(tmp_path / "slices"))
    with pytest.raises(UserError, match=said):
        load(tmp_path / "slices")


def test_blurred_masks_are_recognized(tmp_path):
    folder = slices(tmp_path / "slices", values=(0, 200))
    for file in (folder / "masks").iterdir():
        PIL.Image.open(file).save(file.with_suffix(".jpg"), quality=60)
        file.unlink()
    with pytest.raises(UserError, match="JPEG changes values: save masks as PNG"):
        load(folder)


def test_folders_of_training_and_test(tmp_path):
    for part, count in (("train", 5), ("test", 2)):
        parted = slices(tmp_path / part, count=count)
        for name in ("images", "masks"):
            (tmp_path / "slices" / name).mkdir(parents=True, exist_ok=True)
            (parted / name).rename(tmp_path / "slices" / name / part)
    own = load(tmp_path / "slices")
    assert [len(rows) for rows in own.parts] == [4, 1, 2]
    assert "Split as the folders say" in own.lines[1]


SMALL = ["--set", "filters=2", "--set", "depth=1", "--set", "input_shape=(16,16,1)"]


def test_run_and_predict_in_the_size_of_the_image(tmp_path, capsys):
    slices(tmp_path / "slices", values=(0, 1, 2))
    assert cli.main(["run", "unet", "--data", "slices", "--epochs", "1", *SMALL]) == 0
    folder = tmp_path / "saved" / "unet" / "own" / "slices"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["classes"] == ["0", "1", "2"]
    assert 0 <= metrics["scores"]["iou"] <= 1
    assert (folder / "masks.png").exists()
    assert "Images of the test set, their masks" in (folder / "README.md").read_text()
    capsys.readouterr()
    save(np.zeros((33, 57)), tmp_path / "new.png")
    words = ["predict", "unet/own/slices", "new.png", "--images", "found"]
    assert cli.main(words) == 0
    assert "new.png: found/new.png" in capsys.readouterr().out
    with PIL.Image.open("found/new.png") as mask:
        assert (mask.mode, mask.size) == ("P", (57, 33))
        assert np.asarray(mask).max() < 3
    weighed = ["run", "unet", "--data", "slices", *SMALL, "--class-weights", "balanced"]
    assert cli.main(weighed) == 2
    assert "--class-weights: unet learns a class for each pixel" in capsys.readouterr().err


@pytest.mark.full
def test_enet_learns_them_too(tmp_path, monkeypatch):
    monkeypatch.setattr(find("enet").module, "FIRST_STAGE", 1)
    monkeypatch.setattr(find("enet").module, "SECOND_STAGE", [{}])
    slices(tmp_path / "slices", values=(0, 1, 2))
    words = ["--set", "filters=5", "--set", "input_shape=(16,16,3)"]
    assert cli.main(["run", "enet", "--data", "slices", "--epochs", "1", *words]) == 0
    save(np.zeros((33, 57)), tmp_path / "new.png")
    assert cli.main(["predict", "enet/own/slices", "new.png", "--images", "found"]) == 0
    with PIL.Image.open("found/new.png") as mask:
        assert (mask.mode, mask.size) == ("P", (57, 33))


def test_sizes_that_the_network_cannot_halve_are_refused(tmp_path, capsys):
    slices(tmp_path / "slices")
    words = ["run", "unet", "--data", "slices", "--set", "input_shape=(30,44,1)"]
    assert cli.main(words) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "unet does not work with input_shape=(30, 44, 1)" in line
