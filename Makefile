# Two commands on a fresh machine: `make report` and `make test`. Both set themselves up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN ?= params/airtouch/runs/weekly.yaml
NOTEBOOKS := $(wildcard notebooks/*.ipynb)
TESTS := $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout 120

.PHONY: report test thorough lab notebooks lock clean help

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

lab: $(VENV)/ready  ## open the notebooks
	$(BIN)/jupyter lab notebooks

notebooks: $(VENV)/ready  ## run the notebooks again and store their outputs, byte for byte
	$(BIN)/python -m tests.rebuild $(NOTEBOOKS)

lock: $(VENV)/ready  ## choose the newest versions that the bounds allow
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--upgrade --generate-hashes --no-header --no-annotate --output-file requirements.lock

clean:  ## remove the environment and everything that was made
	rm -rf $(VENV) .demo .pytest_cache .ruff_cache .hypothesis

$(VENV)/ready: requirements.lock
	@echo "Setting up $(VENV) (about a minute) ..."
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
