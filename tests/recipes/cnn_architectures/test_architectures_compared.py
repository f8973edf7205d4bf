"""What is read from the table of results, and what is computed of it."""

import csv

import numpy as np
import pytest

from recipes._runner import recipe, results
from recipes.cnn_architectures import architectures_compared as compared
from recipes.common import cifar10


def points(**networks):
    """Points from (accuracy, parameters, products)."""
    return {
        name: compared.Point(accuracy, 0, parameters, products)
        for name, (accuracy, parameters, products) in networks.items()
    }


def row(name, variant, **changes):
    filled = {
        "recipe": name,
        "variant": variant,
        "metric": "accuracy",
        "mean": "0.7",
        "deviation": "0.01",
        "parameters": "1000",
        "multiply_accumulates": "20000",
        "activations": "300",
        "seconds": "100",
        "command": f'make measure-{name} ARGS="--seeds 3"',
    }
    return dict.fromkeys(results.COLUMNS, "") | filled | changes


@pytest.fixture
def table(tmp_path):
    """Writes rows into a table and says where it is."""

    def write(*rows):
        path = tmp_path / "results.csv"
        with open(path, "w", encoding="utf8", newline="") as file:
            writer = csv.DictWriter(file, results.COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


def test_rows_of_the_protocol_are_found_and_no_others(table):
    path = table(
        row("vgg", "vgg16"),  # not the variant that is compared
        row("vgg", "vgg11", mean="0.9", command='make measure-vgg ARGS="--epochs 30"'),
        row("vgg", "vgg11", mean="0.71", deviation=""),
        row("alexnet", "two_groups", multiply_accumulates=""),  # from before costs were counted
        row("densenet", ""),
        row("densenet", "", metric="distorted_accuracy", mean="0.2"),
    )
    found = compared.measured(path)
    assert list(found) == ["VGG-11", "DenseNet"]
    assert found["VGG-11"].point == compared.Point(71, 0, 1000, 20000)
    assert found["DenseNet"].point == compared.Point(70, 1, 1000, 20000)


def test_without_a_table_or_with_another_one_there_are_no_rows(tmp_path):
    path = tmp_path / "results.csv"
    assert compared.measured(path) == {}
    path.write_text("name,score\nalexnet,0.9\n")
    assert compared.measured(path) == {}


def test_memory(table):
    (network,) = compared.measured(table(row("densenet", ""))).values()
    assert network.training_memory() == 4 * (4 * 1000 + 128 * 300)


def test_images_a_second_and_the_range_of_operations_are_printed(table, capsys):
    path = table(
        row("densenet", "", seconds="190", hardware="a CPU"),
        row("vgg", "vgg11", seconds="3800", multiply_accumulates="3e6", hardware="another"),
    )
    networks = compared.measured(path)
    assert networks["DenseNet"].images_per_second() == 2000  # 8 epochs of 47,500 images
    assert networks["VGG-11"].images_per_second() == 125  # 10 epochs
    compared.print_measured(networks)
    printed = capsys.readouterr().out
    assert "2,000  a CPU\n" in printed
    assert "125  another\n" in printed
    assert "An image takes 0.02 to 3.00 M multiply" in printed


def test_every_small_form_is_a_variant_of_its_recipe():
    for network, (name, variant) in compared.SMALL_FORMS.items():
        module = recipe.find(name).module
        assert compared.EPOCHS.get(network, cifar10.EPOCHS) == module.EPOCHS
        assert variant in getattr(module, "VARIANTS", {"": {}})
        assert module.CLASSES is cifar10.CLASSES


def test_pareto_front():
    networks = points(
        small=(60, 1, 50),
        beaten=(59, 2, 60),
        equal_cost=(70, 4, 10),
        better=(75, 4, 40),
        large=(75, 9, 5),
    )
    assert compared.pareto_front(networks, "parameters") == ["small", "better"]
    assert compared.pareto_front(networks, "products") == ["large"]
    assert compared.pareto_front({}, "products") == []


def test_density():
    networks = points(large=(80, 160e6, 1), small=(60, 2e6, 1))
    assert compared.density(networks) == {"small": 30, "large": 0.5}
    assert list(compared.density(networks)) == ["small", "large"]


def test_names_keep_their_distance_and_order():
    values = np.array([3.0, 10.0, 3.2, 2.9])
    places = compared.spread(values, 1)
    np.testing.assert_allclose(places[1], 10)
    np.testing.assert_allclose(places[[3, 0, 2]], np.mean([2.9, 3.0, 3.2]) + np.array([-1, 0, 1]))


@pytest.mark.slides
def test_challenge():
    assert compared.better_than_human() == 2015
    errors = [error for _, error in compared.CHALLENGE.values()]
    assert errors == sorted(errors, reverse=True)
    assert compared.density(compared.published()).popitem()[0] == "VGG-19"
