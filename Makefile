# make run      start it on http://127.0.0.1:8080 (the demo, when nothing is configured)
# make demo     start the demo whatever is configured
# make test     the whole suite          (make test ARGS="-k opt_out" for a part)
# make check    format, lint, types, import rules
# make bench    the benchmarks, one table
# make chaos    kill and break everything for 4 minutes, count what is lost   (ARGS="--seed 7")
# make eval     play scripted dialogues, count facts, leaks, calls for a person   (ARGS="-k 4")
# make screenshots   take the pictures of the desk in docs/screenshots anew
# make install  .venv with all of the above needs
# make fmt      put the code into its format
# make lock     resolve the dependencies anew    (ARGS=--upgrade for newer ones)
# make env      write .env.example from the settings

.DEFAULT_GOAL := help
.PHONY: help run demo test check bench chaos eval screenshots install fmt lock env

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# The first of these that is Python 3.11 or newer; `make PYTHON=…` chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run: .venv/.runtime
	@exec $(BIN)/ai-seller serve

demo: .venv/.runtime
	@exec $(BIN)/ai-seller demo

# The whole suite takes up to four cores; a part is sooner done by one process, which collects once.
test: .venv/.dev
	@$(BIN)/python -m pytest $(if $(ARGS),,-n auto --maxprocesses=4 --dist worksteal) $(ARGS)

check: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev
	@$(BIN)/python -m tests.benchmarks $(ARGS)

chaos: .venv/.dev
	@$(BIN)/python -m tests.chaos $(ARGS)

eval: .venv/.dev
	@$(BIN)/python -m tests.evals $(ARGS)

screenshots: .venv/.dev
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)

install: .venv/.dev

fmt: .venv/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/.dev
	$(COMPILE) $(ARGS) --extra build --output-file requirements.lock
	$(COMPILE) $(ARGS) --extra build --extra dev --constraints requirements.lock \
		--output-file requirements-dev.lock

env: .venv/.dev
	$(BIN)/python -c 'from app.config import env_example; print(env_example(), end="")' > .env.example

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "ai-seller needs Python 3.11 or newer, and none was found:" \
		"install it, or name it: make PYTHON=/path/to/python3.12 …" >&2; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "No virtual environment: on Debian or Ubuntu, apt install python3-venv" >&2; exit 1; }

# A stamp says that .venv holds what these files ask for; a newer file makes it stale.
.venv/.runtime: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing what it runs on (the first time takes about a minute)"
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements-dev.lock pyproject.toml | .venv/bin/python
	@echo "Installing what it runs on and is tested with (the first time takes about a minute)"
	@$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch .venv/.runtime $@
