"""The builder of the slices reads the repository as it is published, in the order of the volume."""

import hashlib
import io
import zipfile

import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds

from recipes.datasets import isbi2012
from recipes.datasets.isbi2012 import URL, Isbi2012


def png(array):
    content = io.BytesIO()
    PIL.Image.fromarray(array).save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Two slices, among other files; the second is white where the first is black."""
    rng = np.random.default_rng(0)
    files = {}
    for index in range(2):
        files[f"train/image/{index}.png"] = rng.integers(0, 256, (512, 512)).astype("uint8")
    for index in range(2):
        label = np.full((512, 512), 255, "uint8")
        label[:100] = 0
        files[f"train/label/{index}.png"] = 255 - label if index else label
    contents = {name: png(array) for name, array in files.items()}
    path = tmp_path / "unet.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("unet-b45af4d/data/membrane/test/0.png", b"not read")
        file.writestr("unet-b45af4d/data/membrane/train/aug/image_0_614.png", b"not read")
        for name, content in reversed(contents.items()):
            file.writestr(f"unet-b45af4d/data/membrane/{name}", content)
    monkeypatch.setattr(isbi2012, "SLICES", 2)
    digest = hashlib.sha256(b"".join(contents.values())).hexdigest()
    monkeypatch.setattr(isbi2012, "CHECKSUM", digest)
    return path, files


def test_reads_the_published_repository(archive, tmp_path):
    path, files = archive
    builder = Isbi2012(data_dir=tmp_path)
    builder._split_generators = lambda dl_manager: {"train": builder._generate_examples(path)}
    builder.download_and_prepare()
    rows = list(builder.as_dataset("train").as_numpy_iterator())
    assert len(rows) == 2
    for index, row in enumerate(rows):
        np.testing.assert_array_equal(row["image"][..., 0], files[f"train/image/{index}.png"])
    # What is black in the label is membrane.
    assert rows[0]["membrane"][:100].all()
    assert not rows[0]["membrane"][100:].any()
    assert not rows[1]["membrane"][:100].any()
    assert rows[1]["membrane"][100:].all()


def test_other_images_are_refused(archive, monkeypatch):
    monkeypatch.setattr(isbi2012, "CHECKSUM", "0" * 64)
    with pytest.raises(ValueError, match="does not hold the images"):
        isbi2012.read(archive[0])


def test_the_repository_is_known_by_its_address():
    assert Isbi2012.url_infos.keys() == {URL}
    # The host packs the archive anew: neither its size nor its checksum is fixed.
    downloaded = tfds.core.download.checksums.UrlInfo(size=1, checksum="0" * 64, filename=None)
    assert Isbi2012.url_infos[URL] == downloaded


@pytest.mark.real_data
def test_known_figures():
    try:
        data = tfds.load("isbi2012", split="train", download=False)
    except (AssertionError, tfds.core.DatasetNotFoundError):
        pytest.skip("isbi2012 is not prepared in TFDS_DATA_DIR")
    rows = list(data.as_numpy_iterator())
    assert len(rows) == 30
    shares = [row["membrane"].mean() for row in rows]
    assert shares[0] == pytest.approx(0.2193, abs=1e-4)
    assert shares[29] == pytest.approx(0.1675, abs=1e-4)
    for row in rows:  # membranes are darker than cells
        on_membrane = row["membrane"] == 1
        assert row["image"][on_membrane].mean() < row["image"][~on_membrane].mean() - 30
