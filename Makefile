# Two commands matter: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint format mutation bench bench-growth bench-outside bench-replicas pictures dashboards lock packages image-test audit sbom system-packages clean

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

mutation: $(VENV)/.installed-dev system-packages ## change every number, gate and time in the rules: do their tests notice?
	@$(BIN)/python -m tests.rules.mutation

bench: $(VENV)/.installed-dev ## ratios of two sides, measured in one run (BENCH='…': its flags)
	@$(BIN)/python -m benchmarks $(BENCH)

bench-growth: $(VENV)/.installed-dev ## how cost grows with terminals and operations: a table and docs/images/growth.svg
	@$(BIN)/python -m benchmarks.growth --picture=docs/images/growth.svg $(BENCH)

bench-outside: $(VENV)/.installed-dev ## an exporter of a thousand terminals before the simulator, from outside
	@$(BIN)/python -m benchmarks.outside $(BENCH)

bench-replicas: $(VENV)/.installed-dev system-packages ## one and three replicas on a real PostgreSQL (BENCH='10000:1000': more terminals)
	@$(BIN)/python -m benchmarks.replicas $(BENCH)

dashboards: $(VENV)/.installed-dev ## write grafana/dashboards/*.json anew from grafana/source
	@$(BIN)/python -m grafana.source

DRAWING = grafana/drawing
PROMETHEUS ?= http://localhost:9090

pictures: $(VENV)/.installed-dev ## the dashboards from PROMETHEUS=URL, into dist/pictures (npm, chromium; DRAW='--whole …')
	@test -d $(DRAWING)/node_modules || npm ci --prefix $(DRAWING) --ignore-scripts --legacy-peer-deps --no-audit --no-fund
	@npm run --silent --prefix $(DRAWING) build -- --logLevel error
	@$(BIN)/python $(DRAWING)/draw.py --prometheus=$(PROMETHEUS) --output=dist/pictures $(DRAW) grafana/dashboards/*.json

system-packages: ## what the tests need beside Python; installs only as root
	@tests/system-packages.sh

format: $(VENV)/.installed-dev ## put the code into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

LOCK = $(PYTHON) -m uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-strip-extras

lock: ## resolve the dependencies anew into the lock files
	$(PYTHON) -m pip install --quiet uv
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) -c requirements.lock --group build -o requirements-build.lock
	$(LOCK) -c requirements.lock --group build --extra dev pyproject.toml -o requirements-dev.lock

packages: $(VENV)/.installed ## wheel and sdist into dist
	@$(BIN)/python -m hatchling build -d dist

image-test: ## build the image and run it with a read-only root (root, buildah; STAND_IN=1 without docker.io)
	@$(PYTHON) tests/deploy/try_image.py

AUDITED = requirements.lock requirements-build.lock

audit: ## known vulnerabilities of what is locked, asked of the package index
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check 'pip-audit>=2.9' \
		|| { echo 'audit: not done: pip-audit could not be installed' >&2; exit 2; }
	@$(VENV)/audit/bin/pip-audit --strict --require-hashes --disable-pip $(addprefix -r ,$(AUDITED)) $(AUDIT_FLAGS) \
		|| { echo 'audit: failed: vulnerable, or not all could be looked up (offline?); see above' >&2; exit 1; }

sbom: ## what the exporter is made of, as CycloneDX, into dist
	@$(PYTHON) deploy/sbom.py dist/epay-exporter.cdx.json

clean: ## remove the environment and all that was made
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist
