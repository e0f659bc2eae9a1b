# `make run` shows a whole patch run, `make test` proves it. `make help` lists the rest.
#
# Every target needs Python 3.11 or later. It makes the environments that it runs in by itself: .venv from
# requirements/dev.txt, .venv-sam from requirements/sam.txt, and so on, the first time and whenever the lock file has
# changed; with uv when uv is installed, otherwise with venv and pip. Only that, `sam build` and `sam deploy` use the
# network. PYTHON=/path/to/python chooses the interpreter.

SCENARIO ?= happy-path
PORT     ?= 5077
SPEED    ?= 60
STACKS   ?=
BOOT     ?=
PYTHON   ?=

# The tests that start no embedded AWS.
UNIT := tests/autopatch tests/statemachine

RUN := .venv/bin/python
# sam builds with the first python3.13 on the PATH.
SAM := SAM_CLI_TELEMETRY=0 PATH="$(CURDIR)/.venv-lambda/bin:$$PATH" .venv-sam/bin/sam

# This file marks an environment as complete. It is written last, as a copy of the lock file.
INSTALLED    := installed-requirements.txt
ENVIRONMENTS := .venv .venv-aws-cli .venv-validate .venv-sam .venv-lambda
# requirements/dev.txt for .venv, requirements/sam.txt for .venv-sam.
lock          = requirements/$(or $(patsubst .venv-%,%,$(filter .venv-%,$(1))),dev).txt

SHELL := /bin/sh
.SHELLFLAGS := -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test unit lint bench serve validate build package deploy diagram lock clean FORCE

# An environment is made again when its interpreter is gone or its lock file has changed. The contents are compared, not
# the times, because a checkout changes those.
whole = $(shell cmp -s $(call lock,$(1)) $(1)/$(INSTALLED) && test -x $(1)/bin/python && echo whole)
$(foreach environment,$(ENVIRONMENTS),$(if $(call whole,$(environment)),,$(eval $(environment)/$(INSTALLED): FORCE)))

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s%s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: .venv/$(INSTALLED) ## show one patch run on the embedded AWS (SCENARIO=name chooses another scenario)
	@$(RUN) -m rehearsal run --scenario "$(SCENARIO)"

test: .venv/$(INSTALLED) .venv-aws-cli/$(INSTALLED) ## run all tests, without network, and report the coverage of functions/
	@$(if $(COVERAGE),,echo "The coverage of functions/ is not measured: that takes Python 3.12 or later.")
	@$(RUN) -m pytest -n auto --maxprocesses 8 $(COVERAGE)

unit: .venv/$(INSTALLED) ## run the tests that need no embedded AWS, in seconds
	@$(RUN) -m pytest $(UNIT)

lint: .venv/$(INSTALLED) ## run ruff and mypy over everything
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

bench: .venv/$(INSTALLED) ## measure how long a run takes, and the least that moto alone takes
	@$(RUN) benchmarks/run.py

serve: .venv/$(INSTALLED) ## serve the embedded AWS (PORT=5077 SPEED=60 virtual seconds a second, SCENARIO, STACKS="web api", BOOT=180 seconds)
	@$(RUN) -m rehearsal serve --port "$(PORT)" --speed "$(SPEED)" --scenario "$(SCENARIO)" \
	  $(if $(STACKS),--stacks "$(STACKS)") $(if $(BOOT),--boot "$(BOOT)")

validate: .venv/$(INSTALLED) .venv-validate/$(INSTALLED) .venv-sam/$(INSTALLED) ## lint the templates and the state machine, without network
	@$(RUN) -m linting

build: .venv/$(INSTALLED) .venv-sam/$(INSTALLED) .venv-lambda/$(INSTALLED) ## run sam build, without Docker, and test what it built
	$(SAM) build
	$(RUN) -m pytest tests/build

# The functions' packages have all the same content, as tests/build makes sure; one is enough.
package: build ## zip what make build built, with its checksum, for sam deploy on another machine
	@rm -rf out/package
	@mkdir -p out/package/$(PACKAGE)/.aws-sam/build
	@cp -R .aws-sam/build/PlanRunFunction out/package/$(PACKAGE)/.aws-sam/build/functions
	@sed 's/^\( *CodeUri: \).*/\1functions/' .aws-sam/build/template.yaml > out/package/$(PACKAGE)/.aws-sam/build/template.yaml
	@cp -R statemachine infrastructure docs samconfig.toml README.md LICENSE out/package/$(PACKAGE)
	@cd out/package && $(CURDIR)/$(RUN) -m zipfile --create $(PACKAGE).zip $(PACKAGE)
	@cd out/package && $(CURDIR)/$(RUN) -c '$(CHECKSUM)' $(PACKAGE).zip | tee SHA256SUMS

deploy: build ## make build, then sam deploy --guided
	$(SAM) deploy --guided

diagram: .venv/$(INSTALLED) ## draw the pictures of the state machine, in README.md and docs/
	@$(RUN) -m rehearsal.diagrams

lock: ## lock the requirements: from each .in file its .txt file
	@command -v uv >/dev/null 2>&1 || { \
	  echo "expected uv to lock the requirements with, found none on the PATH; install it (https://docs.astral.sh/uv/), then run make lock again" >&2; \
	  exit 1; }
	@for file in functions/requirements requirements/dev requirements/aws-cli requirements/validate requirements/sam requirements/lambda; do \
	  echo "$$file.txt"; \
	  uv pip compile --quiet --universal --python-version=3.11 --generate-hashes --output-file=$$file.txt $$file.in || exit 1; \
	done

clean: ## remove the environments and everything else that was generated
	rm -rf $(ENVIRONMENTS) .aws-sam out .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# sys.monitoring (Python 3.12) reports each line of functions/ once, at no cost that shows. What Python 3.11 has instead
# looks at every line of every module, and makes the tests take three quarters longer.
COVERAGE = $(shell $(RUN) -c 'import sys; print("--cov" if hasattr(sys, "monitoring") else "")')

# The version is that of pyproject.toml; the line is what sha256sum prints, which not every system has.
PACKAGE  = ami-autopatch-$(shell $(RUN) -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')
CHECKSUM = import hashlib, sys; print(hashlib.file_digest(open(sys.argv[1], "rb"), "sha256").hexdigest(), "", sys.argv[1])

# An interpreter that pyenv has installed, on the PATH or not.
of_pyenv = "$$(pyenv prefix $(1) 2>/dev/null)/bin/python$(1)"
# The interpreters to make an environment with, best first, and what their version must be.
TRIED   = $(if $(PYTHON),"$(PYTHON)",$(foreach version,3.14 3.13 3.12 3.11,python$(version) $(call of_pyenv,$(version))) python3)
FITTING = Python 3.11 or later
FITS    = version >= (3, 11)
# Lambda's own Python builds the functions and imports them, whatever everything else runs on.
.venv-lambda/$(INSTALLED): TRIED   = $(if $(PYTHON),"$(PYTHON)") python3.13 $(call of_pyenv,3.13)
.venv-lambda/$(INSTALLED): FITTING = Python 3.13, the one of the Lambda functions,
.venv-lambda/$(INSTALLED): FITS    = version == (3, 13)
# sam builds with the pip of this environment; uv itself needs none.
.venv-lambda/$(INSTALLED): SEED    = --seed

# A lock file lists everything that is needed, so the installer is told not to look for dependencies (--no-deps).
$(ENVIRONMENTS:=/$(INSTALLED)):
	@uv=$$(command -v uv); chosen=; without_venv=; tried=; \
	for candidate in $(TRIED); do \
	  tried="$$tried $$candidate"; \
	  version=$$("$$candidate" -c 'import sys; version = sys.version_info[:2]; print("%d.%d" % version if $(FITS) else "")' 2>/dev/null) || continue; \
	  test -n "$$version" || continue; \
	  if test -n "$$uv" || "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then chosen=$$candidate; break; fi; \
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
	rm -rf $(@D); \
	if test -n "$$uv"; then \
	  maker=uv; installer=uv; \
	  echo "Making $(@D) with uv and $$chosen from $(call lock,$(@D))." >&2; \
	  "$$uv" venv --quiet --no-project $(SEED) --python "$$("$$chosen" -c 'import sys; print(sys.executable)')" $(@D); \
	else \
	  maker=$$chosen; installer=pip; \
	  echo "Making $(@D) with $$chosen from $(call lock,$(@D)); this takes a minute, once." >&2; \
	  "$$chosen" -m venv $(@D); \
	fi || { \
	  rm -rf $(@D); \
	  echo "$$maker could not make a virtual environment in $(@D); its message is above." >&2; exit 1; }; \
	if test -n "$$uv"; then \
	  "$$uv" pip install --quiet --python $(@D)/bin/python --compile-bytecode --no-deps --require-hashes -r $(call lock,$(@D)); \
	else \
	  $(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes -r $(call lock,$(@D)); \
	fi || { \
	  echo "$$installer could not install what $(call lock,$(@D)) lists; its message is above." >&2; \
	  echo "Is there a network, and a package index that $$installer may use from here? If it had nothing for this Python," >&2; \
	  echo "choose another: make PYTHON=/path/to/python3.13 ... Otherwise run make again." >&2; exit 1; }; \
	cp $(call lock,$(@D)) $@
