# Everything a contributor runs. Each target creates the environment it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := foundation vecengine storage planner sqlfront quiver

.PHONY: help install demo check format lint types imports fast test test-clients soak docs bench clean

help:
	@echo "make demo    start a server, load real vectors, search them, stop"
	@echo "make check   format, lint, types, import contract, fast tests"
	@echo "make test    the whole suite"
	@echo "make test-clients  install Debian's and npm's PostgreSQL clients, test them"
	@echo "make soak    the long tests: crash loops, fuzzing at length"
	@echo "make format  format the code"
	@echo "make docs    write the generated reference pages"
	@echo "make bench   the benchmarks"

install: $(VENV)/.stamp-dev

$(VENV)/bin/pip:
	$(PYTHON) -c 'import sys; sys.exit("Quiver needs Python 3.11 or later") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.stamp-demo: $(VENV)/bin/pip pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/.stamp-dev: $(VENV)/bin/pip pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.stamp-demo

demo: $(VENV)/.stamp-demo
	$(BIN)/quiver demo

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install
	$(BIN)/mypy

imports: install
	$(BIN)/lint-imports

fast: install
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow and not soak and not clients"

check: lint types imports fast

test: install
	$(BIN)/pytest -n 2 --dist loadfile -m "not soak and not clients"

test-clients: install
	PYTHON=$(abspath $(BIN)/python) tests/clients/install.sh
	$(BIN)/pytest -n 2 --dist loadfile -m clients tests/clients

soak: install
	$(BIN)/pytest -m soak

docs: install
	$(BIN)/python -m quiver.reference docs/settings.md

bench: install
	@ls benchmarks/*/*.py

clean:
	rm -rf $(VENV) build dist *.egg-info tests/clients/node/node_modules .mypy_cache .ruff_cache .pytest_cache
