# The only door to the tools. `make` alone shows what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
GATED := src/payment_service/domain/*,src/payment_service/flows/*
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help setup run check test sim mutants soak fuzz bench image docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with everything in it (quick when nothing changed)

# The first Python that is new enough: the one asked for, else a newer one beside it. The lock is
# complete, so pip has nothing to resolve: some of its versions would take a newer release for what
# is locked as soon as there is one.
$(STAMP): requirements/dev.txt pyproject.toml
	@set -e; \
	for candidate in "$(PYTHON)" python3.14 python3.13 python3.12 python3.11; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    found="$$candidate"; break; \
	  fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1 || true)." >&2; \
	  echo "Install one and say which: make setup PYTHON=python3.12" >&2; \
	  exit 1; \
	fi; \
	echo "Making $(VENV) with $$found: half a minute or so."; \
	[ -x $(BIN)/python ] || "$$found" -m venv $(VENV); \
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/dev.txt; \
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps -e .; \
	touch $(STAMP)

run: setup ## Start the service, a sandbox for Stripe and a demo OrderService
	@$(BIN)/payment-service dev

check: setup ## Lint, format, types, rooms, generated pages: all that needs no running
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python docs/generate.py --check

test: setup ## Run all tests; domain and flows must be covered wholly
	@tests/e2e/get-chromium.sh
	@tests/e2e/get-compiler.sh
	$(BIN)/pytest -n 4 --dist worksteal --cov --cov-report= $(ARGS)
	$(BIN)/coverage report --include='$(GATED)' --fail-under=100

sim: setup ## Run the whole crash campaign (ARGS=... to replay or to go on longer)
	$(BIN)/python -m tests.simulation.campaign $(ARGS)
	KILL_NINE_PAYMENTS=200 BURST_WEBHOOKS=10000 FLEET_S=120 $(BIN)/pytest -q -s \
	  tests/simulation/test_the_auditor_is_awake.py tests/e2e/test_kill_nine.py \
	  tests/e2e/test_webhook_burst.py tests/e2e/test_fleet.py

mutants: setup ## Plant every known mistake and see each one caught (ARGS="--only ...")
	$(BIN)/python -m tests.mutants.run $(ARGS)

soak: setup ## Let real processes live under all faults, then judge them (MINUTES=20 ARGS=--mongodb)
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),20) $(ARGS)

fuzz: setup ## Ask all that the document allows a thousand times, with strange tokens, events and bytes
	FUZZ_EXAMPLES=1000 $(BIN)/pytest -q tests/e2e/test_fuzzed_api.py tests/e2e/test_fuzzed_events.py \
	  tests/api/test_fuzzed_tokens.py tests/e2e/test_fuzzed_sockets.py \
	  tests/e2e/test_fuzzed_tokens_sent.py

bench: setup ## Measure payments, beside a bare floor (WHAT=webhooks, store, scans, fair or overload)
	$(BIN)/python -m bench.$(or $(WHAT),pay) $(ARGS)

image: setup ## Build the image on a real engine and run it as the manifests do (root, Debian)
	@tests/image/get-engine.sh
	$(BIN)/python -m tests.image

docs: setup ## Write the generated pages anew
	$(BIN)/python docs/generate.py

lock: setup ## Write the hashed locks anew from pyproject.toml
	$(COMPILE) pyproject.toml -o requirements/runtime.txt
	$(COMPILE) --extra dev pyproject.toml -o requirements/dev.txt

clean: ## Remove what was made, .venv and databases included
	rm -rf $(VENV) var build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache .coverage .coverage.* .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
