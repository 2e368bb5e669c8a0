# Everything starts from a fresh clone: each target sets up what it needs first.
PYTHON ?= python3
BIN := .venv/bin
BENCH_SETS ?=
CHAOS_VARIANTS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-firebase check test test-container lint lock chaos bench bench-workouts bench-verdicts bench-speed bench-scale docs clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

setup: .venv/ready  ## .venv with everything, the pose model too

.venv/ready: setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("doThis needs Python 3.11 or newer: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv (once; a few minutes on a slow line)"
	@$(PYTHON) -m venv .venv || { echo "venv is missing: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/python -m pose.reading.model full
	@touch $@

demo: setup  ## a video in, feedback out, on the embedded backend
	@$(BIN)/dothis demo

demo-firebase: setup  ## the same against the Firestore and Cloud Storage emulators
	@$(BIN)/python -m tests.demo_firebase

check: lint  ## lint and the fast tests, in about a minute: before each commit
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not emulator" tests/pose tests/feedback tests/consumer tests/docs

test: setup  ## all tests but the long fault tests
	$(BIN)/python -m pytest -n 2 --dist worksteal --ignore tests/container tests

test-container: setup  ## the image and the compose file on a container engine; 4 to 9 minutes
	$(BIN)/python -m pytest -v tests/container

lint: setup  ## style, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: setup  ## requirements.lock: the versions of constraints.txt, with hashes, for users of pip
	$(BIN)/uv pip compile --quiet setup.cfg --extra otel --extra pubsub --constraint constraints.txt --universal \
	  --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock" --output-file requirements.lock

chaos: setup  ## kill, cut, fill up and mutate, with a seed; at most 150 minutes: make chaos CHAOS_VARIANTS=DIR
	$(BIN)/python -m tests.chaos $(if $(CHAOS_VARIANTS),--variants $(CHAOS_VARIANTS))

bench: setup  ## counts, recognition, views, angles and faults on labelled sets: make bench BENCH_SETS="DIR DIR"
	$(BIN)/python -m tests.bench.accuracy $(BENCH_SETS)
	$(BIN)/python -m tests.bench.repeated $(BENCH_SETS)
	$(BIN)/python -m tests.bench.reference $(BENCH_SETS)
	$(BIN)/python -m tests.bench.synthetic

bench-workouts: setup  ## sets of whole workouts, joined from labelled sets: make bench-workouts BENCH_SETS="DIR DIR"
	$(BIN)/python -m tests.bench.workouts $(BENCH_SETS)

bench-verdicts: setup  ## verdicts on clips that somebody labelled correct or wrong: make bench-verdicts BENCH_SETS=DIR
	$(BIN)/python -m tests.bench.verdicts $(BENCH_SETS)

bench-speed: setup  ## ratios against the plain loop: make bench-speed BENCH_SETS=DIR
	$(BIN)/python -m tests.bench.speed $(BENCH_SETS)

bench-scale: setup  ## 1 to 8 consumers by watch and by Pub/Sub, on the emulators; about 15 minutes
	$(BIN)/python -m tests.bench.scale

docs: setup  ## the pages under docs/, links checked
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	$(BIN)/mkdocs build --strict

clean:  ## everything that make made, but not data/
	rm -rf .venv build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
