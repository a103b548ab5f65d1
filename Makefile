# One word per task; `make help` lists them. Needs bash, GNU make and Python 3.11 or newer, and puts everything into .venv.

SHELL := bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

# What `make run` serves, and where: REGION=path/to/pack PORT=8080 HOST=0.0.0.0
REGION ?=
HOST   ?= 127.0.0.1
PORT   ?= 8050
# More for pytest or for the benchmark: make test ARGS="tests/layers -k wilson"
ARGS   ?=

BIN := .venv/bin

# The stamps say what is installed. A folder that was moved or copied is installed again: the commands in .venv know their path.
ifneq ($(shell cat .venv/installed-in 2>/dev/null),$(CURDIR))
.venv/installed .venv/installed-dev: moved
endif

.PHONY: help install install-dev run test test-postgres kills disclosure-attack bench slow-clients expensive-questions soak lint format demo sbom lock clean moved

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

install: .venv/installed ## set up what is needed to serve; leaves the command at .venv/bin/commonground

install-dev: .venv/installed-dev ## set up what is needed to change it as well

run: install ## serve the demonstration region, or REGION=path, on http://127.0.0.1:8050 (PORT=n, HOST=h)
	@$(if $(REGION),COMMONGROUND_REGION="$(REGION)") exec "$(BIN)/commonground" serve --host "$(HOST)" --port "$(PORT)"

test: install-dev ## run every test, the browser's too (ARGS="..." goes to pytest)
	@tools/browser.sh
	"$(BIN)/python" -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

test-postgres: install-dev ## run the tests of store, accounts, publishing and API on a PostgreSQL of their own (ARGS="...")
	tools/postgres.sh env COMMONGROUND_TEST_DATABASES=postgres "$(BIN)/python" -m pytest -n auto --maxprocesses 4 --dist loadfile \
	    -o cache_dir=.pytest_cache/postgres tests/layers/store tests/dashboard/auth tests/dashboard/api tests/dashboard/publishing \
	    tests/dashboard/briefings/test_web.py tests/dashboard/test_audience.py tests/dashboard/test_audit.py \
	    tests/dashboard/test_published.py tests/dashboard/test_unreachable.py tests/dashboard/test_walk.py $(ARGS)

bench: install-dev ## measure the map in a real Chromium, side by side with the usual ways (ARGS="...")
	@tools/browser.sh
	"$(BIN)/python" -m benchmarks $(ARGS)

slow-clients: install-dev ## measure what eight slow clients of each kind do to everybody else, before and after (ARGS="...")
	"$(BIN)/python" -m benchmarks.slow_clients $(ARGS)

expensive-questions: install-dev ## measure how long people wait beside eight askers of expensive questions and eight slow clients (ARGS="...")
	"$(BIN)/python" -m benchmarks.expensive_questions $(ARGS)

soak: install-dev ## keep a site under load for ten minutes, publish meanwhile, kill its processes, see whether it grows (ARGS="--minutes 60")
	"$(BIN)/python" -m benchmarks.soak $(ARGS)

kills: install-dev ## kill a writer 200 times at random and check the store after each (ARGS="--kills 50 --seed 3")
	"$(BIN)/python" tools/kills.py $(ARGS)

disclosure-attack: install-dev ## publish what an attacker would like to see, and attack it (ARGS="--region PACK")
	"$(BIN)/python" tools/disclosure_attack.py $(ARGS)

lint: install-dev ## check style and formatting
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .

format: install-dev ## put formatting and the order of imports right
	"$(BIN)/ruff" check --fix .
	"$(BIN)/ruff" format .

demo: install ## make the demonstration region in data/demo again
	"$(BIN)/python" data/make_demo.py

sbom: install ## write what the program consists of to build/sbom.json (CycloneDX)
	@mkdir -p build
	"$(BIN)/python" tools/sbom.py requirements.lock > build/sbom.json

lock: install-dev ## choose the newest versions that fit pyproject.toml and write them into the two lock files
	@PYTHON="$(BIN)/python" tools/lock.sh

clean: ## remove .venv and what tools leave behind; the store and its key in var/ stay
	rm -rf .venv build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: requirements.lock pyproject.toml tools/install.sh
	@tools/install.sh requirements.lock
	@touch $@

.venv/installed-dev: requirements.lock requirements-dev.lock pyproject.toml tools/install.sh
	@tools/install.sh requirements-dev.lock
	@touch .venv/installed $@
