"""Tests work on tiny stand-in data in folders of their own.

Those marked `real_data` work on TFDS_DATA_DIR, if it is set.
"""

import collections
import functools
import gc
import os
import pathlib
import resource
import socket
import sys
import types

import pytest

from tests import fresh, selection

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# What XLA compiles runs once: to optimize it would take longer than it saves.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
if "PYTEST_XDIST_WORKER" in os.environ:
    # As many processes as cores: more threads would wait for one another.
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
ROOT = pathlib.Path(__file__).parents[1]
REAL_DATA = os.environ.get("TFDS_DATA_DIR")
# The tests of one recipe may take so many; slower ones are to be made smaller.
MOST_CPU_SECONDS = 10
gc.disable()  # while all is imported: none of it is garbage
BEGAN = pytest.StashKey[float]()
PEAK = pytest.StashKey[float]()
MUCH = 200  # MB


def recipe_of(item):
    """The name of the recipe that a test is about, or None."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    about = getattr(parameters.get("recipe"), "name", None)
    about = about or selection.recipe_of(item.path.relative_to(ROOT).as_posix())
    return about if any(recipe.name == about for recipe in selection.RECIPES) else None


def is_full(item):
    """Whether a test is one of a single recipe's own file, of a recipe that `make test` leaves out.

    The slides' worked numbers always run: tests marked `slides`, and those of recipes that train
    nothing.
    """
    if item.get_closest_marker("slides"):
        return False
    name = selection.recipe_of(item.path.relative_to(ROOT).as_posix())
    trains = any(recipe.name == name for recipe in selection.TRAINED)
    return trains and not selection.chosen(name)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With `--dist loadgroup`, the tests of a group run in one process.

    The groups of pytest-xdist 3.8 have no effect with pytest 9.2.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return selection.group(nodeid)

    return Groups(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if is_full(item):
            item.add_marker(pytest.mark.full)
        if item.get_closest_marker("real_data") and not REAL_DATA:
            item.add_marker(pytest.mark.skip(reason="needs real data sets in TFDS_DATA_DIR"))


def pytest_collection_finish():
    """What has been imported stays: collecting garbage need not look through a million objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()


def peak_memory():
    """The most memory that this process has held so far, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown(item):
    """Networks hold themselves in circles. To look for them after each test takes half a second.

    So garbage is collected when the process has never been as large before.
    """
    result = yield
    stash = item.config.stash
    if peak_memory() > stash.get(PEAK, 0) + MUCH:
        gc.collect()
        stash[PEAK] = peak_memory()
    return result


def cpu_seconds():
    """What this process has used so far, and those it has waited for."""
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """The style of pictures that a test has set does not last."""
    if "matplotlib" not in sys.modules:
        return (yield)
    with sys.modules["matplotlib"].rc_context():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item):
    """Each test draws the same random numbers, whichever tests ran before it in its process."""
    item.stash[BEGAN] = cpu_seconds()
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    try:
        return (yield)
    finally:
        used = cpu_seconds() - item.stash[BEGAN]
        item.user_properties.append(("cpu_seconds", (recipe_of(item), used)))


def pytest_terminal_summary(terminalreporter, config):
    """With --durations: the recipes whose tests take the longest, in CPU seconds."""
    if not config.option.durations:
        return
    used = collections.Counter()
    contract = 0
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            properties = dict(getattr(report, "user_properties", ()))
            name, seconds = properties.get("cpu_seconds", (None, 0))
            if name and report.when == "call":
                used[name] += seconds
                if "test_contract.py" in report.nodeid:
                    contract += seconds
    if not used:
        return
    mean = sum(used.values()) / len(used)
    contract /= len(used)
    terminalreporter.section(
        f"{len(used)} recipes, {mean:.1f} CPU seconds each, {contract:.1f} of them the contract's"
    )
    for name, seconds in used.most_common(10):
        terminalreporter.line(f"{seconds:6.1f}  {name}")
    too_long = [name for name, seconds in used.most_common() if seconds > MOST_CPU_SECONDS]
    if too_long:
        terminalreporter.line(f"over {MOST_CPU_SECONDS} CPU seconds: {', '.join(too_long)}")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Stand-ins are made once a test session, for all its processes.

    Nothing is left in the user's cache.
    """
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    os.environ["XDG_CACHE_HOME"] = str(pathlib.Path(folder) / "cache")


@pytest.fixture(scope="session", autouse=True)
def attributes_listed_once():
    """Keras 3.15 means to remember what it skips when it saves a layer, and forgets it.

    So it makes a new layer, or an optimizer, for each layer that it saves, to list its attributes.
    """
    if "keras" not in sys.modules:
        yield
        return
    from keras.src.saving import saving_lib

    listed = saving_lib.get_attr_skipset
    saving_lib.get_attr_skipset = functools.cache(listed)
    yield
    saving_lib.get_attr_skipset = listed


@pytest.fixture(scope="session", autouse=True)
def kernels_made_once():
    """TensorFlow makes the kernel of an operation once: that takes longer than most of them run.

    It would make one for each name of a variable; and all of them anew after `set_seed`, for the
    sake of those that draw random numbers. Keras' operations hold no state, so these are rare.
    """
    if "keras" not in sys.modules:
        yield
        return
    from tensorflow.python import pywrap_tfe
    from tensorflow.python.data.util import random_seed as seeds_of_data
    from tensorflow.python.framework import random_seed
    from tensorflow.python.ops import gen_resource_variable_ops

    make_variable = gen_resource_variable_ops.var_handle_op
    seeds_of_operation = random_seed.get_seed
    clear = pywrap_tfe.TFE_ContextClearCaches
    drawing = False  # whether there may be kernels that draw

    def make_unnamed_variable(*arguments, debug_name="", **keywords):
        return make_variable(*arguments, **keywords)

    def take_down(seed):
        nonlocal drawing
        drawing = True
        return seeds_of_operation(seed)

    def clear_if_drawing(context):
        nonlocal drawing
        if drawing:
            clear(context)
            drawing = False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gen_resource_variable_ops, "var_handle_op", make_unnamed_variable)
        # The order of data is drawn by no kernel.
        patch.setattr(
            seeds_of_data, "random_seed", types.SimpleNamespace(get_seed=seeds_of_operation)
        )
        patch.setattr(random_seed, "get_seed", take_down)
        patch.setattr(pywrap_tfe, "TFE_ContextClearCaches", clear_if_drawing)
        yield


@pytest.fixture(scope="session", autouse=True)
def data_tuned_never():
    """As nobody reads much here: the thread of tf.data that tunes may take half a second to end."""
    if "keras" not in sys.modules:
        yield
        return
    import tensorflow as tf
    from tensorflow.python.data.ops import dataset_ops

    options = tf.data.Options()
    options.autotune.enabled = False
    with pytest.MonkeyPatch.context() as patch:
        # What is called on each data set that is to be read.
        patch.setattr(
            dataset_ops.DatasetV2, "_apply_debug_options", lambda data: data.with_options(options)
        )
        yield


@pytest.fixture(scope="session")
def fresh_python():
    """`fresh_python("-c", code, …)`: `subprocess.run([sys.executable, "-c", code, …])`, faster."""
    processes = fresh.Processes()
    yield processes.run
    processes.end()


@pytest.fixture(scope="session")
def loopback():
    """For tests that talk to themselves over the network."""
    try:
        socket.create_connection(("127.0.0.1", 9), timeout=1).close()
    except ConnectionRefusedError:
        pass  # the usual answer: nobody listens on that port
    except OSError as error:
        pytest.skip(f"this machine cannot even talk to itself: {error}")


@pytest.fixture
def coarse_pictures(monkeypatch):
    """Pictures that nobody looks at take little time."""
    from tests import drawing

    drawing.coarsely(monkeypatch)
