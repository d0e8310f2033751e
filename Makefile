# The few commands of the house. Everything is installed into .venv, from the lock files, with hashes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Twice quiet: what an index or a setting of this machine makes pip warn of, once for each package, helps nobody.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet

.PHONY: run test test-all coverage check format bench exam release-check lock clean

run: $(VENV)/runtime.stamp  ## the whole desk on this machine; Ctrl-C stops it
	@exec $(BIN)/frontdesk up $(ARGS)

# One process for each processor. Compiled tests are kept, or each run would compile them anew.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n auto --dist worksteal

test: $(VENV)/dev.stamp  ## all tests but the slow ones; what was left out and what this machine lacks is listed
	@$(PYTEST) -m "not slow" $(ARGS)

test-all: $(VENV)/dev.stamp  ## all tests, the slow ones too: kills, journeys through Postfix, a hundred agents
	@$(PYTEST) $(ARGS)

coverage: $(VENV)/dev.stamp  ## as `make test`, which takes twice as long, and which lines no test enters
	@$(PYTEST) -m "not slow" --cov $(ARGS)

check: $(VENV)/dev.stamp  ## style, types, arrows between the rooms, sizes, migrations that have landed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.sizes
	@$(BIN)/python -m tests.landed_migrations

format: $(VENV)/dev.stamp
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/dev.stamp  ## how fast it is, on this machine
	@$(BIN)/python -m benchmarks $(ARGS)

EXAMS ?= ../shared/exams

release-check: $(VENV)/dev.stamp  ## builds wheel and sdist, installs the wheel where nothing else is, and uses it
	@$(BIN)/python -m tests.release_check

exam: $(VENV)/dev.stamp  ## the examinations of the mail reader, hostile mail, faults and the categoriser, which lie outside of this repository
	@test -d $(EXAMS) || (echo "set EXAMS to the folder of the examinations"; exit 1)
	@PYTHONPATH=. $(BIN)/python $(EXAMS)/mail/exam.py --impl tests.exam_mail:parse $(ARGS)
	@$(BIN)/python -m tests.exams_cost
	@$(BIN)/python -m tests.exams_hostile $(EXAMS)/hostile
	@$(BIN)/python $(EXAMS)/faults/run_faults.py
	@PYTHONPATH=. $(BIN)/python tests/exam_classify.py $(EXAMS)/classify
	@$(BIN)/python -m benchmarks.outages

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "Frontdesk needs Python 3.11 or newer"; exit 1)
	@$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.stamp: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing what requirements.lock names into $(VENV) (once; a minute or two)"
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/runtime.stamp requirements-dev.lock
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

# Names, versions and hashes only: no address of any index may get into a lock file.
UV := env -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS -u UV_INDEX -u UV_DEFAULT_INDEX uv pip compile --no-config
LOCK := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links

lock:  ## new lock files from pyproject.toml; needs uv
	@echo 'setuptools>=77' | $(UV) $(LOCK) --upgrade --quiet --output-file requirements.lock pyproject.toml -
	@echo 'setuptools>=77' | $(UV) $(LOCK) --quiet --constraints requirements.lock --extra dev --output-file requirements-dev.lock pyproject.toml -
	@! grep -nE 'https?:|file:|^-|@' requirements.lock requirements-dev.lock

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
