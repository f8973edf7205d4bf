# The front door. `make` alone prints what there is.

PYTHON := .venv/bin/python
# What only reads source (list, help) also runs before set-up, on the system's Python.
ANY_PYTHON = $(if $(wildcard $(PYTHON)),$(PYTHON),python3)
# A value as one word for the shell, whatever is in it.
quoted = '$(subst ','\'',$(1))'
SUPPORTED = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

.DEFAULT_GOAL := help
.PHONY: help list results compare exercises exports tpu-table gallery notebooks setup test test-all test-slow test-backends lint bench-mnist bench-architectures bench-equal-cost bench-devices bench-search bench-autokeras clean

help:  ## this page
	@grep -hE '^[a-z%-]+:.*  ## ' Makefile | sed -E 's/^([a-z%-]+):.*  ## /\1\t/; s/%/NAME/' | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'

list:  ## every recipe by chapter; WORD=text answers "I have text, which recipe?"; ES=1 en español
	@$(ANY_PYTHON) -m recipes list $(if $(ES),--es) $(if $(WORD),$(call quoted,$(WORD)))

setup: clean-stamp .venv/.ready  ## make .venv and install; EXTRAS=gpu (or jax, torch) adds to it

# It brings the module `tensorflow` as another package, so the usual one must go; of the library for
# TPUs it needs one of its own time: it does not start with later ones.
TENSORFLOW_TPU := tensorflow-tpu==2.20.0 libtpu==0.0.14

.PHONY: setup-tpu
setup-tpu: setup  ## the same on a Cloud TPU VM, with TensorFlow for TPUs: recipes/DEVICES.md
	@set -e; if command -v uv > /dev/null; then \
	    uv pip uninstall --quiet --python $(PYTHON) tensorflow; \
	    uv pip install --quiet --python $(PYTHON) --no-deps --reinstall $(TENSORFLOW_TPU); \
	else \
	    $(PYTHON) -m pip uninstall --quiet --yes tensorflow; \
	    $(PYTHON) -m pip install --quiet --no-deps --force-reinstall $(TENSORFLOW_TPU); \
	fi

.PHONY: clean-stamp
clean-stamp:
	@rm -f .venv/.ready

.venv/.ready: pyproject.toml constraints.txt
	@set -e; if command -v uv > /dev/null; then \
	    test -x $(PYTHON) || uv venv --quiet --python '>=3.11,<3.14' .venv; \
	    echo "Installing into .venv with uv …"; \
	    uv pip install --quiet --python $(PYTHON) -c constraints.txt -e '.[dev$(if $(EXTRAS),$(comma)$(EXTRAS))]'; \
	else \
	    for python in python3 python3.13 python3.12 python3.11; do \
	        if command -v $$python > /dev/null && $$python -c '$(SUPPORTED)' 2> /dev/null; then break; fi; python=; done; \
	    test -n "$$python" || { echo "Python 3.11, 3.12 or 3.13 is needed; python3 here is $$(python3 --version 2>&1)" >&2; exit 2; }; \
	    test -x $(PYTHON) || $$python -m venv .venv; \
	    echo "Installing into .venv with pip; this takes a few minutes the first time …"; \
	    $(PYTHON) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev$(if $(EXTRAS),$(comma)$(EXTRAS))]'; \
	fi
	@touch $@

comma := ,

recipe-%: .venv/.ready  ## train a recipe: make recipe-cnn-mnist ARGS="--epochs 3"
	@$(PYTHON) -m recipes run $* $(ARGS)

tune-%: .venv/.ready  ## better hyperparameters: make tune-cnn-mnist ARGS="--trials 30 --time-limit 2h"
	@$(PYTHON) -m recipes tune $* $(ARGS)

results: .venv/.ready  ## write recipes/RESULTS.md, README's figures and SLIDES.md's tables by deck
	@$(PYTHON) -m recipes._runner.pages

measure-%: .venv/.ready  ## a recipe with several seeds, into recipes/results.csv: ARGS="--seeds 5"
	@$(PYTHON) -m recipes measure $* $(ARGS)

picture-%: .venv/.ready  ## a figure of a run, small, for the chapter's page: ARGS="--figure filters.png"
	@$(PYTHON) -m recipes picture $* $(ARGS)

gallery: .venv/.ready  ## one page of all recipes to look at, English and Spanish: gallery/index.html
	@$(PYTHON) -m recipes gallery $(ARGS)

# RUNS are words of the shell, as FILES below.
compare: .venv/.ready  ## curves and scores of several runs: RUNS="cnn-mnist cnn-mnist-slide lenet/lenet"
	@$(PYTHON) -m recipes compare $(or $(RUNS),$(error say which: make compare RUNS="cnn-mnist cnn-mnist-slide")) $(ARGS)

exercises: .venv/.ready  ## which exercises are right, still to do, or off: CHAPTER=perceptrons
	@$(PYTHON) -m recipes exercises $(if $(CHAPTER),$(call quoted,$(CHAPTER))) $(ARGS)

copy-%: .venv/.ready  ## a recipe and what it imports into a folder of yours: TO=../mine
	@$(PYTHON) -m recipes copy $* $(call quoted,$(or $(TO),$(error say where to: make copy-$* TO=../mine))) $(ARGS)

notebook-%: .venv/.ready  ## a recipe as a notebook with outputs: ARGS=--smoke
	@$(PYTHON) -m recipes notebook $* $(ARGS)

notebooks: .venv/.ready  ## all of them, one after the other: hours, or ARGS=--smoke
	@$(PYTHON) -m recipes notebook all $(ARGS)

new-%: .venv/.ready  ## the skeleton of a recipe, its pictures and its test: CHAPTER=recurrent
	@$(PYTHON) -m recipes new $* --chapter $(call quoted,$(or $(CHAPTER),$(error say where: make new-$* CHAPTER=recurrent))) $(if $(ITEM),--item $(call quoted,$(ITEM))) $(ARGS)

# Static, for the % of a pattern ends at a slash: models have names like head-multilabel/smoke/sigmoid.
export-%: .venv/.ready  ## a trained recipe for another runtime: FORMAT=saved_model, onnx or litert
$(filter export-%,$(MAKECMDGOALS)): export-%: .venv/.ready
	@$(PYTHON) -m recipes export $* --format $(call quoted,$(or $(FORMAT),$(error say which: make export-$* FORMAT=saved_model, onnx or litert))) $(ARGS)

exports: .venv/.ready  ## write recipes/EXPORT.md: what works in which format
	@$(PYTHON) -m recipes._runner.export_table $(ARGS)

tpu-table: .venv/.ready  ## write recipes/TPU.md: which recipes a TPU's compiler takes
	@$(PYTHON) -m recipes._runner.tpu_table $(ARGS)

# FILES are words of the shell (*.png, 'my seven.png' two.png), or the name of one file with spaces in it.
# Static, as above.
predict-%: .venv/.ready  ## a trained recipe on your files or folders: FILES="a.png pictures" ARGS="--csv out.csv"
$(filter predict-%,$(MAKECMDGOALS)): predict-%: .venv/.ready
	@files=$(call quoted,$(FILES)); \
	if test -e "$$files"; then set -- "$$files"; else eval "set -- $$files"; fi; \
	$(PYTHON) -m recipes predict $* "$$@" $(ARGS)

test: .venv/.ready  ## what shows that it works here, in minutes on two cores, without a network
	@$(PYTHON) -m pytest -q -n 2 --dist loadgroup -m "not slow and not full" --durations 10 $(ARGS)

test-all: .venv/.ready  ## the same, and every recipe in full: what CI runs
	@$(PYTHON) -m pytest -q -n 2 --dist loadgroup -m "not slow" --durations 10 $(ARGS)

test-slow: .venv/.ready  ## kills, resumes, copies in fresh environments, learnable stand-ins
	@$(PYTHON) -m pytest -q -m slow --timeout 1800 $(ARGS)

test-backends: .venv/.ready  ## the layers on JAX and PyTorch; after make setup EXTRAS=jax,torch
	@KERAS_BACKEND=jax $(PYTHON) -m pytest -q tests/layers $(ARGS)
	@KERAS_BACKEND=torch $(PYTHON) -m pytest -q tests/layers $(ARGS)

lint: .venv/.ready  ## ruff, as CI runs it
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .

bench-mnist: .venv/.ready  ## how long cnn_mnist and two well-known examples take to 99 percent
	@$(PYTHON) benchmarks/bench_mnist.py $(ARGS)

bench-architectures: .venv/.ready  ## CPU time of our networks beside those of keras.applications
	@$(PYTHON) benchmarks/bench_architectures.py $(ARGS)

bench-equal-cost: .venv/.ready  ## CPU minutes of training of the networks compared on CIFAR-10, side by side
	@$(PYTHON) benchmarks/bench_equal_cost.py $(ARGS)

bench-devices: .venv/.ready  ## training and inference of published networks on this machine's device, by precision
	@$(PYTHON) -m benchmarks.bench_devices $(ARGS)

bench-search: .venv/.ready  ## what a search costs beyond its trials, by their number and the workers'
	@$(PYTHON) benchmarks/bench_search.py $(ARGS)

bench-autokeras: .venv/.ready  ## the automl recipes beside AutoKeras in equal time; EXTRAS=autokeras first
	@$(PYTHON) -m benchmarks.bench_autokeras $(ARGS)

clean:  ## remove .venv and caches; saved_models stays
	@rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache
	@find recipes layers tests -name __pycache__ -prune -exec rm -rf {} +
