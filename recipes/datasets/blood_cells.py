"""Blood cells with boxes (BCCD) for TFDS: `import recipes.datasets.blood_cells` registers it."""

import hashlib
import io
import xml.etree.ElementTree
import zipfile

import tensorflow_datasets as tfds

COMMIT = "d272fb14cdff6e473fafeeeba32aba5f560e9e43"
URL = f"https://codeload.github.com/Shenggan/BCCD_Dataset/zip/{COMMIT}"
CHECKSUM = (
    "a5efbb580bebf791d2b65286388649f63d4952c39bbe92bde585cccfb0009528"  # sha256 of all files read
)
LISTS = {"train": "train", "validation": "val", "test": "test"}  # names in the repository
CLASSES = {  # by their names in the annotations
    "RBC": "red blood cell",
    "WBC": "white blood cell",
    "Platelets": "platelet",
}
HEIGHT = 480
WIDTH = 640
SAME = 6  # largest distance, in pixels, between the sides of two boxes of the same cell


class Repository(tfds.core.download.checksums.UrlInfo):
    """An archive that the host may repack: its files are verified instead of its checksum."""

    def __eq__(self, other):
        return isinstance(other, tfds.core.download.checksums.UrlInfo)

    __hash__ = None


class BloodCells(tfds.core.GeneratorBasedBuilder):
    """364 light-microscope photographs of stained blood smears, 640 × 480 pixels.

    `objects` are the cells with their boxes: 4,145 red blood cells, 372 white blood cells (their
    nuclei are stained purple) and 361 platelets (the smallest). The splits are those of the
    repository: 205, 87 and 72 photographs.

    The annotations count pixels from 1. Two boxes without an area are left out, and so is the
    second of two boxes, a few pixels apart, of eight red blood cells. Some cells have no box.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012
    # Here instead of in checksums.tsv: the file stays complete when copied.
    url_infos = {  # noqa: RUF012
        URL: Repository(size=tfds.core.utils.Size(8_000_000), checksum="", filename="BCCD.zip")
    }

    def _info(self):
        cell = {
            "bbox": tfds.features.BBoxFeature(),
            "label": tfds.features.ClassLabel(names=list(CLASSES.values())),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(HEIGHT, WIDTH, 3), encoding_format="jpeg"),
                    "objects": tfds.features.Sequence(cell),
                }
            ),
            disable_shuffling=True,
            homepage="https://github.com/Shenggan/BCCD_Dataset",
            license="MIT",
            citation="""\
@misc{bccd,
  title={{BCCD} dataset: a small-scale dataset for blood cells detection},
  author={Shenggan and Chen, Nicolas},
  year={2017},
  howpublished={https://github.com/Shenggan/BCCD_Dataset}
}""",
        )

    def _split_generators(self, dl_manager):
        path = dl_manager.download(URL)
        check(path)
        return {split: self._generate_examples(path, name) for split, name in LISTS.items()}

    def _generate_examples(self, path, part):
        with zipfile.ZipFile(path) as archive:
            for index, (image, annotation) in enumerate(files(archive, part)):
                yield index, {"image": io.BytesIO(image), "objects": cells(annotation)}


def files(archive, part):
    """The JPEG file and the XML file, bytes, of each photograph in a part of the archive."""
    names = {name.partition("BCCD/")[2]: name for name in archive.namelist()}
    for photograph in archive.read(names[f"ImageSets/Main/{part}.txt"]).decode().split():
        image = archive.read(names[f"JPEGImages/{photograph}.jpg"])
        yield image, archive.read(names[f"Annotations/{photograph}.xml"])


def check(path):
    """Raise a ValueError if the archive contains other photographs or annotations."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(path) as archive:
        for part in LISTS.values():
            for image, annotation in files(archive, part):
                digest.update(image)
                digest.update(annotation)
    if digest.hexdigest() != CHECKSUM:
        raise ValueError(f"{path} does not hold the photographs of commit {COMMIT}")


def same(box, other):
    """Whether two boxes, a label and four sides each, belong to the same cell."""
    apart = [abs(side - its) for side, its in zip(box[1:], other[1:], strict=True)]
    return box[0] == other[0] and max(apart) <= SAME


def cells(annotation):
    """The cells in the XML annotation of a photograph: `[{"bbox": …, "label": …}, …]`.

    Boxes without an area and second boxes of the same cell are left out.
    """
    found, known = [], []
    for element in xml.etree.ElementTree.fromstring(annotation).iter("object"):
        label = element.findtext("name")
        left, top, right, bottom = (
            int(element.findtext(f"bndbox/{name}")) for name in ("xmin", "ymin", "xmax", "ymax")
        )
        if left >= right or top >= bottom:
            continue
        box = label, left, top, right, bottom
        if any(same(box, other) for other in known):
            continue
        known.append(box)
        bbox = tfds.features.BBox(
            ymin=(top - 1) / HEIGHT,
            xmin=(left - 1) / WIDTH,
            ymax=bottom / HEIGHT,
            xmax=right / WIDTH,
        )
        found.append({"bbox": bbox, "label": CLASSES[label]})
    return found
