# SEGS. `make run` and `make test` set up whatever is missing by themselves; `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8080
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test setup setup-dev lint format check-sql check-python types unit integration e2e test-hostile test-containers openapi schema bench lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

run: setup ## Install what is needed and run the whole platform with a simulated grid (Ctrl-C stops it)
	@exec $(BIN)/segs up --port $(PORT)

test: setup-dev ## Install what is needed and run every check and test
	@exec $(BIN)/python -m tests $(PYTEST_ARGS)

setup: ## Install what running needs: the Python environment and the server programs
	@$(PYTHON) -m stack.bootstrap
	@$(BIN)/python -m stack.runtime

setup-dev: ## Install what developing needs too: checkers and test tools
	@$(PYTHON) -m stack.bootstrap dev
	@$(BIN)/python -m stack.runtime

lint: check-python types check-sql ## Every static check

check-python: setup-dev
	@echo "ruff ..." && $(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .

types: setup-dev
	@echo "mypy --strict ..." && $(BIN)/mypy

check-sql: setup-dev
	@echo "sqlfluff ..." && $(BIN)/sqlfluff lint --disable-progress-bar --processes 2 db

format: setup-dev ## Rewrite Python in the one format
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

unit: setup-dev ## Tests that need no server
	@exec $(BIN)/python -m pytest tests/unit $(PYTEST_ARGS)

integration: setup-dev ## Tests against real servers, one test database each
	@exec $(BIN)/python -m pytest tests/db tests/integration $(PYTEST_ARGS)

e2e: setup-dev ## End to end and fault tests
	@exec $(BIN)/python -m pytest tests/e2e tests/faults $(PYTEST_ARGS)

test-hostile: setup-dev ## Send what an attacker would, and measure what it costs
	@exec $(BIN)/python -m pytest tests/hostile $(PYTEST_ARGS)

openapi: setup-dev ## Write the API reference's document again, from the database's comments
	@WRITE_OPENAPI=1 $(BIN)/python -m pytest -q tests/integration/test_reference.py -k what_the_database_says

schema: setup-dev ## Write db/schema.sql again: all tables on one page
	@WRITE_SCHEMA=1 $(BIN)/python -m pytest -q tests/db/test_schema_page.py

test-containers: setup-dev ## Build the images and run compose.yaml in containers (starts an engine if none runs)
	@exec $(BIN)/python -m pytest tests/containers $(PYTEST_ARGS)

bench: setup-dev ## Measure this machine
	@exec $(BIN)/python -m bench $(BENCH_ARGS)

lock: setup-dev ## Resolve pyproject.toml into the lock files again
	@stack/lock.sh
	@echo "requirements.lock and requirements-dev.lock are written"

clean: ## Remove the environment and caches of this checkout (not data, not the shared runtime)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
