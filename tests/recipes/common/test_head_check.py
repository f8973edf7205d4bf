"""The head check: right pairs of head, loss, metrics and targets are ok; wrong ones name both."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes import check_head
from recipes.common.head_check import METRIC_RULES, TABLE, monitor

RNG = np.random.default_rng(0)
N, D = 12, 4
X = RNG.normal(size=(N, D)).astype("float32")
BITS = np.arange(N) % 2
LABELS = np.arange(N) % 3
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
MULTI_HOT = np.tile([[1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 1, 1]], (3, 1)).astype("float32")
SOFT = RNG.dirichlet(np.ones(3), N).astype("float32")
UNIT = np.linspace(0, 1, N).astype("float32")
REAL = RNG.normal(size=N).astype("float32") * 100
SIGNS = BITS * 2 - 1

losses, metrics, layers = keras.losses, keras.metrics, keras.layers


def dense(units, activation=None):
    return [layers.Dense(units, activation=activation)]


def compiled(tail, loss, metrics=None, shape=(D,)):
    model = keras.Sequential([keras.Input(shape), *tail])
    model.compile("sgd", loss, metrics=metrics)
    return model


def per_pixel(units, activation=None):
    return [layers.Reshape((2, 2, 1)), layers.Conv2D(units, 1, activation=activation)]


PIXELS = np.arange(N * 4).reshape(N, 2, 2) % 3

RIGHT = {
    # the rows of the slides' table
    "binary": (dense(1, "sigmoid"), "binary_crossentropy", ["accuracy"], BITS, "binary"),
    "multi-class, integers": (
        dense(3, "softmax"),
        "sparse_categorical_crossentropy",
        ["accuracy", "sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy"],
        LABELS,
        "multi-class",
    ),
    "multi-class, one-hot": (
        dense(3, "softmax"),
        "categorical_crossentropy",
        [
            "accuracy",
            "categorical_accuracy",
            metrics.R2Score(),
            metrics.F1Score(),
            metrics.AUC(),
            metrics.Precision(),
        ],
        ONE_HOT,
        "multi-class",
    ),
    "multi-label": (
        dense(3, "sigmoid"),
        "binary_crossentropy",
        [
            "binary_accuracy",
            metrics.F1Score("micro", threshold=0.5),
            metrics.AUC(multi_label=True, num_labels=3),
        ],
        MULTI_HOT,
        "multi-label",
    ),
    "regression": (dense(1), "mse", ["mae", metrics.RootMeanSquaredError()], REAL, "regression"),
    "regression, R²": (dense(1), "mse", [metrics.R2Score()], REAL[:, None], "regression"),
    "unit interval, mse": (dense(1, "sigmoid"), "mse", ["mae"], UNIT, "unit-interval regression"),
    "unit interval, bce": (
        dense(1, "sigmoid"), "binary_crossentropy", ["mae"], UNIT, "unit-interval regression"
    ),
    # other spellings of the loss
    "class": (dense(1, "sigmoid"), losses.BinaryCrossentropy, None, BITS, "binary"),
    "function": (dense(1, "sigmoid"), losses.binary_crossentropy, None, BITS, "binary"),
    "smoothed": (
        dense(1, "sigmoid"), losses.BinaryCrossentropy(label_smoothing=0.1), None, BITS, "binary"
    ),
    "focal": (dense(1, "sigmoid"), losses.BinaryFocalCrossentropy(), None, BITS, "binary"),
    "in a list": (dense(1), ["mse"], ["mae"], REAL, "regression"),
    "crossentropy": (dense(3, "softmax"), "crossentropy", ["acc"], LABELS, "multi-class"),
    "crossentropy, binary": (dense(1, "sigmoid"), "crossentropy", ["acc"], BITS, "binary"),
    "categorical focal": (
        dense(3, "softmax"), losses.CategoricalFocalCrossentropy(), None, ONE_HOT, "multi-class"
    ),
    "kl": (dense(3, "softmax"), "kl_divergence", None, SOFT, "multi-class"),
    "mixed labels": (
        dense(3, "softmax"), "categorical_crossentropy", ["accuracy"], SOFT, "multi-class"
    ),
    # logits
    "binary logits": (
        dense(1),
        losses.BinaryCrossentropy(from_logits=True),
        [
            metrics.BinaryAccuracy(threshold=0.0),
            metrics.AUC(from_logits=True),
            metrics.Precision(thresholds=0.0),
        ],
        BITS,
        "binary",
    ),
    "logits": (
        dense(3), losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"], LABELS,
        "multi-class",
    ),
    "logits of one-hot": (
        dense(3), losses.CategoricalCrossentropy(from_logits=True), ["acc"], ONE_HOT, "multi-class"
    ),
    "log-softmax": (
        dense(3, "log_softmax"),
        losses.SparseCategoricalCrossentropy(from_logits=True),
        None,
        LABELS,
        "multi-class",
    ),
    # two units for two classes; classes that this batch does not show; targets in other dresses
    "two units": (
        dense(2, "softmax"), "sparse_categorical_crossentropy", ["accuracy"], BITS, "multi-class"
    ),
    "unseen classes": (
        dense(10, "softmax"), "sparse_categorical_crossentropy", ["accuracy"], BITS, "multi-class"
    ),
    "one class": (dense(1, "sigmoid"), "binary_crossentropy", ["accuracy"], BITS * 0 + 1, "binary"),
    "all zero": (dense(3, "sigmoid"), "binary_crossentropy", None, MULTI_HOT * 0, "multi-label"),
    "column": (
        dense(3, "softmax"), "sparse_categorical_crossentropy", ["accuracy"], LABELS[:, None],
        "multi-class",
    ),
    "float labels": (
        dense(3, "softmax"), "sparse_categorical_crossentropy", None, LABELS * 1.0, "multi-class"
    ),
    "uint8": (
        dense(1, "sigmoid"), "binary_crossentropy", ["accuracy"], BITS.astype("uint8"), "binary"
    ),
    "bool": (
        dense(1, "sigmoid"), "binary_crossentropy", ["accuracy"], BITS.astype(bool)[:, None],
        "binary",
    ),
    "ignored class": (
        dense(3, "softmax"),
        losses.SparseCategoricalCrossentropy(ignore_class=-1),
        None,
        np.where(LABELS == 1, -1, LABELS),
        "multi-class",
    ),
    "flat outputs": (
        [layers.Dense(1), layers.Flatten(), layers.Reshape(())], "mse", ["mae"], REAL, "regression"
    ),
    "one-hot to sigmoids": (
        dense(3, "sigmoid"), "binary_crossentropy", ["accuracy"], ONE_HOT, "multi-class"
    ),
    # numbers
    "tanh": (dense(1, "tanh"), "mse", None, REAL / 1000, "regression"),
    "relu": (dense(1, "relu"), "mae", None, abs(REAL), "regression"),
    "softplus": (dense(1, "softplus"), "huber", None, abs(REAL), "regression"),
    "rescaled sigmoid": (
        [*dense(1, "sigmoid"), layers.Rescaling(1000, -500)], "mse", ["mae"], REAL, "regression"
    ),
    "leaky": ([*dense(1), layers.LeakyReLU()], "log_cosh", None, REAL, "regression"),
    "normalized": ([*dense(1), layers.BatchNormalization()], "mse", None, REAL, "regression"),
    "counts": (dense(1, "exponential"), "poisson", None, LABELS, "regression"),
    "logarithmic": (dense(1, "softplus"), "msle", None, abs(REAL), "regression"),
    "linear neuron": (dense(1), "mse", ["binary_accuracy"], BITS, "binary"),
    "tanh on coded classes": (
        dense(3, "tanh"), "mse", ["accuracy"], ONE_HOT * 2 - 1, "multi-class"
    ),
    "reconstruction": (
        dense(D, "sigmoid"), "binary_crossentropy", None, abs(X) / 9, "unit-interval regression"
    ),
    "a little out of range": (
        dense(1, "sigmoid"), "mse", None, UNIT * 1.04, "unit-interval regression"
    ),
    "cosine": (dense(3), "cosine_similarity", None, SOFT * 9, "regression"),
    # signs
    "hinge": (dense(1), "hinge", None, SIGNS, "binary"),
    "hinge on bits": (
        dense(1, "tanh"), "squared_hinge", [metrics.BinaryAccuracy(threshold=0.0)], BITS, "binary"
    ),
    "categorical hinge": (dense(3), "categorical_hinge", ["accuracy"], ONE_HOT, "multi-class"),
    # weak, and remarked on
    "softmax, mse": (dense(3, "softmax"), "mse", ["accuracy"], ONE_HOT, "multi-class"),
    "softmax, bce": (
        dense(3, "softmax"), "binary_crossentropy", ["accuracy"], ONE_HOT, "multi-class"
    ),
    "sigmoid, mse": (dense(1, "sigmoid"), "mse", ["accuracy"], BITS, "binary"),
    "mixed bits": (
        dense(1, "sigmoid"), "binary_crossentropy", ["accuracy"], UNIT, "unit-interval regression"
    ),
    # one prediction per pixel or step
    "pixels": (
        per_pixel(3, "softmax"), "sparse_categorical_crossentropy", ["accuracy"], PIXELS,
        "multi-class",
    ),
    "pixels, channel": (
        per_pixel(3, "softmax"),
        "sparse_categorical_crossentropy",
        [metrics.MeanIoU(3, sparse_y_pred=False)],
        PIXELS[..., None],
        "multi-class",
    ),
    "pixel masks": (
        per_pixel(1, "sigmoid"), "binary_crossentropy", ["accuracy"], PIXELS[..., None] % 2,
        "binary",
    ),
    "pixel dice": (per_pixel(1, "sigmoid"), "dice", None, PIXELS[..., None] % 2, "binary"),
    "steps": (
        [
            layers.Reshape((D, 1)),
            layers.LSTM(2, return_sequences=True),
            layers.TimeDistributed(*dense(3, "softmax")),
        ],
        "sparse_categorical_crossentropy",
        ["accuracy"],
        np.tile(LABELS[:, None], (1, D)),
        "multi-class",
    ),
    "lstm": ([layers.Reshape((D, 1)), layers.LSTM(1)], "mse", None, REAL / 1000, "regression"),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_pairs_are_ok(name):
    tail, loss, metrics, y, task = RIGHT[name]
    result = check_head(compiled(tail, loss, metrics), (X, y))
    assert (result.status, result.task) == ("ok", task), result
    assert bool(result)
    assert "\n" not in result.message


@pytest.mark.parametrize("name", ["softmax, mse", "softmax, bce", "sigmoid, mse", "mixed bits"])
def test_weak_pairs_get_a_remark(name):
    tail, loss, metrics, y, _ = RIGHT[name]
    assert ";" in check_head(compiled(tail, loss, metrics), (X, y)).message
    strong = RIGHT["multi-class, one-hot"]
    assert ";" not in check_head(compiled(*strong[:3]), (X, strong[3])).message


BCE, CCE, SCCE = (
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
)
TWO = 'Dense(1, activation="sigmoid") with binary_crossentropy'
THREE = 'Dense(3, activation="softmax") with '
TAGS = 'Dense(3, activation="sigmoid") with binary_crossentropy'
VALUE = "Dense(1) with mse"
LOGITS = losses.BinaryCrossentropy(from_logits=True)
MANY_LOGITS = losses.CategoricalCrossentropy(from_logits=True)

# Tail, loss, metrics, targets, what the message says of the wrong pair and of the right one.
WRONG = {
    "softmax on one unit": (
        dense(1, "softmax"), BCE, None, BITS, "softmax over a single unit is always 1", TWO
    ),
    "the slides' trap": (
        dense(1, "softmax"), CCE, None, BITS, "softmax over a single unit is always 1", TWO
    ),
    "categorical on one unit": (
        dense(1, "sigmoid"), CCE, None, BITS, f"{CCE} needs one unit per class", TWO
    ),
    "sparse on one unit": (
        dense(1, "sigmoid"), SCCE, None, BITS, f"{SCCE} needs one unit per class", TWO
    ),
    "mse on softmax of one": (
        dense(1, "softmax"), "mse", None, UNIT, "softmax over a single unit", "sigmoid"
    ),
    "sigmoids, categorical": (
        dense(3, "sigmoid"), CCE, None, ONE_HOT, f"{CCE} needs softmax", THREE + CCE
    ),
    "sigmoids, sparse": (
        dense(3, "sigmoid"), SCCE, None, LABELS, "last activation is sigmoid", THREE + SCCE
    ),
    "softmax, tags": (dense(3, "softmax"), BCE, None, MULTI_HOT, f"softmax with {BCE}", TAGS),
    "softmax, categorical, tags": (
        dense(3, "softmax"), CCE, None, MULTI_HOT, "these are multi-hot", TAGS
    ),
    "softmax, mse, tags": (
        dense(3, "softmax"), "mse", None, MULTI_HOT, "softmax outputs sum to 1", TAGS
    ),
    "logits after sigmoid": (
        dense(1, "sigmoid"), LOGITS, None, BITS, "from_logits=True after sigmoid", TWO
    ),
    "logits after softmax": (
        dense(3, "softmax"), MANY_LOGITS, None, ONE_HOT, "from_logits=True after softmax", THREE
    ),
    "linear, bce": (
        dense(1), BCE, None, BITS, "the last activation is none (linear)", "pass from_logits=True"
    ),
    "linear, categorical": (
        dense(3), CCE, None, ONE_HOT, "the last activation is none (linear)", THREE + CCE
    ),
    "linear, sparse": (
        dense(3), SCCE, None, LABELS, "the last activation is none (linear)", THREE + SCCE
    ),
    "relu, bce": (dense(1, "relu"), BCE, None, BITS, "the last activation is relu", TWO),
    "tanh, bce": (dense(1, "tanh"), BCE, None, BITS, "the last activation is tanh", TWO),
    "relu, bce of logits": (dense(1, "relu"), LOGITS, None, BITS, "needs a linear output", TWO),
    "tanh, bce of logits": (
        dense(1, "tanh"), LOGITS, None, BITS, "the last activation is tanh", TWO
    ),
    "log-softmax": (
        dense(3, "log_softmax"), CCE, None, ONE_HOT, "the last activation is log_softmax", THREE
    ),
    "rescaled sigmoid": (
        [*dense(1, "sigmoid"), layers.Rescaling(2)], BCE, None, BITS, "sigmoid, then Rescaling", TWO
    ),
    "integers, categorical": (
        dense(3, "softmax"), CCE, None, LABELS, "these are integers", THREE + SCCE
    ),
    "column, categorical": (
        dense(3, "softmax"), CCE, None, LABELS[:, None], "these are integers", THREE + SCCE
    ),
    "one-hot, sparse": (dense(3, "softmax"), SCCE, None, ONE_HOT, "these are one-hot", THREE + CCE),
    "tags, sparse": (dense(3, "softmax"), SCCE, None, MULTI_HOT, "these are multi-hot", TAGS),
    "fractions, sparse": (dense(3, "softmax"), SCCE, None, UNIT, "these are fractions", "mse"),
    "labels from 1": (
        dense(3, "softmax"), SCCE, None, LABELS + 1, "labels from 1 to 3 do not fit 3", "subtract 1"
    ),
    "too few units": (
        dense(3, "softmax"), SCCE, None, LABELS * 2, "labels from 0 to 4 do not fit 3", "Dense(5)"
    ),
    "negative labels": (
        dense(3, "softmax"), SCCE, None, LABELS - 1,
        "labels from -1 to 1 do not fit 3", "subtract -1",
    ),
    "signs, sparse": (
        dense(2, "softmax"), SCCE, None, SIGNS,
        "labels from -1 to 1 do not fit 2", "number the classes",
    ),
    "units and classes": (
        dense(5, "softmax"), CCE, None, ONE_HOT, "(batch, 5) do not match", THREE + CCE
    ),
    "integers, sigmoids": (dense(3, "sigmoid"), BCE, None, LABELS, "go from 0 to 2", THREE + SCCE),
    "bits, two sigmoids": (dense(2, "sigmoid"), BCE, None, BITS, "(batch, 2) do not match", TWO),
    "integers, one sigmoid": (
        dense(1, "sigmoid"), BCE, None, LABELS, "go from 0 to 2", THREE + SCCE
    ),
    "signs, bce": (dense(1, "sigmoid"), BCE, None, SIGNS, "go from -1 to 1", TWO),
    "numbers, bce": (dense(1, "sigmoid"), BCE, None, REAL, "takes targets from 0 to 1", VALUE),
    "sigmoid, numbers": (
        dense(1, "sigmoid"), "mse", None, REAL, "sigmoid stays within [0, 1]", VALUE
    ),
    "sigmoid, pixels": (
        dense(D, "sigmoid"), "mse", None, np.tile([0, 255, 9, 3], (N, 1)), "[0, 1]", "by 255"
    ),
    "tanh, numbers": (dense(1, "tanh"), "mae", None, REAL, "tanh stays within [-1, 1]", VALUE),
    "relu, negative": (dense(1, "relu"), "huber", None, REAL, "relu stays within [0, inf]", VALUE),
    "relu6": (
        [*dense(1), layers.ReLU(6)], "mse", None, abs(REAL), "relu stays within [0, 6]", VALUE
    ),
    "mse, integers": (
        dense(3, "softmax"), "mse", None, LABELS, "(batch, 3) do not match", THREE + SCCE
    ),
    "poisson, linear": (
        dense(1), "poisson", None, LABELS, "can be negative", 'activation="exponential"'
    ),
    "poisson, negative": (
        dense(1, "softplus"), "poisson", None, REAL, "poisson takes targets from 0 up", VALUE
    ),
    "msle, negative": (dense(1, "softplus"), "msle", None, REAL, "takes targets from 0 up", VALUE),
    "kl, sigmoids": (
        dense(3, "sigmoid"), "kl_divergence", None, SOFT, "needs softmax", THREE + CCE
    ),
    "hinge, sigmoid": (
        dense(1, "sigmoid"), "hinge", None, SIGNS, "sigmoid is never negative", "Dense(1)"
    ),
    "hinge, labels": (dense(1), "hinge", None, LABELS, "takes targets −1 and 1", THREE + SCCE),
    "categorical hinge": (
        dense(3), "categorical_hinge", None, LABELS, "takes one-hot targets", "use one-hot targets"
    ),
    "dice, linear": (
        per_pixel(1), "dice", None, PIXELS[..., None] % 2, "dice needs sigmoid", "sigmoid"
    ),
    # shapes that Keras broadcasts without a word
    "two axes too many": (
        [*dense(1), layers.Reshape((1, 1))], "mse", None, REAL, "(batch, 1, 1) do not match", "mse"
    ),
    "sequence for one value": (
        [layers.Reshape((D, 1)), *dense(1)], "mse", None, REAL[:, None], "(batch, 4, 1)", "mse"
    ),
    "three for one": (
        dense(3), "mse", None, REAL[:, None], "match targets of shape (batch, 1)", VALUE
    ),
    "one for three": (
        dense(1), "mse", None, SOFT * 9, "(batch, 1) do not match", "Dense(3) with mse"
    ),
    "one label per image": (
        per_pixel(3, "softmax"), SCCE, None, LABELS, "(batch, 2, 2, 3) do not match", SCCE
    ),
    # targets
    "NaN": (
        dense(1), "mse", None, np.where(BITS, np.nan, REAL), "6 of 12 targets are NaN", "leave"
    ),
    "infinite": (
        dense(1), "mse", None, np.where(LABELS, REAL, np.inf),
        "4 of 12 targets are infinite", "leave",
    ),
    "strings": (
        dense(3, "softmax"), SCCE, None, np.array(["a", "b", "c"] * 4),
        "targets are strings", "StringLookup",
    ),
    "bytes": (
        dense(3, "softmax"), SCCE, None, tf.constant(["a"] * N),
        "targets are strings", "StringLookup",
    ),
    # metrics
    "accuracy of numbers": (
        dense(1), "mse", ["accuracy"], REAL, "metric accuracy counts targets 0 and 1", "mae"
    ),
    "accuracy of fractions": (
        dense(1, "sigmoid"), "mse", ["accuracy"], UNIT, "these are fractions", "use mae"
    ),
    "accuracy of vectors": (
        dense(3), "mse", ["accuracy"], SOFT * 9, "takes one class per example", "use mae"
    ),
    "accuracy of signs": (
        dense(1), "hinge", ["accuracy"], SIGNS, "these are signs from -1 to 1", "binary"
    ),
    "accuracy of tags": (
        dense(3, "sigmoid"), BCE, ["accuracy"], MULTI_HOT, "one class per", "binary_accuracy"
    ),
    "accuracy of logits": (
        dense(1), LOGITS, ["accuracy"], BITS, "accuracy decides at 0.5", "threshold=0.0"
    ),
    "exact accuracy": (
        dense(3, "softmax"), CCE, [metrics.Accuracy()], ONE_HOT,
        "class numbers", 'string "accuracy"',
    ),
    "binary accuracy": (
        dense(3, "softmax"), CCE, ["binary_accuracy"], ONE_HOT, "metric binary", "use accuracy"
    ),
    "binary accuracy, integers": (
        dense(3, "softmax"), SCCE, ["binary_accuracy"], LABELS, "every unit", "use accuracy"
    ),
    "sparse accuracy": (
        dense(3, "softmax"), CCE, ["sparse_categorical_accuracy"], ONE_HOT,
        "integer", "use accuracy",
    ),
    "categorical accuracy": (
        dense(3, "softmax"), SCCE, ["categorical_accuracy"], LABELS, "one-hot", "use accuracy"
    ),
    "categorical of one": (
        dense(1, "sigmoid"), BCE, ["categorical_accuracy"], BITS, "there is one", "use accuracy"
    ),
    "top 2": (
        dense(3, "softmax"), SCCE, [metrics.TopKCategoricalAccuracy(2)], LABELS,
        "one-hot", "accuracy",
    ),
    "flat accuracy": (
        [*dense(1, "sigmoid"), layers.Reshape(())], BCE, ["accuracy"], BITS[:, None],
        "batch", "Dense",
    ),
    "auc of logits": (
        dense(1), LOGITS, [metrics.AUC(name="auc")], BITS, "these are logits", "from_logits=True"
    ),
    "precision of logits": (
        dense(1), LOGITS, [metrics.Precision()], BITS, "decides at 0.5", "threshold of 0"
    ),
    "precision of integers": (
        dense(3, "softmax"), SCCE, [metrics.Precision()], LABELS, "every unit", "use accuracy"
    ),
    "f1 of one unit": (
        dense(1, "sigmoid"), BCE, [metrics.F1Score()], BITS[:, None], "without", "threshold=0.5"
    ),
    "f1 of tags": (
        dense(3, "sigmoid"), BCE, [metrics.F1Score("micro")], MULTI_HOT,
        "largest unit", "threshold=0.5",
    ),
    "f1 as a word": (
        dense(3, "sigmoid"), BCE, ["f1_score"], MULTI_HOT, "metric f1_score", "threshold=0.5"
    ),
    "f1 of logits": (
        dense(3), LOGITS, [metrics.F1Score("micro", threshold=0.5)], MULTI_HOT, "logits", "sigmoid"
    ),
    "R² of a flat target": (
        dense(1), "mse", [metrics.R2Score()], REAL, "two axes", "shape (batch, outputs)"
    ),
    "mean IoU": (
        per_pixel(3, "softmax"), SCCE, [metrics.MeanIoU(3)], PIXELS,
        "class numbers", "sparse_y_pred=False",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_pairs_are_named_with_the_right_one(name):
    tail, loss, metrics, y, wrong, right = WRONG[name]
    result = check_head(compiled(tail, loss, metrics), (X, y))
    assert result.status == "wrong", result
    assert not result
    assert wrong in result.message
    assert right in result.message.partition(wrong)[2], result.message
    assert "\n" not in result.message
    assert len(result.message) < 280


@pytest.mark.parametrize(
    "name",
    ["linear, bce", "linear, sparse", "sigmoids, categorical", "relu, negative", "tags, sparse"],
)
def test_the_advice_of_a_wrong_pair_is_itself_ok(name):
    _, _, _, y, _, right = WRONG[name]
    result = check_head(compiled(*WRONG[name][:2]), (X, y))
    layer, loss = result.message.rpartition(" use ")[2].partition(", or ")[0].split(" with ")
    model = compiled([eval(f"layers.{layer}")], loss)
    assert check_head(model, (X, y)).status == "ok", right


def test_every_metric_rule_has_a_wrong_pair():
    messages = [
        check_head(compiled(*case[:3]), (X, case[3])).message for case in WRONG.values() if case[2]
    ]
    for _, _, why, _ in METRIC_RULES:
        assert any(why.partition("{")[0].strip(", ") in message for message in messages), why


def test_every_row_of_the_table_is_ok_as_it_stands():
    targets = {"0 or 1": BITS, "integers": LABELS, "one-hot": ONE_HOT}
    targets |= {"multi-hot": MULTI_HOT, "numbers": REAL, "fractions": UNIT}
    for row in TABLE:
        y = targets[row.targets]
        units = 3 if row.targets in ("integers", "one-hot", "multi-hot") else 1
        for loss in row.loss.split(" or "):
            model = compiled(
                [eval(f"layers.{row.layer.replace('K', str(units))}")], loss, [row.metric]
            )
            result = check_head(model, (X, y))
            assert (result.status, result.task) == ("ok", row.task)
            assert ";" not in result.message, "a remark on a pair of the table"


class OwnStep(keras.Model):
    def train_step(self, data):
        return {"loss": 0.0}


class OwnLoss(keras.Model):
    def compute_loss(self, *args, **kwargs):
        return 0.0


class Penalty(keras.layers.Layer):
    def call(self, x):
        self.add_loss(keras.ops.mean(x))
        return x


def strange_loss(y_true, y_pred):
    return keras.ops.mean(y_pred, axis=-1)


class StrangeLoss(keras.losses.BinaryCrossentropy):
    def call(self, y_true, y_pred):
        return -super().call(y_true, y_pred)


def functional(make=keras.Model, outputs=1):
    inputs = keras.Input((D,))
    made = [layers.Dense(1, "softmax")(inputs) for _ in range(outputs)]
    return make(inputs, made if outputs > 1 else made[0])


@pytest.mark.parametrize(
    ("model", "loss"),
    {
        "own train_step": (functional(OwnStep), BCE),
        "own compute_loss": (functional(OwnLoss), BCE),
        "own loss function": (functional(), strange_loss),
        "own loss class": (functional(), StrangeLoss()),
        "lambda": (functional(), lambda y, p: keras.ops.mean(p, axis=-1)),
        "partial": (functional(), functools.partial(losses.huber, delta=2.0)),
        "two outputs": (functional(outputs=2), "mse"),
        "two losses": (functional(outputs=2), [BCE, "mse"]),
        "add_loss alone": (
            keras.Sequential([keras.Input((D,)), Penalty(), *dense(1, "softmax")]),
            None,
        ),
    }.values(),
)
def test_training_of_its_own_kind_is_not_applicable(model, loss):
    model.compile("sgd", loss)
    result = check_head(model, (X, BITS))
    assert result.status == "not applicable", result
    assert bool(result)
    assert result.message


def test_uncompiled_is_not_applicable():
    assert check_head(functional(), (X, BITS)).status == "not applicable"


def test_a_batch_without_targets_is_wrong_where_the_loss_needs_them():
    model = compiled(dense(1, "sigmoid"), BCE)
    assert "batch has none" in check_head(model, (X,)).message
    assert "batch has none" in check_head(model, X).message
    assert check_head(model, (X, BITS, np.ones(N))).status == "ok"
    assert check_head(model, (X, {"out": BITS})).status == "ok"


@pytest.mark.parametrize(
    "case", ["binary", "multi-class, integers", "multi-label", "regression", "pixels"]
)
def test_an_empty_batch_and_a_batch_of_one_are_ok(case):
    tail, loss, metrics, y, _ = RIGHT[case]
    model = compiled(tail, loss, metrics)
    assert check_head(model, (X[:0], y[:0])).status == "ok"
    assert check_head(model, (X[:1], y[:1])).status == "ok"


def test_tensors_and_datasets():
    model = compiled(dense(3, "softmax"), SCCE, ["accuracy"])
    batch = next(iter(tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(5)))
    assert check_head(model, batch).task == "multi-class"
    ragged = tf.ragged.constant([[1], [1, 2], [0]])
    assert check_head(model, (X[:3], ragged)).status == "not applicable"


def test_dense_outputs_are_told_from_plain_ones():
    for name, dense_ in {
        "pixels": True,
        "steps": True,
        "multi-label": False,
        "flat outputs": False,
    }.items():
        tail, loss, metrics, y, _ = RIGHT[name]
        assert check_head(compiled(tail, loss, metrics), (X, y)).dense is dense_
    assert check_head(compiled(dense(3, "softmax"), SCCE), (X, LABELS)).units == 3


# Where the last activation hides


class Subclass(keras.Model):
    def __init__(self, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.hidden, self.head = layers.Dense(3, "relu"), layers.Dense(3, activation)
        self.dropout = layers.Dropout(0.5, seed=1)

    def call(self, x, training=False):
        return self.head(self.dropout(self.hidden(x), training=training))


class Opaque(Subclass):
    """Keras cannot follow this `call` symbolically: only values tell."""

    def call(self, x, training=False):
        return tf.identity(super().call(tf.convert_to_tensor(x.numpy()), training=training))


class Halved(layers.Layer):
    def call(self, x):
        return x / 2


def nested():
    inputs = keras.Input((D,))
    return keras.Model(inputs, layers.Dense(3, "softmax")(inputs))


HIDDEN = {
    "Activation": lambda: [*dense(3), layers.Activation("softmax")],
    "Softmax": lambda: [*dense(3), layers.Softmax()],
    "function": lambda: dense(3, keras.activations.softmax),
    "layer as activation": lambda: dense(3, layers.Softmax()),
    "nested": lambda: [keras.Sequential([keras.Input((D,)), nested()])],
    "behind dropout": lambda: [
        *dense(3, "softmax"), layers.Dropout(0.1), layers.ActivityRegularization(0.1)
    ],
    "reshaped": lambda: [*dense(3, "softmax"), layers.Reshape((1, 3)), layers.Reshape((3,))],
    "cast": lambda: [
        layers.Dense(3, dtype="mixed_bfloat16"), layers.Activation("softmax", dtype="float32")
    ],
    "half": lambda: [layers.Dense(3, "softmax", dtype="mixed_float16")],
    "averaged": lambda: [*per_pixel(3, "softmax"), layers.GlobalAveragePooling2D()],
    "normalized weights": lambda: [layers.SpectralNormalization(layers.Dense(3, "softmax"))],
}  # fmt: skip


@pytest.mark.parametrize("name", HIDDEN)
def test_softmax_is_found_wherever_it_is(name):
    assert check_head(compiled(HIDDEN[name](), SCCE, ["accuracy"]), (X, LABELS)).status == "ok"
    wrong = check_head(
        compiled(HIDDEN[name](), losses.SparseCategoricalCrossentropy(from_logits=True)),
        (X, LABELS),
    )
    assert "from_logits=True after softmax" in wrong.message, wrong


@pytest.mark.parametrize(
    "act", [keras.ops.softmax, keras.activations.softmax, layers.Softmax(dtype="float32")]
)
def test_softmax_as_an_operation_of_a_functional_model(act):
    inputs = keras.Input((D,))
    model = keras.Model(inputs, keras.ops.cast(act(layers.Dense(3)(inputs)), "float32"))
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
    assert "from_logits=True after softmax" in check_head(model, (X, LABELS)).message


@pytest.mark.parametrize("kind", [Subclass, Opaque])
def test_subclassed_models_are_seen_through(kind):
    for activation, loss, status in [
        ("softmax", SCCE, "ok"),
        (None, losses.SparseCategoricalCrossentropy(from_logits=True), "ok"),
        ("softmax", losses.SparseCategoricalCrossentropy(from_logits=True), "wrong"),
        (None, SCCE, "wrong"),
    ]:
        model = kind(activation)
        model.compile("sgd", loss, metrics=["accuracy"], run_eagerly=True)
        model(tf.constant(X))
        assert check_head(model, (tf.constant(X * 9), LABELS)).status == status


def test_unknown_layers_are_given_the_benefit_of_the_doubt():
    for tail in ([*dense(3, "sigmoid"), Halved()], dense(3, lambda x: keras.ops.sigmoid(x) / 2)):
        assert check_head(compiled(tail, BCE), (X, MULTI_HOT)).status == "ok"
        assert check_head(compiled(tail, LOGITS), (X, MULTI_HOT)).status == "ok"
        assert check_head(compiled(tail, "mse"), (X, MULTI_HOT * 3)).status == "ok"
    assert (
        "stays within [0, 1]"
        in check_head(compiled([*dense(1), Halved()], BCE), (X * 99, BITS)).message
    )


def test_softmax_over_pixels_is_no_softmax_over_classes():
    heatmap = [layers.Dense(D, "softmax"), layers.Reshape((2, 2, 1))]
    assert check_head(compiled(heatmap, "mse"), (X, np.ones((N, 2, 2, 1)) / 4)).status == "ok"
    over_steps = [layers.Reshape((D, 1)), layers.Dense(3), layers.Softmax(axis=1)]
    result = check_head(compiled(over_steps, SCCE), (X, np.tile(LABELS[:, None], (1, D))))
    assert "softmax over axis 1" in result.message


def test_looking_leaves_no_trace():
    """Random seeds and states of recurrent layers are as before, where values were looked at."""
    inputs = keras.Input(batch_shape=(8, D))
    steps = layers.Reshape((D, 1))(inputs)
    outputs = Halved()(layers.Dense(1)(layers.LSTM(2, stateful=True)(steps)))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    before = [variable.numpy() for variable in model.variables]
    assert check_head(model, (X[:8], REAL[:8])).status == "ok"
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, new.numpy())


def test_an_unbuilt_sequential_model():
    model = keras.Sequential(dense(1, "softmax"))
    model.compile("sgd", BCE)
    assert "softmax over a single unit" in check_head(model, (X, BITS)).message


def test_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = compiled(
            [layers.Dense(3), layers.Activation("softmax", dtype="float32")], SCCE, ["accuracy"]
        )
        assert check_head(model, (X, LABELS)).status == "ok"
        assert check_head(compiled(dense(1), BCE), (X, BITS)).status == "wrong"
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ("val_loss", "min")),
        (["mae", metrics.RootMeanSquaredError()], ("val_loss", "min")),
        (["accuracy"], ("val_accuracy", "max")),
        (["mae", "acc"], ("val_acc", "max")),
        ([metrics.BinaryAccuracy], ("val_binary_accuracy", "max")),
        ([metrics.BinaryAccuracy(name="hits"), "accuracy"], ("val_hits", "max")),
        ([metrics.R2Score(name="r2")], ("val_r2", "max")),
        (
            [metrics.Precision(), metrics.F1Score("micro", 0.5, name="f1_micro")],
            ("val_f1_micro", "max"),
        ),
        ([metrics.AUC(name="area")], ("val_area", "max")),
        (
            [metrics.MeanMetricWrapper(strange_loss, name="top_accuracy")],
            ("val_top_accuracy", "max"),
        ),
        ([strange_loss], ("val_loss", "min")),
        ([metrics.MeanSquaredError(name="fast")], ("val_loss", "min")),
    ],
)
def test_monitor(given, expected):
    assert monitor(compiled(dense(1), "mse", given)) == expected


def test_monitor_names_what_fit_reports():
    given = ["accuracy", metrics.BinaryAccuracy(threshold=0.4), metrics.AUC]
    for first in range(3):
        model = compiled(dense(1, "sigmoid"), BCE)
        model.compile("sgd", BCE, metrics=given[first:], run_eagerly=True)
        name, _ = monitor(model)
        scores = model.evaluate(X, BITS, verbose=0, return_dict=True)
        assert name.removeprefix("val_") in scores


def test_monitor_of_several_outputs_is_the_loss():
    model = functional(outputs=2)
    model.compile("sgd", "mse", metrics=["accuracy", "accuracy"])
    assert monitor(model) == ("val_loss", "min")


# Right verdict, right cure: what stands in masks and padded sequences is no class

MASK = np.arange(N * 4).reshape(N, 2, 2) % 2
VOID = np.where(np.arange(N * 4).reshape(N, 2, 2) % 5 == 0, 255, PIXELS)
PADDED = np.where(np.arange(N * D).reshape(N, D) % D > 1, -1, np.arange(N * D).reshape(N, D) % 3)
PER_STEP = [layers.Reshape((D, 1)), layers.Dense(3, "softmax")]


@pytest.mark.parametrize(
    ("tail", "loss", "y", "cure"),
    {
        "one sigmoid": (per_pixel(1, "sigmoid"), BCE, MASK[..., None] * 255, "divide them by 255"),
        "no last axis": (per_pixel(1, "sigmoid"), BCE, MASK * 255, "divide them by 255"),
        "linear": (per_pixel(1), LOGITS, MASK * 255.0, "divide them by 255"),
        "mse": (per_pixel(1, "sigmoid"), "mse", MASK[..., None] * 255, "divide them by 255"),
        "two classes": (per_pixel(2, "softmax"), SCCE, MASK * 255, "divide them by 255"),
        "16 bit": (per_pixel(1, "sigmoid"), BCE, MASK * 65535, "divide them by 65535"),
        "pixels": (dense(D, "sigmoid"), BCE, np.tile([0, 255, 9, 3], (N, 1)), "divide them by 255"),
        "images": (per_pixel(1, "sigmoid"), "mse", VOID[..., None] * 1, "divide them by 255"),
        "void": (per_pixel(3, "softmax"), SCCE, VOID, "ignore_class=255"),
        "void, logits": (
            per_pixel(3),
            losses.SparseCategoricalCrossentropy(from_logits=True),
            VOID[..., None],
            "ignore_class=255",
        ),
        "padding": (PER_STEP, SCCE, PADDED, "ignore_class=-1"),
        "padding, other number": (
            PER_STEP,
            SCCE,
            np.where(PADDED < 0, -100, PADDED),
            "ignore_class=-100",
        ),
        "void of a mask": (
            per_pixel(1, "sigmoid"),
            BCE,
            np.where(VOID == 255, 255, MASK),
            "ignore_class=255",
        ),
        "padding of bits": (
            per_pixel(1, "sigmoid"),
            BCE,
            np.where(VOID == 255, -1, MASK),
            "ignore_class=-1",
        ),
    }.values(),
)
def test_what_marks_no_class_gets_its_own_cure(tail, loss, y, cure):
    message = check_head(compiled(tail, loss), (X, y)).message
    assert cure in message, message
    assert "Dense(256" not in message
    assert "Dense(65536" not in message
    assert "subtract" not in message
    assert "\n" not in message
    assert len(message) < 280


@pytest.mark.parametrize(
    ("tail", "loss", "y"),
    [
        (per_pixel(1, "sigmoid"), BCE, MASK[..., None] * 255 / 255),
        (per_pixel(2, "softmax"), SCCE, MASK * 255 / 255),
        (per_pixel(3, "softmax"), losses.SparseCategoricalCrossentropy(ignore_class=255), VOID),
        (PER_STEP, losses.SparseCategoricalCrossentropy(ignore_class=-1), PADDED),
        (
            per_pixel(2, "softmax"),
            losses.SparseCategoricalCrossentropy(ignore_class=255),
            np.where(VOID == 255, 255, MASK),
        ),
    ],
)
def test_the_cure_cures(tail, loss, y):
    assert check_head(compiled(tail, loss), (X, y)).status == "ok"


@pytest.mark.parametrize(
    ("units", "y", "cure"),
    [
        (3, LABELS + 1, "subtract 1"),  # numbered from 1
        (3, np.where(LABELS == 2, 3, LABELS), "Dense(4)"),  # one class too few, and one absent
        (3, np.where(LABELS == 2, 90, LABELS), "Dense(91)"),  # no number that marks anything
        (3, LABELS - 1, "subtract -1"),
    ],
)
def test_other_labels_out_of_range_keep_their_cure(units, y, cure):
    message = check_head(compiled(dense(units, "softmax"), SCCE), (X, y)).message
    assert cure in message


def test_ok_says_what_fits():
    result = check_head(compiled(dense(3, "softmax"), SCCE, ["accuracy"]), (X, LABELS))
    expected = (
        "ok: multi-class, 3 units, softmax, sparse_categorical_crossentropy, targets integers"
    )
    assert str(result) == result.message == expected
    weak = check_head(compiled(dense(3, "softmax"), "mse"), (X, ONE_HOT))
    assert weak.message.startswith(
        "ok: multi-class, 3 units, softmax, mean_squared_error, targets one-hot; softmax learns"
    )
    wrong = check_head(compiled(dense(1), BCE), (X, BITS))
    assert str(wrong).startswith("wrong: binary_crossentropy needs sigmoid")
