# Everything is run by `make <target>`; `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
SPARK := .venv/.spark
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help venv demo pipeline test test-fast lint format lock kills wheel-check clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

venv: $(READY) ## make .venv from the lock

$(READY): requirements.lock pyproject.toml
	@echo "installing the locked environment into .venv (a minute or two) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip --quiet --disable-pip-version-check install --require-hashes --no-deps -r requirements.lock
	@$(BIN)/pip --quiet --disable-pip-version-check install --no-deps --no-build-isolation --editable .
	@touch $@

$(SPARK): tests/requirements-spark.lock $(READY)
	@echo "installing Spark, which only its own tests need ..."
	@$(BIN)/pip --quiet --disable-pip-version-check install --require-hashes --no-deps -r tests/requirements-spark.lock
	@touch $@

demo: $(READY) ## one model's life on a local Airflow, up to a gated retrain (CI=true: stop at the end)
	@$(BIN)/upkeep demo $(if $(CI),--once)

pipeline: $(READY) ## the same stages without Airflow (dvc repro)
	@$(BIN)/dvc repro

test: lint $(SPARK) ## the whole test suite, as .ci/run calls it
	@$(BIN)/python -m pytest --durations=15

test-fast: $(SPARK) ## tests without simulations, kills and a real Airflow
	@$(BIN)/python -m pytest -q -m "not slow and not kills and not e2e"

kills: $(READY) ## stages killed at many points and run again
	@$(BIN)/python -m pytest -q -s -m kills

lint: $(READY) ## style, types and layers
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY) ## rewrite the files in our style
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

wheel-check: $(READY) ## install the wheel beside Airflow in a fresh environment, and mount plugins/ instead
	@$(BIN)/python -m pytest -q tests/architecture/test_plugin_loading.py

lock: ## renew requirements.lock from pyproject.toml (needs uv)
	@uv pip compile pyproject.toml --all-extras --group dev --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --upgrade --custom-compile-command "make lock" --quiet --output-file requirements.lock \
		--no-emit-package pyspark --no-emit-package py4j
	@echo 'pyspark>=4.0,<5' | uv pip compile - --constraints requirements.lock --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --custom-compile-command "make lock" --quiet --output-file tests/requirements-spark.lock

clean: ## remove what the demo and the tests made
	@rm -rf var build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
