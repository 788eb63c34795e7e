# Sojourn: `make run` serves it with a living demo; `make test` runs everything that CI runs.
.DEFAULT_GOAL := help
BIN := .venv/bin
DEBIAN := chromium postgresql libegl1 libgl1 libxkbcommon0 libfontconfig1 libdbus-1-3
export PIP_DISABLE_PIP_VERSION_CHECK = 1

help: ## this table
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/ready: requirements.lock
	python3 -m venv .venv
	$(BIN)/pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

browser/node_modules/.package-lock.json: browser/package-lock.json
	cd browser && npm ci --no-fund --no-audit
	@touch $@

install: .venv/ready ## the Python side in .venv

run: install ## serve on 127.0.0.1:8321 with a demo shop that feeds it
	$(BIN)/sojourn demo

check: install ## formatter, linter, strict types, contracts between the rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

browser-test: browser/node_modules/.package-lock.json ## types, rules and size of the browser SDK, in Node
	cd browser && npm test

system: ## what the tests need of Debian: a browser, PostgreSQL, the libraries of Qt
	@if ! dpkg -s $(DEBIAN) >/dev/null 2>&1; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(DEBIAN) >/dev/null; fi

# A browser, four databases and killed processes share two cores: what fails once is tried again, and told.
test: system check browser-test ## every test
	$(BIN)/pytest --reruns 2

nightly: system install ## the law with ten times as many random histories
	SOJOURN_HISTORIES=2000 $(BIN)/pytest tests/store tests/summaries tests/rules tests/ledger tests/cluster

bench: install ## measure beside the raw engine and the peers; see benchmarks/README.md
	$(BIN)/python -m benchmarks

screenshots: system install ## every page at two widths, light and dark, into docs/screenshots
	$(BIN)/python -m tests.pages.screenshots

lock: ## write requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --all-extras --group dev --group clients --group peers --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.lock

.PHONY: help install run check browser-test system test nightly bench screenshots lock
