"""Nerve cell membranes (ISBI 2012) for TFDS: `import recipes.datasets.isbi2012` registers it."""

import hashlib
import io
import zipfile

import numpy as np
import PIL.Image
import tensorflow_datasets as tfds

COMMIT = "b45af4d458437d8281cc218a07fd4380818ece4a"
URL = f"https://codeload.github.com/zhixuhao/unet/zip/{COMMIT}"
SLICES = 30
CHECKSUM = (
    "a6036caf93768d8ec1c099fa735bf6e9fa33f9093c08f7e94ad3ba6945c3deac"  # sha256 of all images
)


class Repository(tfds.core.download.checksums.UrlInfo):
    """An archive that the host may repack: its files are verified instead of its checksum."""

    def __eq__(self, other):
        return isinstance(other, tfds.core.download.checksums.UrlInfo)

    __hash__ = None


class Isbi2012(tfds.core.GeneratorBasedBuilder):
    """30 consecutive slices, 512 × 512 pixels, of the ventral nerve cord of a fruit fly larva.

    Serial section transmission electron microscopy of 2 × 2 × 1.5 micrometers; a pixel is 4 × 4
    nanometers, a slice 50 nanometers thick. `membrane` is 1 where an expert has drawn the border of
    a cell, else 0. The slices are in the order of the volume. The 30 other slices of the challenge,
    whose labels are not published, are left out.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012
    # Here instead of in checksums.tsv: the file stays complete when copied.
    url_infos = {  # noqa: RUF012
        URL: Repository(size=tfds.core.utils.Size(33_000_000), checksum="", filename="unet.zip")
    }

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(512, 512, 1)),
                    "membrane": tfds.features.Image(shape=(512, 512, 1)),
                }
            ),
            supervised_keys=("image", "membrane"),
            disable_shuffling=True,
            homepage="https://imagej.net/events/isbi-2012-segmentation-challenge",
            license="For non-commercial image segmentation software; by A. Cardona and others.",
            citation="""\
@article{cardona2010integrated,
  title={An integrated micro- and macroarchitectural analysis of the {Drosophila} brain by
    computer-assisted serial section electron microscopy},
  author={Cardona, Albert and Saalfeld, Stephan and Preibisch, Stephan and Schmid, Benjamin and
    Cheng, Anchi and Pulokas, Jim and Toman{\\v{c}}{\\'a}k, Pavel and Hartenstein, Volker},
  journal={PLoS Biology},
  volume={8},
  number={10},
  year={2010},
  doi={10.1371/journal.pbio.1000502}
}
@article{argandacarreras2015crowdsourcing,
  title={Crowdsourcing the creation of image segmentation algorithms for connectomics},
  author={Arganda-Carreras, Ignacio and others},
  journal={Frontiers in Neuroanatomy},
  volume={9},
  year={2015},
  doi={10.3389/fnana.2015.00142}
}""",
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(dl_manager.download(URL))}

    def _generate_examples(self, path):
        images, labels = read(path)
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            # In the labels, the interior of cells is white.
            membrane = (label == 0).astype("uint8")
            yield index, {"image": image[..., None], "membrane": membrane[..., None]}


def read(path):
    """Images and labels, lists of arrays (512, 512) of uint8, from the archive's PNG files.

    Raises:
        ValueError: if the archive contains other images.
    """
    digest = hashlib.sha256()
    pictures = {"image": [], "label": []}
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        for kind, arrays in pictures.items():
            for index in range(SLICES):
                (name,) = (each for each in names if each.endswith(f"train/{kind}/{index}.png"))
                content = archive.read(name)
                digest.update(content)
                arrays.append(np.array(PIL.Image.open(io.BytesIO(content))))
    if digest.hexdigest() != CHECKSUM:
        raise ValueError(f"{path} does not hold the images of commit {COMMIT}")
    return pictures["image"], pictures["label"]
