# Two commands on a fresh machine: `make report` and `make test`. Both set themselves up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN ?= params/airtouch/runs/weekly.yaml
NOTEBOOKS := $(wildcard notebooks/*.ipynb)
LOCKED := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
TESTS := $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder
ENGINES := $(wildcard tests/test_engines_on_*.py) tests/test_kept_parts.py tests/test_triggers_arms.py
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout 120

.PHONY: report test engines thorough lab notebooks lock clean help

help:  ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

report: $(VENV)/ready  ## render the report of RUN (the sample company's by default)
	$(BIN)/playbook report $(RUN)

test: $(VENV)/ready  ## lint, tests (a whole report by papermill among them) and the notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(TESTS) $(NBVAL) tests notebooks/0_start_here.ipynb

thorough: $(VENV)/ready  ## what takes minutes more: long draws, and every notebook by nbval
	$(BIN)/pytest -n auto --dist worksteal -m thorough
	$(TESTS) $(NBVAL) notebooks

engines: $(VENV)/engines  ## the same numbers on Spark (which needs Java) and on ClickHouse
	$(TESTS) -rs $(ENGINES)

lab: $(VENV)/ready  ## open the notebooks
	$(BIN)/jupyter lab notebooks

notebooks: $(VENV)/ready  ## run the notebooks again and store their outputs, byte for byte
	$(BIN)/python -m tests.rebuild $(NOTEBOOKS)

lock: $(VENV)/ready  ## choose the newest versions that the bounds allow
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --upgrade $(LOCKED) \
		--output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra engines --upgrade $(LOCKED) \
		--constraint requirements.lock --output-file requirements-engines.lock

clean:  ## remove the environment and everything that was made
	rm -rf $(VENV) .demo .pytest_cache .ruff_cache .hypothesis

$(VENV)/engines: requirements-engines.lock $(VENV)/ready
	@echo "Adding Spark and ClickHouse to $(VENV) (a gigabyte) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/ready: requirements.lock
	@echo "Setting up $(VENV) (about a minute) ..."
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
