# Sojourn: `make run` serves it with a living demo; `make test` runs everything CI runs.
PY := .venv/bin/python
.DEFAULT_GOAL := help

help:            ## this table
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

.venv/ready: requirements.lock pyproject.toml
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

install: .venv/ready  ## the Python side in .venv

run: install     ## serve on 127.0.0.1:8321 with a demo shop that feeds it
	.venv/bin/sojourn demo

check: install   ## formatter, linter, strict types, contracts between the rooms
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

test: check      ## every test
	.venv/bin/pytest

bench: install   ## measure, beside the raw engine and the peers; see benchmarks/README.md
	$(PY) -m benchmarks

lock:            ## write requirements.lock anew from pyproject.toml
	uv pip compile pyproject.toml --all-extras --group dev --group clients --group peers \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --output-file requirements.lock

.PHONY: help install run check test bench lock
