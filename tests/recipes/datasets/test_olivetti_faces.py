"""The builder of the faces reads the published file: upright, one person after another."""

import numpy as np
import pytest
import scipy.io
import tensorflow_datasets as tfds

from recipes.datasets.olivetti_faces import URL, OlivettiFaces


def test_reads_the_published_file(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 64, 64)).astype("uint8")
    # Each image is a column of the matrix, itself column by column.
    columns = images.transpose(0, 2, 1).reshape(12, -1).T
    scipy.io.savemat(tmp_path / "olivettifaces.mat", {"faces": columns})
    builder = OlivettiFaces(data_dir=tmp_path)
    examples = builder._generate_examples
    builder._split_generators = lambda dl_manager: {
        "train": examples(tmp_path / "olivettifaces.mat")
    }
    builder.download_and_prepare()
    rows = list(builder.as_dataset("train").as_numpy_iterator())
    np.testing.assert_array_equal([row["image"][..., 0] for row in rows], images)
    assert [int(row["person"]) for row in rows] == [0] * 10 + [1] * 2


def test_address_and_checksum():
    assert OlivettiFaces.url_infos.keys() == {URL}
    assert OlivettiFaces.url_infos[URL].size == 1_432_511


@pytest.mark.real_data
def test_known_figures():
    try:
        data = tfds.load("olivetti_faces", split="train", download=False)
    except (AssertionError, tfds.core.DatasetNotFoundError):
        pytest.skip("olivetti_faces is not prepared in TFDS_DATA_DIR")
    rows = list(data.as_numpy_iterator())
    images = np.stack([row["image"] for row in rows])
    assert np.bincount([row["person"] for row in rows]).tolist() == [10] * 40
    assert images.mean() == pytest.approx(132.384, abs=0.001)
    # Faces are about symmetric from left to right, and not upside down.
    mirrored = np.abs(images[:, :, ::-1].astype(int) - images).mean()
    upside_down = np.abs(images[:, ::-1].astype(int) - images).mean()
    assert mirrored < 0.7 * upside_down
