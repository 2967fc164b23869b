# Two commands do everything on a fresh Debian 12 as root: `make demo` and `make test`.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PY := .venv/bin/python
SUITE := $(PY) tests/suite.py

.PHONY: help demo test test-full unit component cluster nodes e2e bench lint format release microbosh image chart crds docs site cluster-up cluster-down clean lock

help: ## this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.ready: requirements-dev.lock pyproject.toml
	@echo "== virtual environment (pinned by hash; a minute or two)"
	@python3 -c 'import ensurepip' 2>/dev/null || { apt-get -qq update && apt-get -qq install -y --no-install-recommends python3-venv; }
	python3 -m venv .venv
	.venv/bin/pip install --quiet --require-hashes -r requirements-dev.lock
	.venv/bin/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: .venv/.ready ## bring up a cluster and take one machine through its life, narrated
	$(SUITE) demo

test: .venv/.ready ## everything: lint, unit, component, cluster and end-to-end tests
	$(SUITE) lint unit component live

test-full: .venv/.ready ## as test, with the long matrices
	$(SUITE) --full lint unit component live bench

unit: .venv/.ready ## pure tests (seconds)
	$(SUITE) unit

component: .venv/.ready ## real CPI processes against the stand-ins (no cluster)
	$(SUITE) component

cluster: .venv/.ready ## tests on the test cluster, which is brought up if need be
	$(SUITE) cluster

nodes: .venv/.ready ## placement and the loss of nodes, on a cluster of three that it makes and removes
	$(SUITE) nodes

e2e: .venv/.ready ## create-env lives; with BOSH_CLI and BOSH_AGENT by the real client and agent
	$(SUITE) e2e

bench: .venv/.ready ## ratios, measured side by side in one run
	$(SUITE) bench

lint: .venv/.ready ## ruff, mypy, shellcheck
	$(SUITE) lint

format: .venv/.ready ## let ruff format the code
	.venv/bin/ruff format cpi operator docs tests
	.venv/bin/ruff check --fix cpi operator docs tests

release: .venv/.ready ## the BOSH release tarball, in dist/: of development, or VERSION=1.2.3 a final one
	$(PY) cpi/release/make_release.py --out dist $(if $(VERSION),--final $(VERSION)) $(if $(BLOBS),--blobs $(BLOBS))

microbosh: ## a Director on kind (docs/microbosh.md): needs docker, kind, kubectl, helm, bosh, and the internet
	cpi/release/microbosh/microbosh check
	$(MAKE) $(if $(CPI_RELEASE),.venv/.ready,release)
	cpi/release/microbosh/microbosh up

image: .venv/.ready ## the operator's container image, in the test cluster's engine
	$(SUITE) image

chart: .venv/.ready ## check the chart and package it, in dist/
	$(SUITE) chart

crds: ## copy crds/*.yaml into the chart
	charts/sync-crds.sh

site: .venv/.ready ## the pages of docs/ as a site, in build/site
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build  # with --quiet it would not see its own warnings

docs: .venv/.ready ## write the tables of docs/ that the code decides
	$(PY) docs/tables.py

cluster-up: ## bring up the test cluster and leave it running
	python3 tests/cluster/kind/cluster.py up

cluster-down: ## remove the test cluster
	python3 tests/cluster/kind/cluster.py down

clean: ## remove the test cluster, its engine, the virtual environment and what was built (caches stay: see cluster.py clean --help)
	python3 tests/cluster/kind/cluster.py down || true
	python3 tests/cluster/kind/cluster.py clean || true
	rm -rf .venv build dist

lock: ## pin the newest dependencies anew (needs pip-tools)
	pip-compile --quiet --extra dev --extra operator --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras --allow-unsafe --build-deps-for editable --output-file requirements-dev.lock pyproject.toml
	pip-compile --quiet --extra operator --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras --constraint requirements-dev.lock --output-file operator/requirements.lock pyproject.toml
