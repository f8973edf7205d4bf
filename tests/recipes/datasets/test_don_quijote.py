"""The builder of Don Quijote finds the chapters, and where their titles end."""

import pytest
import tensorflow_datasets as tfds

from recipes.datasets.don_quijote import URL, DonQuijote, goes_on

FILE = """Primera parte del ingenioso hidalgo don Quijote de la Mancha
Capítulo primero. Que trata de la condición y ejercicio del famoso hidalgo don Quijote de la Mancha
En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no ha mucho
tiempo que vivía un hidalgo de los de lanza en astillero.
Capítulo II. Que trata de la primera salida que de su tierra hizo el
ingenioso don Quijote
Hechas, pues, estas prevenciones, no quiso aguardar más tiempo a poner en
efeto su pensamiento.
Segunda parte del ingenioso hidalgo don Quijote de la Mancha
Capítulo XV. Donde se cuenta la desgraciada aventura que se topó don
Quijote en topar con unos desalmados yangüeses
Cuenta el sabio Cide Hamete Benengeli que, así como don Quijote se
despidió de sus huéspedes.
Capítulo LXIV. Que trata de la aventura
— Todo es así —dijo Sancho.
"""


def test_reads_the_published_file(tmp_path):
    (tmp_path / "quijote.txt").write_bytes(
        FILE.replace("\n", "\r\n").encode()
    )  # as it is published
    builder = DonQuijote(data_dir=tmp_path)
    builder._split_generators = lambda dl_manager: {
        "train": builder._generate_examples(tmp_path / "quijote.txt")
    }
    builder.download_and_prepare()
    rows = sorted(builder.as_dataset("train").as_numpy_iterator(), key=lambda row: row["chapter"])
    assert [int(row["chapter"]) for row in rows] == [1, 2, 3, 4]
    assert [row["title"].decode().split(". ")[0] for row in rows] == [
        "Capítulo primero",
        "Capítulo II",
        "Capítulo XV",
        "Capítulo LXIV",
    ]
    assert rows[0]["title"].decode().endswith("del famoso hidalgo don Quijote de la Mancha")
    assert rows[0]["text"].decode().startswith("En un lugar de la Mancha")
    assert rows[1]["title"].decode().endswith("hizo el ingenioso don Quijote")
    assert rows[1]["text"].decode() == "\n".join(
        FILE.splitlines()[6:8]
    )  # nor the heading of the next part
    assert (
        rows[2]["title"]
        .decode()
        .endswith("se topó don Quijote en topar con unos desalmados yangüeses")
    )
    assert rows[3]["text"].decode() == "— Todo es así —dijo Sancho."


def test_a_title_goes_on_where_its_line_is_full():
    line = "Capítulo VII. De la segunda salida de nuestro buen caballero don Quijote de"
    assert goes_on(line, "la Mancha")
    assert not goes_on(line, "Estando en esto, comenzó a dar voces")
    assert not goes_on("la Mancha", "el cual aún dormía")


def test_address_and_checksum():
    assert DonQuijote.url_infos.keys() == {URL}
    assert DonQuijote.url_infos[URL].size == 2_132_495
    assert len(DonQuijote.url_infos[URL].checksum) == 64


@pytest.mark.real_data
def test_known_figures():
    try:
        rows = list(tfds.load("don_quijote", split="train", download=False).as_numpy_iterator())
    except (AssertionError, tfds.core.DatasetNotFoundError):
        pytest.skip("don_quijote is not prepared in TFDS_DATA_DIR")
    rows.sort(key=lambda row: row["chapter"])
    texts = [row["text"].decode() for row in rows]
    assert [int(row["chapter"]) for row in rows] == list(range(1, 127))
    assert texts[0].startswith("En un lugar de la Mancha, de cuyo nombre no quiero acordarme")
    assert (
        rows[7]["title"]
        .decode()
        .startswith("Capítulo VIII. Del buen suceso que el valeroso don Quijote tuvo")
    )
    assert (
        rows[52]["title"]
        .decode()
        .startswith("Capítulo Primero. De lo que el cura y el barbero pasaron")
    )
    assert rows[125]["title"].decode().startswith("Capítulo LXXIV. De cómo don Quijote cayó malo")
    assert texts[125].rstrip().endswith("Vale.")
    assert not any(
        "Capítulo " in line[:9] or "\r" in line for text in texts for line in text.splitlines()
    )
    assert max(len(row["title"].decode()) for row in rows) < 260
    assert 1_900_000 < sum(map(len, texts)) < 2_050_000
