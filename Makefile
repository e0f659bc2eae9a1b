# `make run` shows a whole patch run, `make test` proves it. `make help` lists the rest.
#
# Each needs Python 3.11 or later, and makes the environments that it runs in the first time (and whenever their lock has
# changed): .venv from requirements/dev.txt, .venv-sam from requirements/sam.txt, and so on. That, `sam build` and what
# talks to AWS are all that uses the network. PYTHON=/path/to/python says with which interpreter.

SCENARIO ?= happy-path
PORT     ?= 5077
SPEED    ?= 60
PYTHON   ?=

RUN := .venv/bin/python
# sam builds with the python3.13 that it finds first.
SAM := SAM_CLI_TELEMETRY=0 PATH="$(CURDIR)/.venv-lambda/bin:$$PATH" .venv-sam/bin/sam

# An environment is whole when this file in it says so; it is made last, as a copy of the lock.
INSTALLED    := installed-requirements.txt
ENVIRONMENTS := .venv .venv-aws-cli .venv-validate .venv-sam .venv-lambda
# requirements/dev.txt for .venv, requirements/sam.txt for .venv-sam.
lock          = requirements/$(or $(patsubst .venv-%,%,$(filter .venv-%,$(1))),dev).txt

SHELL := /bin/sh
.SHELLFLAGS := -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint bench serve validate build deploy lock diagram clean FORCE

# An environment whose interpreter has gone, or that was made from another lock, is made again. Contents decide, not
# times: a checkout touches files.
whole = $(shell cmp -s $(call lock,$(1)) $(1)/$(INSTALLED) && test -x $(1)/bin/python && echo whole)
$(foreach environment,$(ENVIRONMENTS),$(if $(call whole,$(environment)),,$(eval $(environment)/$(INSTALLED): FORCE)))

help: ## this list
	@echo "make run      one patch run on the embedded AWS   (SCENARIO=$(SCENARIO))"
	@echo "make test     all tests, without network"
	@echo "make lint     ruff and mypy over everything"
	@echo "make bench    how long a run takes, against the least that moto takes"
	@echo "make serve    the embedded AWS on a local port    (PORT=$(PORT) SPEED=$(SPEED))"
	@echo "make validate the templates and the state machine, linted, without network"
	@echo "make build    sam build without Docker, and tests of what it built"
	@echo "make deploy   make build, then sam deploy --guided"
	@echo "make diagram  the pictures of the state machine, in README.md and docs/"
	@echo "make lock     the requirements files, from the .in files"
	@echo "make clean    away with the environments and everything else that was generated"

run: .venv/$(INSTALLED)
	@$(RUN) -m rehearsal run --scenario "$(SCENARIO)"

test: .venv/$(INSTALLED) .venv-aws-cli/$(INSTALLED)
	@$(RUN) -m pytest -n auto --maxprocesses 8

lint: .venv/$(INSTALLED)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

bench: .venv/$(INSTALLED)
	@$(RUN) benchmarks/run.py

serve: .venv/$(INSTALLED)
	@$(RUN) -m rehearsal serve --port "$(PORT)" --speed "$(SPEED)"

validate: .venv/$(INSTALLED) .venv-validate/$(INSTALLED) .venv-sam/$(INSTALLED)
	@$(RUN) -m linting

build: .venv/$(INSTALLED) .venv-sam/$(INSTALLED) .venv-lambda/$(INSTALLED)
	$(SAM) build
	$(RUN) -m pytest tests/build

deploy: build
	$(SAM) deploy --guided

diagram: .venv/$(INSTALLED)
	@$(RUN) -m rehearsal.diagrams

lock:
	@command -v uv >/dev/null 2>&1 || { \
	  echo "expected uv to lock the requirements with, found none on the PATH; install it (https://docs.astral.sh/uv/), then run make lock again" >&2; \
	  exit 1; }
	@for file in functions/requirements requirements/dev requirements/aws-cli requirements/validate requirements/sam requirements/lambda; do \
	  echo "$$file.txt"; \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url $$file.in -o $$file.txt || exit 1; \
	done

clean:
	rm -rf $(ENVIRONMENTS) .aws-sam out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The interpreters that an environment may be made with, best first, and what has to be true of their version.
TRIED   = $(if $(PYTHON),"$(PYTHON)",python3.14 python3.13 python3.12 python3.11 python3)
FITTING = Python 3.11 or later
FITS    = version >= (3, 11)
# The functions are built and imported by what runs them on Lambda, whatever the rest is run with.
.venv-lambda/$(INSTALLED): TRIED   = $(if $(PYTHON),"$(PYTHON)") python3.13 "$$(pyenv prefix 3.13 2>/dev/null)/bin/python3.13"
.venv-lambda/$(INSTALLED): FITTING = Python 3.13, the one of the Lambda functions,
.venv-lambda/$(INSTALLED): FITS    = version == (3, 13)

# A lock lists all that is needed: --no-deps, so that pip looks for nothing else.
$(ENVIRONMENTS:=/$(INSTALLED)):
	@chosen=; without_venv=; tried=; \
	for candidate in $(TRIED); do \
	  tried="$$tried $$candidate"; \
	  version=$$("$$candidate" -c 'import sys; version = sys.version_info[:2]; print("%d.%d" % version if $(FITS) else "")' 2>/dev/null) || continue; \
	  test -n "$$version" || continue; \
	  if "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then chosen=$$candidate; break; fi; \
	  test -n "$$without_venv" || without_venv=$$version; \
	done; \
	if test -z "$$chosen" && test -n "$$without_venv"; then \
	  echo "expected Python $$without_venv to come with its venv and ensurepip modules, found them missing;" >&2; \
	  echo "on Debian and Ubuntu: sudo apt-get install python$$without_venv-venv" >&2; \
	  exit 1; \
	elif test -z "$$chosen"; then \
	  echo "expected $(FITTING) to make $(@D) with, found none that runs among:$$tried;" >&2; \
	  echo "install one, or name it: make PYTHON=/path/to/python3.13 ..." >&2; \
	  exit 1; \
	fi; \
	echo "Making $(@D) with $$chosen from $(call lock,$(@D)); this takes a minute, once." >&2; \
	rm -rf $(@D); \
	"$$chosen" -m venv $(@D) || { \
	  rm -rf $(@D); \
	  echo "$$chosen could not make a virtual environment in $(@D); what it said is above" >&2; exit 1; }; \
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes -r $(call lock,$(@D)) || { \
	  echo "pip could not install what $(call lock,$(@D)) lists; what it said is above." >&2; \
	  echo "Is there a network, and a package index that pip may use from here? If it had nothing for this Python," >&2; \
	  echo "choose another: make PYTHON=/path/to/python3.13 ... Otherwise just run make again." >&2; exit 1; }; \
	cp $(call lock,$(@D)) $@
