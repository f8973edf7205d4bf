"""What holds for every recipe, on tiny stand-in data: it runs, its head is right, its search starts at its defaults.

Functions run eagerly: compiling a training step costs several times what two steps of it cost, except where each step
is a loop over time. Pictures are drawn coarsely, as they come, for half of the time would go into their layout.
"""

import functools
import inspect
import json
import pickle
import subprocess
import sys

import keras
import keras_tuner
import matplotlib.layout_engine
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf

from recipes._runner import arguments, cli, data, figures, run_command
from recipes._runner.recipe import all_recipes
from recipes.training import optimizers


def by_chapter(items, chapter, name):
    """Parameters of which those of a chapter run in one process."""
    return [
        pytest.param(item, id=name(item), marks=pytest.mark.xdist_group(chapter(item)))
        for item in items
    ]


RECIPES = by_chapter(all_recipes(), lambda recipe: recipe.chapter, lambda recipe: recipe.name)
TRAINED = [parameter for parameter in RECIPES if parameter.values[0].trains]
CHAPTERS = by_chapter({parameter.values[0].chapter: None for parameter in TRAINED}, str, str)


SHORTER = {
    "transformer_translation": {
        "MAX_LENGTH": 5
    },  # what an untrained network writes never ends by itself
    "gpt": {"SAMPLE_LENGTH": 20},
    "code_completion": {"COMPLETIONS": 5},
    "optimizers": {"LEARNING_RATES": optimizers.LEARNING_RATES[::6]},
}


def eager(recipe):
    """What only computes does all of it, and may need to be compiled."""
    return recipe.trains and recipe.chapter != "recurrent"


@pytest.fixture(autouse=True)
def in_an_empty_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    yield
    keras.backend.clear_session()
    keras.config.set_dtype_policy("float32")
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def shorter(recipe, monkeypatch):
    for name, value in SHORTER.get(recipe.name, {}).items():
        monkeypatch.setattr(recipe.module, name, value)


@pytest.fixture
def coarse_pictures(monkeypatch):
    style = figures.use_style
    monkeypatch.setattr(
        figures,
        "use_style",
        lambda: (style(), plt.rcParams.update({"figure.dpi": 25, "savefig.dpi": 25})),
    )
    monkeypatch.setattr(
        matplotlib.layout_engine.ConstrainedLayoutEngine, "execute", lambda engine, figure: None
    )


@pytest.fixture
def two_steps():
    """Of one epoch, as KERAS_MAX_EPOCHS=1 KERAS_MAX_STEPS_PER_EPOCH=2 would have it."""
    keras.config.set_max_epochs(1)
    keras.config.set_max_steps_per_epoch(2)
    yield
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)


@pytest.fixture(scope="module")
def smoke_runs(tmp_path_factory):
    """Where `run --smoke` has left each recipe's models, for the test that loads them elsewhere."""
    return tmp_path_factory.mktemp("smoke")


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.usefixtures("coarse_pictures", "shorter")
def test_smoke_run_leaves_model_scores_and_pictures(recipe, smoke_runs, recwarn):
    tf.config.run_functions_eagerly(eager(recipe))
    assert cli.main(["run", recipe.name, "--smoke", "--output", str(smoke_runs / recipe.name)]) == 0
    assert not [
        warning for warning in recwarn if "Limiting steps_per_epoch" in str(warning.message)
    ]
    folder = smoke_runs / recipe.name / ("smoke" if recipe.trains else "")
    assert list(folder.glob("*.png")) + list(folder.glob("*.gif"))
    assert (folder / "README.md").exists()
    if recipe.trains:
        variants = getattr(recipe.module, "VARIANTS", {None: {}})
        wrong_on_purpose = getattr(recipe.module, "WRONG", {})
        for variant in variants:
            left = folder / (variant or "")
            metrics = json.loads((left / "metrics.json").read_text())
            assert (metrics["head_check"] == "wrong") == (variant in wrong_on_purpose), metrics
            assert metrics["scores"]
            assert {"model.keras", "history.csv", "README.md"} <= {
                path.name for path in left.iterdir()
            }
        if hasattr(recipe.module, "baseline"):
            assert set(metrics["baseline"]) <= set(metrics["scores"]), (
                "named otherwise than the model's scores"
            )
        write_predictions(folder, recipe.module)


IN_16_BITS = {  # one of each kind of training that mixes a network's output with float32 data; the rest is slow
    "perceptron_rule": "mixed_bfloat16",  # a training step of its own
    "vae": "mixed_float16",  # a loss of its own
    "electricity": "mixed_float16",  # Normalization.adapt, and outputs of five digits
    "double_moon": "mixed_bfloat16",  # pictures of outputs
    "conditional_gan": "mixed_bfloat16",  # a baseline that trains a network
}


def in_16_bits():
    for parameter in TRAINED:
        for policy in ("mixed_bfloat16", "mixed_float16"):
            name = parameter.values[0].name
            marks = [*parameter.marks, *[pytest.mark.slow] * (IN_16_BITS.get(name) != policy)]
            yield pytest.param(parameter.values[0], policy, id=f"{name}-{policy}", marks=marks)


@pytest.mark.parametrize(("recipe", "policy"), in_16_bits())
@pytest.mark.usefixtures("coarse_pictures", "shorter")
def test_smoke_run_in_16_bits(recipe, policy, monkeypatch, tmp_path):
    """It trains, answers with numbers, and what comes after the training is given float32."""
    tf.config.run_functions_eagerly(eager(recipe))
    reported = []

    def report(recipe, module, plan, results, unfinished):
        for result in results.values():
            for batch in result.test.take(1) if result.test is not None else ():
                few = tf.nest.map_structure(lambda part: part[:4], batch[0])
                reported.extend(keras.tree.flatten(result.model(few)))
        return original(recipe, module, plan, results, unfinished)

    original = run_command.report
    monkeypatch.setattr(run_command, "report", report)
    command = ["run", recipe.name, "--smoke", "--precision", policy, "--output", str(tmp_path)]
    assert cli.main(command) == 0
    assert keras.config.dtype_policy().name == "float32", "left behind for what runs next"
    for output in reported:
        assert keras.backend.standardize_dtype(output.dtype) == "float32"
        assert np.isfinite(output).all()
    saved = list(tmp_path.rglob("model.keras"))
    assert saved
    for path in saved:
        scores = json.loads(path.with_name("metrics.json").read_text())["scores"]
        assert None not in scores.values(), f"not a number: {scores}"
    layers = keras.saving.load_model(saved[0])._flatten_layers()
    assert policy in {layer.dtype_policy.name for layer in layers}, "it was not trained in 16 bits"


def write_predictions(folder, module):
    """Some inputs, and what each saved model of the folder makes of them, for a fresh process to compare with."""
    inputs = {}
    for path in folder.rglob("model.keras"):
        given = json.loads(path.with_name("metrics.json").read_text())["arguments"]
        load_arguments, _ = arguments.split(module, given)
        data = str(load_arguments)
        if data not in inputs:
            *_, test = module.load_data(**load_arguments)
            inputs[data] = tf.nest.map_structure(np.asarray, next(iter(test.take(1)))[0])
        outputs = keras.saving.load_model(path).predict_on_batch(
            tf.nest.map_structure(tf.constant, inputs[data])
        )
        path.with_suffix(".pickle").write_bytes(pickle.dumps((inputs[data], outputs)))


@pytest.fixture
def on_twice_the_data(recipe, monkeypatch):
    """Has the recipe load each training batch twice.

    Returns a list that fills with (network, the training set loaded last, given arguments) as it builds networks.
    """
    loaded, built = [], []
    load_data, build_model = recipe.module.load_data, recipe.module.build_model

    @functools.wraps(load_data)
    def load_twice(*arguments, **keywords):
        train, validation, test = load_data(*arguments, **keywords)
        loaded.append(train.repeat(2))
        return loaded[-1], validation, test

    @functools.wraps(build_model)
    def build(*arguments, **keywords):
        train = loaded[-1]
        given = inspect.signature(build_model).bind(*arguments, **keywords).arguments
        built.append((build_model(*arguments, **keywords), train, given))
        return built[-1][0]

    monkeypatch.setattr(recipe.module, "load_data", load_twice)
    monkeypatch.setattr(recipe.module, "build_model", build)
    return built


@pytest.mark.parametrize("recipe", TRAINED)  # for the others, `run` is their `main()`
@pytest.mark.usefixtures("two_steps", "shorter")
def test_main_builds_networks_for_its_data(recipe, monkeypatch, on_twice_the_data):
    """The learning rate ends with the training, however long; vocabularies are the data's own.

    With the first and the last variant: all have been trained by `run`.
    """
    tf.config.run_functions_eagerly(eager(recipe))
    if hasattr(recipe.module, "VARIANTS"):
        first, *_, last = recipe.module.VARIANTS.items()
        monkeypatch.setattr(recipe.module, "VARIANTS", dict([first, last]))
    data.choose(data.names(recipe.path), stand_in=True, rows=200)
    recipe.module.main()
    assert on_twice_the_data
    scheduled = 0
    for model, train, given in on_twice_the_data:
        if arguments.wants(recipe.module.build_model, "train"):
            assert given.get("train") is train, "main() gives its training set to build_model"
        rate = model.optimizer._learning_rate  # `learning_rate` is its value at the current step
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            scheduled += 1
            steps = recipe.module.EPOCHS * sum(1 for _ in train)
            end = float(rate(steps))
            assert float(rate(steps + 1)) == float(rate(10 * steps)) == end, (
                "still changes at the end"
            )
            assert float(rate(0.9 * steps)) != end, "stands still before the end"
    assert bool(scheduled) == arguments.wants(recipe.module.build_model, "steps")


@pytest.mark.parametrize("recipe", TRAINED)
def test_search_space_starts_at_the_defaults(recipe):
    hp = keras_tuner.HyperParameters()
    space = recipe.module.search_space(hp)
    assert space
    defaults = arguments.parameters(recipe.module)
    for name, value in space.items():
        assert name in defaults, f"{name} is no argument of load_data or build_model"
        assert value == pytest.approx(defaults[name]), name
    for parameter in hp.space:
        if getattr(parameter, "step", None) or isinstance(
            parameter, keras_tuner.engine.hyperparameters.Choice
        ):
            assert any(value == pytest.approx(parameter.default) for value in parameter.values), (
                "default off its grid"
            )
        if hasattr(parameter, "min_value"):
            assert parameter.min_value <= parameter.default <= parameter.max_value


@pytest.mark.parametrize("recipe", TRAINED)
def test_a_stepped_range_is_searched_to_its_upper_end(recipe):
    """Sums of 0.1 miss it: KerasTuner ends `Float(0.0, 0.5, step=0.1)` at 0.4."""
    hp = keras_tuner.HyperParameters()
    recipe.module.search_space(hp)
    for parameter in hp.space:
        if getattr(parameter, "step", None):
            last = max(parameter.values)
            assert last == pytest.approx(parameter.max_value), parameter.name


@pytest.mark.parametrize("recipe", TRAINED)
def test_functions_have_defaults_and_docstrings(recipe):
    module = recipe.module
    for function in (module.load_data, module.build_model):
        assert function.__doc__, function.__name__
        for name, parameter in inspect.signature(function).parameters.items():
            assert parameter.default is not inspect.Parameter.empty or name == "train", name
    assert module.EPOCHS >= 1


RELOAD = """
import importlib, pathlib, pickle, sys
import keras, numpy as np, tensorflow as tf

for argument in sys.argv[1:]:
    if argument.startswith("recipes."):
        importlib.import_module(argument)
        continue
    inputs, outputs = pickle.loads(pathlib.Path(argument).read_bytes())
    model = keras.saving.load_model(pathlib.Path(argument).with_suffix(".keras"))
    again = model.predict_on_batch(tf.nest.map_structure(tf.constant, inputs))
    tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), outputs, again)
    print(argument)
"""


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_models_predict_the_same_in_a_fresh_process(chapter, smoke_runs):
    assert smoke_runs.is_dir(), "another run of pytest has cleared the temporary folder"
    recipes = [
        parameter.values[0] for parameter in TRAINED if parameter.values[0].chapter == chapter
    ]
    saved = [
        str(path) for recipe in recipes for path in (smoke_runs / recipe.name).rglob("model.pickle")
    ]
    if not saved:
        pytest.skip("run together with the smoke runs")
    modules = [f"recipes.{recipe.chapter}.{recipe.name}" for recipe in recipes]
    loaded = subprocess.run(
        [sys.executable, "-c", RELOAD, *modules, *saved], capture_output=True, text=True
    )
    assert loaded.returncode == 0, loaded.stderr[-3000:]
    assert set(loaded.stdout.split()) >= set(saved)
