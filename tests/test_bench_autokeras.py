"""The parts of the comparison with AutoKeras that work without it."""

import importlib.util
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import bench_autokeras


def test_without_autokeras_one_line_says_how_to_install_it(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as stopped:
        bench_autokeras.main(["automl_table"])
    assert stopped.value.code == 2
    said = capsys.readouterr()
    assert "pip install autokeras==" in said.err
    assert said.err.count("\n") == 1
    assert not said.out


@pytest.mark.parametrize("arguments", [["automl_sound"], ["--minutes", "0"]])
def test_what_cannot_be_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        bench_autokeras.main(arguments)
    assert stopped.value.code == 2
    assert arguments[-1] in capsys.readouterr().err


@pytest.fixture
def batches():
    """Of a training, given its callback: after how many it and its validation ended."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.zeros((8, 2)), np.zeros((8, 1))
    seen = {"train": 0, "test": 0}

    class Count(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen["train"] += 1

        def on_test_batch_begin(self, batch, logs=None):
            seen["test"] += 1

    def fit(callback):
        callbacks = [Count(), callback]
        model.fit(x, y, 2, 3, validation_data=(x, y), callbacks=callbacks, verbose=0)
        return seen

    return fit


def test_a_training_ends_when_the_time_is_over(batches):
    over = bench_autokeras.deadline(time.monotonic(), grace=60)
    assert batches(over) == {"train": 1, "test": 4}


def test_a_training_goes_on_while_there_is_time(batches):
    left = bench_autokeras.deadline(time.monotonic() + 60, grace=60)
    assert batches(left) == {"train": 12, "test": 12}


def test_a_validation_ends_when_its_time_is_over(batches):
    over = bench_autokeras.deadline(time.monotonic(), grace=0)
    with pytest.raises(TimeoutError):
        batches(over)


def test_texts_become_strings():
    data = tf.data.Dataset.from_tensor_slices((["ñandú", "a"], [1, 0])).batch(2)
    inputs, labels = bench_autokeras.arrays(data)
    assert inputs.dtype.kind == "U"
    assert inputs.tolist() == ["ñandú", "a"]
    assert labels.tolist() == [1, 0]


def test_who_is_ahead_is_said_plainly():
    def said(accuracy, other):
        return bench_autokeras.verdict("automl_text", 3, "ours, best", accuracy, other)

    assert said(0.6, 0.5) == "automl_text, seed 3: ours, best is ahead of AutoKeras by 0.1000"
    assert said(0.5, 0.6).endswith("is behind AutoKeras by 0.1000")
    assert said(0.5, 0.5).endswith("is level with AutoKeras")


def test_rows_of_the_table():
    found = {"searched": 61.2, "trials": 3, "failed": 1, "test": 0.5}
    line = bench_autokeras.row("automl_table", 0, "AutoKeras", found)
    assert line.split() == ["automl_table", "0", "AutoKeras", "61", "3", "1", "0.5000"]
    line = bench_autokeras.row("automl_table", 0, "AutoKeras", {"failure": "failed: why"})
    assert line.endswith("failed: why")
