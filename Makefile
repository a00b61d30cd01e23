# Shortcut Connections: `make` alone lists what it can do.
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
export OMP_NUM_THREADS ?= 1
export PIP_RETRIES ?= 1
CHECKED := $(if $(wildcard $(VENV)/ready),$(PY),$(PYTHON))
ALLOW_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
# in a GitHub codespace the browser sees Lab's port under another address
ORIGIN := $(if $(CODESPACE_NAME),--ServerApp.allow_origin=https://$(CODESPACE_NAME)-8888.$(GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN))

.DEFAULT_GOAL := help
.PHONY: help check env lab test notebooks slides site generate clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

check:  ## say in one line whether this machine is ready, or what to do
	@command -v $(CHECKED) > /dev/null || { \
		echo "✗ not ready: no $(CHECKED): install Python 3.11 or 3.12, then run \`make clean env\`"; exit 1; }
	@$(CHECKED) -m lecture_utils.ready

env: $(VENV)/ready  ## make the environment in .venv (once)

lab: env  ## open JupyterLab on notebook 00
	$(PY) -m jupyterlab $(ALLOW_ROOT) $(ORIGIN) --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

test: env  ## run every check: style, notebooks, claims, exercises, package
	$(PY) -m ruff check .
	$(PY) -m pytest --numprocesses 2 --dist loadfile

notebooks: generate  ## execute the notebooks again, in place
	$(PY) -m lecture_utils.authoring execute

slides: env  ## build the decks, as pages and PDF, into slides/built
	$(PY) -m lecture_utils.authoring decks

site: env  ## write the notebooks as pages that work without a network, and the decks, into site
	$(PY) -m lecture_utils.authoring site

generate: env  ## write the parts that come from course.yml and the claims
	$(PY) -m lecture_utils.authoring generate

clean:  ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache *.egg-info

$(VENV)/ready: environment.yml pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 13) else \
		f"{sys.executable} is Python {v[0]}.{v[1]}; the course needs 3.11 or 3.12: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)
	sed -n '/- pip:/,$$s/^      - //p' environment.yml > $(VENV)/requirements.txt
	$(PY) -m pip install --quiet --no-compile --disable-pip-version-check -r $(VENV)/requirements.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	mkdir -p $(VENV)/share/jupyter/lab/settings
	echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}' \
		> $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@
