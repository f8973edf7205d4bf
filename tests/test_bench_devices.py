"""The benchmark of devices: each part of it runs, on small batches of a small network."""

import sys

import keras
import pytest
import tensorflow as tf

from benchmarks import bench_devices


@pytest.fixture(autouse=True)
def eager():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
    keras.config.set_dtype_policy("float32")
    keras.backend.clear_session(free_memory=False)


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["bench_devices", *words, "--quick"])
    bench_devices.main()


def test_first_epoch_does_not_count(monkeypatch):
    times = iter([0.0, 10.0, 12.0, 15.0])
    monkeypatch.setattr(bench_devices.time, "perf_counter", lambda: next(times))
    clock = bench_devices.Clock()
    for epoch in range(3):
        clock.on_epoch_begin(epoch)
    clock.on_train_end()
    assert clock.epochs() == [2.0, 3.0]


def test_speeds_of_a_network(monkeypatch, capsys):
    run(monkeypatch, "cnn_mnist")
    head, _, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("tensorflow; examples a second")
    assert len(lines) == 4  # two precisions, with XLA and without
    for line in lines:
        name, *_, batch, training, one, many = line.split()
        assert (name, batch) == ("cnn_mnist", "2")
        assert all(float(speed.replace(",", "")) > 0 for speed in (training, one, many))


def test_run_and_plain_fit_in_turn(monkeypatch, coarse_pictures):
    """Of both the same number of epochs."""
    monkeypatch.setattr(bench_devices, "ROUNDS", 1)
    made = []

    class Clock(bench_devices.Clock):
        def __init__(self):
            super().__init__()
            made.append(self)

    monkeypatch.setattr(bench_devices, "Clock", Clock)
    by_run, by_fit = bench_devices.seconds_of_an_epoch(quick=True)
    assert by_run > 0
    assert by_fit > 0
    assert [len(clock.epochs()) for clock in made] == [bench_devices.EPOCHS - 1] * 2


def test_what_run_and_tune_add(monkeypatch, capsys):
    monkeypatch.setattr(bench_devices, "trials_of_a_search", lambda quick: (2, 100.0))
    monkeypatch.setattr(bench_devices, "seconds_of_an_epoch", lambda quick: (12.0, 10.0))
    run(monkeypatch, "runner")
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("12.00 s by run, 10.00 s by plain fit; 1.20 times as long")
    assert "2 trials of 1 epochs in 100 s, 72 per hour; 80% of the time is not" in second


@pytest.mark.slow
def test_search(monkeypatch):
    trials, seconds = bench_devices.trials_of_a_search(quick=True)
    assert trials == 2
    assert seconds > 1


def test_runner_is_refused_on_other_backends(monkeypatch, capsys):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(SystemExit):
        run(monkeypatch, "runner")
    assert "runner: run and tune are on TensorFlow, and this is jax" in capsys.readouterr().err


def test_unknown_network(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, "cnn")
    assert "cnn: not one of runner, cnn_mnist, vgg" in capsys.readouterr().err
