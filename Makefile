# Shortcut Connections: `make` alone lists what it can do.
VENV ?= .venv
PY := $(VENV)/bin/python
export OMP_NUM_THREADS ?= 1
export PIP_RETRIES ?= 1
# the newest Python on the path that fits, looked for once and only where it is needed
PYTHON ?= $(eval PYTHON := $(shell for python in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	"$$python" -m lecture_utils.ready fits 2> /dev/null && command -v "$$python" && break; done))$(PYTHON)
CHECKED = $(if $(wildcard $(VENV)/ready),$(PY),$(or $(PYTHON),python3))
NO_PYTHON := no Python 3.11 to 3.14 on the path: install one with its module venv, or say PYTHON=/path/to/python
ALLOW_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
# in a GitHub codespace the browser sees Lab's port under another address
ORIGIN := $(if $(CODESPACE_NAME),--ServerApp.allow_origin=https://$(CODESPACE_NAME)-8888.$(GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN))
LAB := $(PY) -m jupyterlab $(ALLOW_ROOT) $(ORIGIN)
TWO := --numprocesses 2 --no-loadscope-reorder
PIP := $(PY) -m pip install --quiet --no-compile --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help check env copies beside lab originals test quick butterfly notebooks slides site generate measure clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

check:  ## say in one line whether this machine is ready, or what to do
	@command -v "$(CHECKED)" > /dev/null || { echo "✗ not ready: $(NO_PYTHON)"; exit 1; }
	@"$(CHECKED)" -m lecture_utils.ready

env: $(VENV)/ready  ## make the learner's environment in .venv (once)

copies: env  ## make your own copies of the notebooks in my_notebooks, or bring them up to date
	@$(PY) -m lecture_utils.copies

beside: env  ## put the course's present notebook beside your copy: make beside N=03
	@$(PY) -m lecture_utils.copies --beside $(N)

lab: copies  ## open JupyterLab on your own copy of notebook 00
	$(LAB) --LabApp.default_url=/lab/tree/my_notebooks/00_start_here.ipynb

originals: env  ## open JupyterLab on the notebooks themselves, to change the course
	$(LAB) --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

test: $(VENV)/tested  ## run every check: style, notebooks, claims, exercises, package, a browser
	$(PY) -m ruff check .
	$(PY) -m pytest $(TWO)

quick: $(VENV)/tested  ## run what is checked in three minutes, and say what is left out
	$(PY) -m ruff check .
	$(PY) -m pytest $(TWO) --quick

butterfly: $(VENV)/tested  ## run notebooks and claims under other kernels and with weights times 1 + 1e-6
	$(PY) -m lecture_utils.authoring butterfly

notebooks: generate  ## execute the notebooks again, in place
	$(PY) -m lecture_utils.authoring execute

slides: $(VENV)/tested  ## build the decks, as pages and PDF, into slides/built
	$(PY) -m lecture_utils.authoring decks

site: $(VENV)/tested  ## write the notebooks as pages that work without a network, and the decks, into site
	$(PY) -m lecture_utils.authoring site

generate: $(VENV)/tested  ## write the parts that come from course.yml and the claims
	$(PY) -m lecture_utils.authoring generate

measure: $(VENV)/tested  ## measure each notebook's seconds and memory, and write the guide's table
	$(PY) -m lecture_utils.authoring cost

weigh: $(VENV)/tested  ## say how many honest minutes, lines and words each notebook asks of a beginner
	$(PY) -m lecture_utils.authoring weigh

clean:  ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache *.egg-info

$(VENV)/ready: environment.yml pyproject.toml
	@command -v "$(PYTHON)" > /dev/null || { echo "✗ $(NO_PYTHON)"; exit 1; }
	@"$(PYTHON)" -m lecture_utils.ready python
	"$(PYTHON)" -m venv $(VENV)
	sed -n '/- pip:/,$$s/^      - //p' environment.yml > $(VENV)/requirements.txt
	$(PIP) -r $(VENV)/requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	mkdir -p $(VENV)/share/jupyter/lab/settings
	echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}' \
		> $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@

$(VENV)/tested: $(VENV)/ready tests/requirements.txt
	$(PIP) -r tests/requirements.txt
	@touch $@
