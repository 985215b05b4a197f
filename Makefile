# The one list of commands people use. `make` alone prints it.

PYTHON := .venv/bin/python
COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --quiet

.PHONY: help run reset test lint types contracts unit pg15 journeys bench format lock lock-upgrade wheel clean

help:            ## this list
	@sed -n 's/^\([a-z0-9-]*\): *## */\1\t/p' $(MAKEFILE_LIST) | expand -t 16

run:             ## start the demo municipality
	./run

reset:           ## start the demo municipality anew, its data thrown away
	./run --reset

test:            ## everything that must hold
	./test

lint:            ## ruff
	./test lint

types:           ## mypy --strict
	./test types

contracts:       ## who may import whom
	./test contracts

unit:            ## unit, integration and law tests on the embedded PostgreSQL
	./test unit

pg15:            ## the same on Debian's PostgreSQL 15
	./test pg15

journeys:        ## browser stories
	./test journeys

bench:           ## speed and size, one table (needs wrk)
	$(PYTHON) -m bench

format:          ## let ruff lay out the code and sort the imports
	.venv/bin/ruff check --select I --fix --quiet .
	.venv/bin/ruff format .

lock:            ## write the lock files after a change in pyproject.toml (needs uv)
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

lock-upgrade:    ## the newest versions that pyproject.toml allows (needs uv)
	$(COMPILE) --upgrade --output-file requirements.lock
	$(COMPILE) --upgrade --extra dev --constraint requirements.lock --output-file requirements-dev.lock

wheel:           ## build the wheel into dist/ (needs uv)
	uv build --wheel

clean:           ## remove what machines made; data under var/ stays
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} +
