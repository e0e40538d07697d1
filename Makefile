# `make quickstart` and `make test` set everything up by themselves; they need Python 3.11 and pip.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FAULTS := kills changed_calls hostile_names full_disk threads_and_forks mutated_artifacts mutants

.PHONY: help quickstart test lint check bench faults reproduce-smoke clean

help:
	@echo "make quickstart  install, then fine-tune a real model on real data in under a minute"
	@echo "make test        install, then run tests, doctests and the README's code"
	@echo "make check       what CI runs: formatting, lint, strict types, then the tests"
	@echo "make bench       slow tests on real data, notebooks, and every program in small"
	@echo "make faults      kills, full disks, hostile names, mutated models and code: hours, goes on where it stopped"
	@echo "make reproduce-smoke   every program of a published number in small"

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[embedded,onnx,tensorboard,text,torchtext,dev]'
	@touch $@

quickstart: $(READY)
	$(BIN)/zoo quickstart

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile

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

reproduce-smoke: $(READY)
	$(BIN)/python -m scripts.reproduce

clean:
	rm -rf $(VENV) quickstart
