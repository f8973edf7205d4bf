"""The builder of the blood cells reads the repository as it is published, and mends its boxes."""

import hashlib
import io
import zipfile

import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds

from recipes.datasets import blood_cells
from recipes.datasets.blood_cells import URL, BloodCells

CELL = (
    "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin>"
    "<xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


def annotation(*cells):
    return (
        "<annotation>" + "".join(CELL.format(*cell) for cell in cells) + "</annotation>"
    ).encode()


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A photograph in each part, among other files."""
    files, digest = {}, hashlib.sha256()
    for index, part in enumerate(["train", "val", "test"]):
        content = io.BytesIO()
        pixels = np.full((480, 640, 3), 50 * (index + 1), "uint8")
        PIL.Image.fromarray(pixels).save(content, "JPEG", quality=10)
        box = annotation(("WBC", 1, 1, 320, 240 + index))
        files[f"ImageSets/Main/{part}.txt"] = f"BloodImage_0{index}\n".encode()
        files[f"JPEGImages/BloodImage_0{index}.jpg"] = content.getvalue()
        files[f"Annotations/BloodImage_0{index}.xml"] = box
        digest.update(content.getvalue() + box)
    path = tmp_path / "BCCD.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("BCCD_Dataset-d272fb1/README.md", b"not read")
        file.writestr("BCCD_Dataset-d272fb1/BCCD/ImageSets/Main/trainval.txt", b"not read")
        for name, content in reversed(files.items()):
            file.writestr(f"BCCD_Dataset-d272fb1/BCCD/{name}", content)
    monkeypatch.setattr(blood_cells, "CHECKSUM", digest.hexdigest())
    return path


def test_reads_the_published_repository(archive, tmp_path):
    builder = BloodCells(data_dir=tmp_path)
    split = builder._split_generators
    manager = type("Manager", (), {"download": lambda self, url: archive})()
    builder._split_generators = lambda dl_manager: split(manager)
    builder.download_and_prepare()
    for index, name in enumerate(["train", "validation", "test"]):
        (row,) = builder.as_dataset(name).as_numpy_iterator()
        np.testing.assert_allclose(row["image"], 50 * (index + 1), atol=4)
        # Pixels are counted from 1.
        np.testing.assert_allclose(row["objects"]["bbox"], [[0, 0, (240 + index) / 480, 0.5]])
        assert row["objects"]["label"].tolist() == [1]


def test_the_photographs_stay_the_bytes_that_they_were(archive, tmp_path):
    with zipfile.ZipFile(archive) as file:
        (image, _) = next(blood_cells.files(file, "val"))
        assert image == file.read("BCCD_Dataset-d272fb1/BCCD/JPEGImages/BloodImage_01.jpg")
    feature = BloodCells(data_dir=tmp_path).info.features["image"]
    assert feature.encode_example(io.BytesIO(image)) == image


def test_boxes_without_area_and_second_boxes_are_left_out():
    found = blood_cells.cells(
        annotation(
            ("RBC", 101, 101, 200, 200),
            ("RBC", 181, 329, 181, 329),  # no area
            ("RBC", 103, 103, 202, 202),  # the same cell
            ("Platelets", 103, 103, 202, 202),  # another class
            ("RBC", 131, 101, 230, 200),  # a cell that overlaps the first
        )
    )
    assert [cell["label"] for cell in found] == ["red blood cell", "platelet", "red blood cell"]
    np.testing.assert_allclose(found[0]["bbox"], [100 / 480, 100 / 640, 200 / 480, 200 / 640])
    np.testing.assert_allclose(found[2]["bbox"], [100 / 480, 130 / 640, 200 / 480, 230 / 640])


def test_other_photographs_are_refused(archive, monkeypatch):
    blood_cells.check(archive)
    monkeypatch.setattr(blood_cells, "CHECKSUM", "0" * 64)
    with pytest.raises(ValueError, match="does not hold the photographs"):
        blood_cells.check(archive)


def test_the_repository_is_known_by_its_address():
    assert BloodCells.url_infos.keys() == {URL}
    # The host packs the archive anew: neither its size nor its checksum is fixed.
    downloaded = tfds.core.download.checksums.UrlInfo(size=1, checksum="0" * 64, filename=None)
    assert BloodCells.url_infos[URL] == downloaded


@pytest.mark.real_data
def test_known_figures():
    counts = {"train": (205, 2376, 214, 209), "validation": (87, 965, 87, 83)}
    counts["test"] = (72, 804, 71, 69)
    for split, expected in counts.items():
        try:
            data = tfds.load("blood_cells", split=split, download=False)
        except (AssertionError, tfds.core.DatasetNotFoundError):
            pytest.skip("blood_cells is not prepared in TFDS_DATA_DIR")
        rows = list(data.as_numpy_iterator())
        labels = np.concatenate([row["objects"]["label"] for row in rows])
        assert (len(rows), *np.bincount(labels)) == expected
        boxes = np.concatenate([row["objects"]["bbox"] for row in rows])
        assert (boxes >= 0).all()
        assert (boxes <= 1).all()
        assert (boxes[:, :2] < boxes[:, 2:]).all()
        # Platelets are small, white blood cells large.
        sizes = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        means = [sizes[labels == label].mean() for label in range(3)]
        assert means[2] < means[0] / 3 < means[1] / 6
