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
# Python keeps what it has compiled: torch is 3 seconds slower to import without.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help env demo comparison optics-comparison optics-memory optics-maps optics-positions optics-reconstruction test lint types layers docs unit verify-libtorch verify-report clean

help:  ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

env: $(VENV)/.installed  ## Create the environment (about 6 GB)

$(VENV)/.installed: pyproject.toml constraints.txt tests/miniatures/pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps --editable tests/miniatures
	touch $@

# A piece of a ProtoDUNE-HD face: everything as in the whole, a twelfth of the time.
DEMO := runs/demo
PIECE := --set data.options.detector.wires=200 --set data.options.detector.ticks=2000 \
	--set data.options.detector.drift_length_mm=1565
SIMULATE := $(ZOO) data simulate dnn-roi $(PIECE) --workers 2

demo: env  ## Simulate, train, judge, export, report: 10 minutes on 2 cores at most
	$(SIMULATE) --data cosmics --events 120 --seed 1 --set 'data.options.cosmics=[1,5]' --out $(DEMO)/cosmics.h5
	$(SIMULATE) --data tracks --events 66 --seed 2 --set data.options.length_mm=800 --out $(DEMO)/tracks.h5
	$(ZOO) train dnn-roi/lite-unet --data $(DEMO)/cosmics.h5 --recipe demo --out $(DEMO)/run
	$(ZOO) eval $(DEMO)/run --data $(DEMO)/tracks.h5 --split all --out $(DEMO)/tracks --beats dnn-roi/traditional:E
	$(ZOO) export $(DEMO)/run --for wirecell --data $(DEMO)/tracks.h5 --out $(DEMO)/wirecell
	$(ZOO) report $(DEMO)/tracks

comparison: env  ## Redo the comparison of the DNN-ROI talk: hours; run again to go on
	ZOO=$(ZOO) docs/benchmarks/dnn_roi_comparison.sh

optics-comparison: optics-memory optics-maps optics-positions optics-reconstruction  ## Redo what the optics page tells: many hours

optics-memory: env  ## Memory and time of a step in the talk's tank: an hour
	$(BIN)/python tests/plugins/optics/memory.py --talk
	$(BIN)/python tests/plugins/optics/memory.py

optics-maps: env  ## Networks and tables in argon and water: hours; run again to go on
	MAP=box ZOO=$(ZOO) PYTHON=$(BIN)/python docs/benchmarks/optics_maps.sh
	MAP=tank ZOO=$(ZOO) PYTHON=$(BIN)/python docs/benchmarks/optics_maps.sh

optics-positions: env  ## The talk's 2 and 125 positions: many hours; run again to go on
	ZOO=$(ZOO) docs/benchmarks/optics_positions.sh

optics-reconstruction: env  ## Points and tracks in the WCTE: half an hour; run again to go on
	ZOO=$(ZOO) docs/benchmarks/optics_reconstruction.sh

test: env  ## Lint, types, layers, docs, tests
	$(MAKE) --jobs 2 --output-sync=target lint types layers docs
	$(MAKE) unit

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
	$(BIN)/pytest -n 2 -q

# What production Wire-Cell links. It needs numpy 1, so it has an environment and pins of its own.
verify-libtorch: env .venv-libtorch/.installed  ## Load the demo's export in torch 2.1.2 and compare
	$(BIN)/python tests/verify_libtorch.py write $(DEMO)/wirecell/dnn-roi-lite-unet.ts $(DEMO)/wirecell/reference.npz
	.venv-libtorch/bin/python tests/verify_libtorch.py check $(DEMO)/wirecell/dnn-roi-lite-unet.ts $(DEMO)/wirecell/reference.npz

verify-report: env  ## Open the demo's report in headless Chromium: desktop, phone, paper
	$(BIN)/python tests/verify_report.py $(DEMO)/tracks/report.html $(DEMO)/pictures

.venv-libtorch/.installed: tests/verify_libtorch.txt
	$(PYTHON) -m venv .venv-libtorch
	PIP_CONSTRAINT=$< .venv-libtorch/bin/python -m pip install --quiet torch numpy
	touch $@

clean:  ## Remove environments, runs and build products
	rm -rf $(VENV) .venv-libtorch runs build dist docs/_build
