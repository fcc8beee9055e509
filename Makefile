# The portal's commands. `make help` lists them. Each installs what it needs, into .venv and, for the tests, from Debian.

SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
STATE ?=

VENV := .venv
BIN := $(VENV)/bin
UV := VIRTUAL_ENV=$(VENV) $(BIN)/uv

# a path as one word of the shell; "~" is expanded still
path = $(subst $() ,\ ,$(1))
# of another project, if they are set
unexport DJANGO_SETTINGS_MODULE PROMETHEUS_MULTIPROC_DIR
# kept modules: each process that the portal or a test starts would compile them all anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo run account portal-check test check lint types contracts django-checks bench kills lock schema access audit screenshots clean
.DEFAULT_GOAL := help

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: $(VENV)/.runtime $(VENV)/.provider ## the portal on a simulated fleet, at http://127.0.0.1:8000/ (PORT=, STATE=, SEED=, CLUSTERS=, APPLICATIONS=, ALERTS=)
	@exec $(BIN)/python -m stonesoup_portal.supervisor --demo --port $(PORT) --state $(call path,$(or $(STATE),state/demo)) $(if $(SEED),--seed $(SEED)) \
	  $(if $(CLUSTERS),--clusters $(CLUSTERS)) $(if $(APPLICATIONS),--applications $(APPLICATIONS)) $(if $(ALERTS),--alerts $(ALERTS))

run: $(VENV)/.runtime ## the portal on your own fleet, on loopback: make run FLEET=fleet.yaml (PORT=, STATE=)
	@test -n "$(FLEET)" || { echo "Say which fleet file: make run FLEET=fleet.yaml"; exit 2; }
	@exec $(BIN)/python -m stonesoup_portal.supervisor --fleet $(call path,$(FLEET)) --port $(PORT) --state $(call path,$(or $(STATE),state/run))

account: $(VENV)/.runtime ## a local account for make run: make account NAME=you ROLE=admin (STATE=)
	@test -n "$(NAME)" || { echo "Say for whom: make account NAME=you ROLE=viewer|responder|approver|admin"; exit 2; }
	@PORTAL_STATE=$(call path,$(or $(STATE),state/run)) $(BIN)/python manage.py migrate --verbosity 0
	@PORTAL_STATE=$(call path,$(or $(STATE),state/run)) $(BIN)/python manage.py portal_account $(NAME) --role $(or $(ROLE),viewer)

portal-check: $(VENV)/.runtime ## try every source of a fleet file: make portal-check FLEET=fleet.yaml
	@$(BIN)/python manage.py portal_check --fleet $(call path,$(FLEET))

test: $(VENV)/.dev ## all tests (ARGS= for pytest)
	@bash scripts/servers-for-tests
	@$(MAKE) --no-print-directory $(VENV)/.provider || echo "Tests that sign in there will say that they were left out."
	@$(BIN)/python -m pytest --numprocesses=2 --dist=loadscope --no-loadscope-reorder $(ARGS)

check: lint types contracts django-checks test ## lint, types, import contracts, Django's checks, tests: what CI runs

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

django-checks: $(VENV)/.dev
	@bash scripts/django-checks

bench: $(VENV)/.dev $(VENV)/.provider ## figures on 5,000 applications, 2,000 alerts, 100 clusters (PARTS=, ARGS=, BENCH_JSON=file)
	@$(BIN)/python -m bench $(PARTS) $(ARGS)

kills: $(VENV)/.dev $(VENV)/.provider ## kill the portal's processes while people act, and compare with what Argo CD got (ROUNDS=1000, SEED=)
	@$(BIN)/python -m bench.kills --rounds $(or $(ROUNDS),1000) $(if $(SEED),--seed $(SEED))

schema: $(VENV)/.runtime ## docs/configuration.md and docs/fleet.schema.json from the models
	@$(BIN)/python manage.py portal_schema

access: $(VENV)/.dev ## docs/access.md from the table that the tests go through
	@$(BIN)/python -m tests.access_table > docs/access.md

audit: $(VENV)/.dev ## licences, bill of materials (state/audit/sbom.cdx.json) and known weaknesses of the locked packages (AUDIT_OSV_URL=)
	@$(BIN)/python -m scripts.audit

screenshots: $(VENV)/.dev $(VENV)/.provider ## docs/screenshots from a running demo
	@$(BIN)/python -m scripts.screenshots

lock: $(VENV)/bin/uv ## the lock files from pyproject.toml
	$(UV) pip compile --quiet --universal --generate-hashes --no-annotate pyproject.toml -o requirements.lock --custom-compile-command "make lock"
	$(UV) pip compile --quiet --universal --generate-hashes --no-annotate pyproject.toml --group dev -o requirements-dev.lock --custom-compile-command "make lock"
	$(UV) pip compile --quiet --universal --generate-hashes --no-annotate --group demo -o requirements-demo.lock --custom-compile-command "make lock"

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making $(VENV) …"
	@$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.runtime: requirements.lock $(VENV)/bin/uv
	@echo "Installing packages from requirements.lock …"
	@$(UV) pip install --quiet --require-hashes -r requirements.lock && touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/bin/uv
	@echo "Installing packages from requirements-dev.lock …"
	@$(UV) pip install --quiet --require-hashes -r requirements-dev.lock && touch $@ $(VENV)/.runtime

$(VENV)/.provider: requirements-demo.lock demo_provider/package-lock.json $(VENV)/bin/uv
	@echo "Installing the demo's OpenID provider …"
	@$(UV) pip install --quiet --require-hashes -r requirements-demo.lock
	@bash scripts/provider-packages $(BIN)/python && touch $@

clean: ## remove what the commands made, but not the state
	rm -rf $(VENV) demo_provider/node_modules .mypy_cache .ruff_cache .pytest_cache staticfiles
