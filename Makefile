# Two commands matter: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench lock system-packages clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check
ITSELF := $(INSTALL) --no-deps --no-build-isolation --editable .

$(VENV)/.installed: pyproject.toml requirements.lock requirements-build.lock
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements.lock -r requirements-build.lock
	$(ITSELF)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml requirements-dev.lock
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements-dev.lock
	$(ITSELF)
	@touch $@ $(VENV)/.installed

demo: $(VENV)/.installed ## the exporter against the built-in bank simulator, until interrupted
	@$(BIN)/epay-exporter demo

lint: $(VENV)/.installed-dev ## style, types, layers, Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

test: $(VENV)/.installed-dev system-packages lint ## everything: lint, unit, integration, end to end
	$(BIN)/pytest --cov --cov-report=

bench: $(VENV)/.installed-dev ## ratios of two sides, measured in one run
	@$(BIN)/python -m benchmarks

system-packages: ## what the tests need beside Python; installs only as root
	@tests/system-packages.sh

format: $(VENV)/.installed-dev ## put the code into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

LOCK = $(PYTHON) -m uv pip compile --quiet --universal --generate-hashes --no-emit-index-url

lock: ## resolve the dependencies anew into the lock files
	$(PYTHON) -m pip install --quiet uv
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) -c requirements.lock --group build -o requirements-build.lock
	$(LOCK) -c requirements.lock --group build --extra dev pyproject.toml -o requirements-dev.lock

clean: ## remove the environment and all that was made
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist
