"""Turbofan engines (C-MAPSS, FD001) for TFDS: `import recipes.datasets.cmapss` registers it."""

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

URL = (
    "https://raw.githubusercontent.com/alireza-javanmardi/conformal-RUL-intervals"
    "/37e450ac8b656229d44aed3ac39dcf85ea11b86c/data/CMAPSS/{name}_FD001.txt"
)
FILES = {  # size and sha256
    "train": (3_515_356, "963b5e22825b34d8b21c69e1aeb4af3e647050eb672ee8834ba4b5d91d2de0f8"),
    "test": (2_228_855, "3cda7109ce17bafb5443f2ac926cfcf88154b941b8c4cf95eb55d1ddd6f52851"),
    "RUL": (429, "a19c8ec94931949d0485bdc35118206e9c81c4547b422efb9cf86f4ceddbceca"),
}


class Cmapss(tfds.core.GeneratorBasedBuilder):
    """Simulated turbofan engines run to failure, one per example: 3 settings, 21 sensors per cycle.

    The 100 engines of `train` run until they fail; the records of the 100 of `test` end
    `remaining` cycles before the failure.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {  # noqa: RUF012
        "1.0.0": "First version: FD001 (one operating condition, one fault mode)."
    }
    # Here instead of in checksums.tsv: the file stays complete when copied.
    url_infos = {  # noqa: RUF012
        URL.format(name=name): tfds.core.download.checksums.UrlInfo(
            size=tfds.core.utils.Size(size), checksum=checksum, filename=f"{name}_FD001.txt"
        )
        for name, (size, checksum) in FILES.items()
    }

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "engine": tf.int32,
                    "settings": tfds.features.Tensor(shape=(None, 3), dtype=tf.float32),
                    "sensors": tfds.features.Tensor(shape=(None, 21), dtype=tf.float32),
                    "remaining": tf.int32,
                }
            ),
            homepage="https://www.nasa.gov/intelligent-systems-division/discovery-and-systems-health/pcoe",
            license="A work of the US government (NASA), published without a license of its own.",
            citation="""\
@inproceedings{saxena2008damage,
  title={Damage propagation modeling for aircraft engine run-to-failure simulation},
  author={Saxena, Abhinav and Goebel, Kai and Simon, Don and Eklund, Neil},
  booktitle={International Conference on Prognostics and Health Management},
  pages={1--9},
  year={2008},
  doi={10.1109/PHM.2008.4711414}
}""",
        )

    def _split_generators(self, dl_manager):
        paths = dl_manager.download({name: URL.format(name=name) for name in FILES})
        remaining = np.loadtxt(paths["RUL"], dtype="int32")
        return {
            "train": self._generate_examples(paths["train"], np.zeros_like(remaining)),
            "test": self._generate_examples(paths["test"], remaining),
        }

    def _generate_examples(self, path, remaining):
        rows = np.loadtxt(path, dtype="float32")  # engine, cycle, settings, sensors
        for engine in range(1, len(remaining) + 1):
            cycles = rows[rows[:, 0] == engine]
            yield (
                engine,
                {
                    "engine": engine,
                    "settings": cycles[:, 2:5],
                    "sensors": cycles[:, 5:],
                    "remaining": remaining[engine - 1],
                },
            )
