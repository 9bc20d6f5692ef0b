# Two commands are a promise on a machine with Python 3.11+ and make: `make run` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run test check format docs bench lock clean

run: $(STAMP)  ## start the bot; with no configuration it serves a demo on this machine
	$(BIN)/optfm-bot run

test: $(STAMP)  ## every test that this machine can run; says what it left out
	$(BIN)/python -m pytest $(ARGS)

check: $(STAMP)  ## exactly what CI checks besides the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/interrogate -q optfm_bot channels faq config

format: $(STAMP)  ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP)  ## write the tables of the documentation anew from the code
	$(BIN)/python docs/tables.py

bench: $(STAMP)  ## measure, beside bare echoes on the same fakes of Telegram and MAX, and the matcher beside usual ones
	$(BIN)/python -m benchmarks.telegram $(ARGS)
	$(BIN)/python -m benchmarks.max $(ARGS)
	$(BIN)/python -m benchmarks.matching $(MATCHING_ARGS)

lock: $(STAMP)  ## pin everything with hashes, without index addresses
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --all-extras --group dev \
		--no-emit-index-url --no-annotate --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

clean:  ## forget the virtual environment
	rm -rf $(VENV)

$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $(STAMP)
