# One command each; `make help` lists them. Everything is installed into .venv from a list locked with hashes.
SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8866
DEMO ?= demo
BIN := .venv/bin
INSTALLED := .venv/.installed
TESTABLE := .venv/.testable
LOCKED := requirements/locked.txt
TESTED := requirements/test.txt
LOCKING := --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --generate-hashes \
	--no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help install demo lab test test-long lint format bench lock clean

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 12

$(INSTALLED): $(LOCKED) requirements/uv.txt pyproject.toml hatch_build.py
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; $(PYTHON) is older. Name another: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up .venv (a minute the first time)"
	@"$(PYTHON)" -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@# uv is several times faster; pip follows for whoever reaches packages only through pip's own settings.
	@# Compiled here, because the kernels that show pages may write nothing and would compile everything anew each time.
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(LOCKED) || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCKED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q workbench widgets
	@touch $@

$(TESTABLE): $(INSTALLED) $(TESTED)
	@echo "Adding what the tests and benchmarks need"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(TESTED) || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(TESTED)
	@touch $@

install: $(INSTALLED) ## Set up .venv with the workbench in it (.venv/bin/workbench)

demo: $(INSTALLED) ## Make the demo workspace and serve its review at http://127.0.0.1:$PORT/ until Ctrl-C
	@exec $(BIN)/workbench demo "$(DEMO)" --port "$(PORT)"

lab: $(INSTALLED) ## Open JupyterLab on the demo workspace
	@$(BIN)/workbench demo "$(DEMO)" --no-serve
	@exec $(BIN)/workbench lab --workspace "$(DEMO)"

test: $(TESTABLE) ## Run all tests
	@$(BIN)/python -m pytest -m "not long"

test-long: $(TESTABLE) ## Run the tests that take longer than the suite may
	@$(BIN)/python -m pytest -m long

lint: $(TESTABLE) ## Check style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(TESTABLE) ## Format the code
	@$(BIN)/ruff check --fix --exit-zero .
	@$(BIN)/ruff format .

bench: $(TESTABLE) ## Measure against floors and peers, and print the ratios
	@for each in benchmarks/bench_*.py; do $(BIN)/python "$$each" || exit 1; done

lock: $(TESTABLE) ## Renew the locked lists from pyproject.toml
	@$(BIN)/uv pip compile $(LOCKING) --all-extras pyproject.toml -o $(TESTED)
	@$(BIN)/uv pip compile $(LOCKING) --constraint $(TESTED) --extra lab --extra sql --extra otlp --extra build \
		pyproject.toml -o $(LOCKED)

clean: ## Remove .venv, the demo workspace and what tools left
	@rm -rf .venv "$(DEMO)" dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
