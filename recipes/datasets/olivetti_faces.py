"""The Olivetti faces (AT&T) for TFDS: `import recipes.datasets.olivetti_faces` registers it."""

import scipy.io
import tensorflow as tf
import tensorflow_datasets as tfds

URL = (
    "https://raw.githubusercontent.com/sjgershm/DBM/a30d9abb523aab874a299b8b1aa21e7df2023f60"
    "/olivettifaces.mat"
)
IMAGES_OF_EACH = 10


class OlivettiFaces(tfds.core.GeneratorBasedBuilder):
    """400 grayscale photographs of 64 × 64 pixels: ten of each of 40 people, sorted by person.

    Taken from 1992 to 1994 in Cambridge against a dark background; light, facial expression,
    glasses and pose vary.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012
    # Here instead of in checksums.tsv: the file stays complete when copied.
    url_infos = {  # noqa: RUF012
        URL: tfds.core.download.checksums.UrlInfo(
            size=tfds.core.utils.Size(1_432_511),
            checksum="b1988d02c72fe5b8ee82b5ef3bb7982eafc74f1e1ff0ae0ade35061ad0af534d",
            filename="olivettifaces.mat",
        )
    }

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {"image": tfds.features.Image(shape=(64, 64, 1)), "person": tf.int32}
            ),
            supervised_keys=("image", "person"),
            disable_shuffling=True,
            homepage="https://cam-orl.co.uk/facedatabase.html",
            license='To be credited to "AT&T Laboratories, Cambridge".',
            citation="""\
@inproceedings{samaria1994parameterisation,
  title={Parameterisation of a stochastic model for human face identification},
  author={Samaria, Ferdinando S. and Harter, Andy C.},
  booktitle={IEEE Workshop on Applications of Computer Vision},
  pages={138--142},
  year={1994},
  doi={10.1109/ACV.1994.341300}
}""",
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(dl_manager.download(URL))}

    def _generate_examples(self, path):
        faces = scipy.io.loadmat(path)["faces"]  # (pixels, images), column by column
        for index, pixels in enumerate(faces.T):
            image = pixels.reshape(64, 64).T
            yield index, {"image": image[..., None], "person": index // IMAGES_OF_EACH}
