# make demo     run one commune's round of 2022 into out/demo (installs what the engine needs to run)
# make test     everything: system packages, environment, checks, tests
# make check    lint, format, types and layers; the last two on the built wheel
# make docs     build the documentation site into build/docs
# make bench    measure, in an environment of its own
# make release  sdist, wheel, bill of materials (CycloneDX) and checksums in dist/
# make audit    ask the advisory database about what the wheel needs (needs the network; says so when there is none)
# make clean    remove all that this file makes

PYTHON ?= python3
WORKERS ?= 2

VENV := .venv
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
BENCH := build/bench-venv
AUDIT := build/audit-venv
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test check bench docs release audit clean

demo: $(RUNTIME)
	$(VENV)/bin/rasoat demo --out out/demo

test: $(DEV)
	tools/ensure_system.sh postgres curl
	$(MAKE) check
	$(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadgroup

check: $(DEV)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/python tools/check_wheel.py

bench: $(BENCH)/.ready
	$(BENCH)/bin/python -m benchmarks

docs: $(DEV)
	$(VENV)/bin/python -m sphinx -q -W --keep-going -b html docs build/docs

release: $(DEV)
	rm -rf dist
	$(VENV)/bin/python -m tools.release dist

audit: $(AUDIT)/.ready release
	$(VENV)/bin/python -m tools.audit $(AUDIT)/bin/pip-audit dist/*.whl

clean:
	rm -rf $(VENV) build dist out rasoat.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	PYTHON=$(PYTHON) tools/ensure_system.sh venv
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(VENV)/bin/python $(PIP_INSTALL) --editable .
	touch $@

$(DEV): pyproject.toml constraints.txt tests/conformance-requirements.txt | $(VENV)/bin/python
	$(VENV)/bin/python $(PIP_INSTALL) --editable '.[dev]'
	$(VENV)/bin/python $(PIP_INSTALL) --no-deps --requirement tests/conformance-requirements.txt
	touch $@ $(RUNTIME)

$(BENCH)/.ready: pyproject.toml constraints.txt $(wildcard benchmarks/requirements.txt)
	PYTHON=$(PYTHON) tools/ensure_system.sh venv postgres
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python $(PIP_INSTALL) --editable '.[postgres]' $(addprefix --requirement ,$(wildcard benchmarks/requirements.txt))
	touch $@

$(AUDIT)/.ready: | $(VENV)/bin/python
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.9'
	touch $@
