# What is done often, one word each; `make` alone lists them. Nothing needs to be installed or activated
# before: a target makes the virtual environment it runs in.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Threads that wait shall sleep: two workers with two threads each would burn both cores by waiting.
PYTEST := OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest
# An editable install sees changed Python at once, changed C++ and entry points only when done again.
INSTALLED := pyproject.toml CMakeLists.txt $(shell find csrc -name '*.cpp' -o -name '*.hpp' -o -name CMakeLists.txt)

.DEFAULT_GOAL := help
.PHONY: help demo test slow bench lint format docs clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1@\2/p' $(MAKEFILE_LIST) | column -t -s @ 2>/dev/null \
	|| sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1  \2/p' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## set everything up, then encode, decode and check a real clip, and write demo-out/index.html
	$(BIN)/nvczoo demo

test: $(VENV)/.dev ## set everything up and run the tests, but for the slow ones
	$(PYTEST) -n $(WORKERS) -m "not slow"

slow: $(VENV)/.dev ## run the tests that take minutes
	$(PYTEST) -n $(WORKERS) -m slow

bench: $(VENV)/.dev ## measure speeds, each as a ratio to a peer in the same run
	$(PYTEST) benchmarks --benchmark-only

lint: $(VENV)/.dev ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(VENV)/.dev ## bring the code into the form that `lint` asks for
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev ## build the documentation in docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

clean: ## remove all that these targets made
	rm -rf $(VENV) build dist demo-out docs/_build .pytest_cache .ruff_cache .hypothesis .benchmarks

$(VENV)/.demo: $(INSTALLED) | $(BIN)/python
	$(PIP) install --editable .
	touch $@

$(VENV)/.dev: $(INSTALLED) | $(BIN)/python
	$(PIP) install --editable '.[dev]'
	touch $@ $(VENV)/.demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'nvczoo needs Python 3.11 or newer. Name one: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' || { \
	  echo 'Python lacks the modules or headers to build with. On Debian and Ubuntu:' >&2; \
	  echo '  sudo apt install build-essential git python3-dev python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
