# The two commands of the README, and two more. Needs Python 3.11 or newer with venv and pip; nothing else.
PYTHON ?= python3
ENVIRONMENT := .venv
BIN := $(ENVIRONMENT)/bin

.PHONY: demo test slow lint clean

demo: $(ENVIRONMENT)/ready
	$(BIN)/dashpot demo

test: lint
	$(BIN)/pytest -n auto --maxprocesses 8

slow: $(ENVIRONMENT)/ready
	$(BIN)/pytest -m slow

lint: $(ENVIRONMENT)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf $(ENVIRONMENT)

$(ENVIRONMENT)/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and \
		'dashpot needs Python 3.11 or newer; try: make PYTHON=python3.11 $(MAKECMDGOALS)')"
	@echo "Installing dashpot into $(ENVIRONMENT); the first time takes a few minutes."
	$(PYTHON) -m venv $(ENVIRONMENT)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@
