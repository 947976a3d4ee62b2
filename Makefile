# Everything a newcomer needs: `make demo` shows the product, `make test` proves the checkout.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ZOO := $(BIN)/zoo
# Build environments obey these pins too, and no configured constraint file overrides them.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# One thread per process: workers and test processes share the cores already.
export OMP_NUM_THREADS ?= 1

.PHONY: help env demo test lint types layers docs unit verify-libtorch clean

help:  ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

env: $(VENV)/.installed  ## Create the environment (about 6 GB)

$(VENV)/.installed: pyproject.toml constraints.txt tests/miniatures/pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable tests/miniatures
	touch $@

test: lint types layers docs unit  ## Lint, types, layers, docs, tests

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env
	$(BIN)/mypy

layers: env
	PYTHONPATH=plugins:tests/miniatures $(BIN)/lint-imports

docs: env
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

unit: env
	$(BIN)/pytest -n 2 --dist loadgroup -q

clean:  ## Remove environments, runs and build products
	rm -rf $(VENV) .venv-libtorch runs build dist docs/_build
