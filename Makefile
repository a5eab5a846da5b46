# Everything a checkout needs. The recipes are plain sh; the environment lives in .venv and stamps there keep a warm call free.

.DEFAULT_GOAL := help
# Hundreds of processes start in a run of the tests: compiling everything again in each takes more time than the tests.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help install run test check long bench pictures lock clean

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_INSTALL := $(UV) pip install --quiet --python $(BIN)/python
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.core ## make .venv with all that `make run` needs

run: $(VENV)/.core ## start everything and print the sign-in link (ARGS="--port 0 --no-examples")
	@exec $(BIN)/switchyard up $(ARGS)

test: $(VENV)/.dev ## run the tests on SQLite and PostgreSQL and in Chromium (ARGS="tests/store -k claim")
	@sh tests/fetch_chromium.sh
	@sh tests/run.sh $(ARGS)

check: $(VENV)/.dev ## lint, format, types, import contracts and the laws of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/house

long: $(VENV)/.dev ## run the long proofs: many kills, soak, millions of operations
	@sh tests/fetch_chromium.sh
	$(BIN)/python -m pytest -m long -o faulthandler_timeout=0 $(ARGS)

bench: $(VENV)/.dev ## measure, and write .bench/results.json (ONLY="claim git" picks by name)
	@$(BIN)/python -m tests.bench $(ONLY)

pictures: $(VENV)/.dev ## take pictures of every page, wide and narrow, light and dark, into .pictures/
	@sh tests/fetch_chromium.sh
	@$(BIN)/python -m tests.web.pictures

lock: $(VENV)/.dev ## resolve the lock files again from pyproject.toml (ARGS="--upgrade")
	$(COMPILE) --extra examples pyproject.toml --output-file requirements.lock $(ARGS)
	$(COMPILE) --extra examples --extra dev pyproject.toml --output-file requirements-dev.lock $(ARGS)
	$(COMPILE) --group pyproject.toml:installer --output-file requirements-uv.lock $(ARGS)

clean: ## remove .venv, caches and bench results; a data directory is never touched
	rm -rf $(VENV) .bench .pictures .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first Python that is new enough and can make an environment; failing that, the sentence that says what to install.
$(VENV)/.uv: requirements-uv.lock
	@echo "Setting up $(VENV) …" >&2
	@newest=; for python in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
		command -v "$$python" >/dev/null && "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		newest=$${newest:-$$python}; \
		"$$python" -c 'import ensurepip' 2>/dev/null || continue; \
		exec "$$python" -m venv $(VENV); \
	done; \
	if [ -z "$$newest" ]; then echo "Switchyard needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python" >&2; \
	else "$$newest" -c 'import sys; print("Python has no ensurepip. As root: apt-get install python%d.%d-venv" % sys.version_info[:2])' >&2; \
	fi; exit 1
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --root-user-action=ignore \
		--require-hashes -r requirements-uv.lock
	@touch $@

# Adds and never removes: after `make test` the same .venv serves `make run`, because both locks agree on every version.
$(VENV)/.core: $(VENV)/.uv requirements.lock pyproject.toml
	@$(UV_INSTALL) --require-hashes --compile-bytecode -r requirements.lock
	@$(UV_INSTALL) --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.uv requirements-dev.lock pyproject.toml
	@echo "Setting up $(VENV) for development …" >&2
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements-dev.lock
	@$(UV_INSTALL) --no-deps --editable .
	@touch $(VENV)/.core $@
