# Everything lives in .venv at the repository root; `make setup` rebuilds it from pyproject.toml alone.
SHELL  := /bin/bash
VENV   := .venv
BIN    := $(VENV)/bin
JOBS   ?= 2
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
            $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup demo pictures test lint format check-full bench docs clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.dev ## install racemate and everything the tests need into .venv

demo: $(VENV)/.core ## one line of dosing with a picture, a first answer, a virtual population
	$(BIN)/python scripts/demo.py

pictures: demo ## the README's pictures, from the demo's
	cp out/one-line.png out/is-ketamine-an-opioid.png docs/pictures/

test: $(VENV)/.dev ## what CI runs: ruff, mypy, the tests, the docstring and page examples
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n $(JOBS)

lint: $(VENV)/.dev ## ruff (rules and format) and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev ## put the code into ruff's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check-full: $(VENV)/.dev ## every test, the large suites included
	$(BIN)/ruff check .
	$(BIN)/mypy
	HYPOTHESIS_PROFILE=full $(BIN)/python -m pytest -q -n $(JOBS) -m "full or not full"

bench: $(VENV)/.dev ## speed against other engines, into docs/benchmarks.md
	$(BIN)/python -m benchmarks

docs: $(VENV)/.docs ## the manual, into docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

clean: ## remove .venv and everything that was built
	rm -rf $(VENV) build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(VENV)/.core: pyproject.toml
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "racemate needs Python 3.11 or newer: install it, or say 'make PYTHON=/path/to/python3.11'" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "this Python cannot make a virtual environment: install its venv package (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@$(PIP) --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "installing racemate into $(VENV) ..."
	@$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@echo "installing what the tests need ..."
	@$(PIP) install --quiet --editable ".[dev]"
	@touch $@

$(VENV)/.docs: $(VENV)/.core
	@$(PIP) install --quiet --editable ".[docs]"
	@touch $@
