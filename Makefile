# `make run` shows a whole patch run, `make test` proves it. `make help` lists the rest.
#
# Each needs Python 3.11 or later and builds .venv from requirements-dev.txt the first time (and whenever the file has
# changed), which is the only time the network is used. PYTHON=/path/to/python says with which interpreter.

SCENARIO ?= happy-path
PORT     ?= 5077
SPEED    ?= 60
PYTHON   ?=

CANDIDATES := python3.14 python3.13 python3.12 python3.11 python3
RUN        := .venv/bin/python
# .venv is whole when this file says so; it is made last, as a copy of what was installed.
INSTALLED  := .venv/installed-requirements.txt

SHELL := /bin/sh
.SHELLFLAGS := -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint bench serve validate build deploy lock diagram clean FORCE

# A .venv whose interpreter has gone, or that was made from other requirements, is made again. Contents decide, not
# times: a checkout touches files.
ifneq ($(shell cmp -s requirements-dev.txt $(INSTALLED) && test -x $(RUN) && echo whole),whole)
$(INSTALLED): FORCE
endif

help: ## this list
	@echo "make run      one patch run on the embedded AWS   (SCENARIO=$(SCENARIO))"
	@echo "make test     all tests, without network"
	@echo "make lint     ruff and mypy over everything"
	@echo "make bench    how long a run takes, against the least that moto takes"
	@echo "make serve    the embedded AWS on a local port    (PORT=$(PORT) SPEED=$(SPEED))"
	@echo "make validate the SAM template and the infrastructure, transformed and linted"
	@echo "make build    sam build"
	@echo "make deploy   sam build, then sam deploy --guided"
	@echo "make diagram  docs/state-machine.svg from statemachine/patch.asl.yaml"
	@echo "make lock     the requirements files, from the .in files"
	@echo "make clean    away with .venv and everything else that was generated"

run: $(INSTALLED)
	@$(RUN) -m local_aws run --scenario "$(SCENARIO)"

test: $(INSTALLED)
	@$(RUN) -m pytest -n auto --maxprocesses 8

lint: $(INSTALLED)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

bench: $(INSTALLED)
	@$(RUN) benchmarks/run.py

serve: $(INSTALLED)
	@$(RUN) -m local_aws serve --port "$(PORT)" --speed "$(SPEED)"

validate: $(INSTALLED)
	@$(RUN) -m local_aws validate

build:
	@command -v sam >/dev/null 2>&1 || { \
	  echo "expected the AWS SAM CLI to build with, found no sam on the PATH;" >&2; \
	  echo "install it (https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/install-sam-cli.html), then run make $@ again" >&2; \
	  exit 1; }
	sam build

deploy: build
	sam deploy --guided

diagram: $(INSTALLED)
	@$(RUN) -m local_aws.diagram

lock:
	@command -v uv >/dev/null 2>&1 || { \
	  echo "expected uv to lock the requirements with, found none on the PATH; install it (https://docs.astral.sh/uv/), then run make lock again" >&2; \
	  exit 1; }
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url functions/requirements.in -o functions/requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url requirements-dev.in -o requirements-dev.txt

clean:
	rm -rf .venv .aws-sam out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED):
	@chosen=; without_venv=; \
	for candidate in $(if $(PYTHON),"$(PYTHON)",$(CANDIDATES)); do \
	  version=$$("$$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2] if sys.version_info >= (3, 11) else "")' 2>/dev/null) || continue; \
	  test -n "$$version" || continue; \
	  if "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then chosen=$$candidate; break; fi; \
	  test -n "$$without_venv" || without_venv=$$version; \
	done; \
	if test -z "$$chosen" && test -n "$$without_venv"; then \
	  echo "expected Python $$without_venv to come with its venv and ensurepip modules, found them missing;" >&2; \
	  echo "on Debian and Ubuntu: sudo apt-get install python$$without_venv-venv" >&2; \
	  exit 1; \
	elif test -z "$$chosen"; then \
	  echo "expected Python 3.11 or later, found none that runs among: $(if $(PYTHON),$(PYTHON),$(CANDIDATES));" >&2; \
	  echo "install one, or name it: make PYTHON=/path/to/python3.13 ..." >&2; \
	  exit 1; \
	fi; \
	echo "Making .venv with $$chosen from requirements-dev.txt; this takes a minute, once." >&2; \
	rm -rf .venv; \
	"$$chosen" -m venv .venv || { \
	  rm -rf .venv; \
	  echo "$$chosen could not make a virtual environment in .venv; what it said is above" >&2; exit 1; }; \
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements-dev.txt || { \
	  echo "pip could not install what requirements-dev.txt lists; what it said is above." >&2; \
	  echo "Is there a network, and a package index that pip may use from here? If it had nothing for this Python," >&2; \
	  echo "choose another: make PYTHON=/path/to/python3.13 ... Otherwise just run make again." >&2; exit 1; }; \
	cp requirements-dev.txt $@
