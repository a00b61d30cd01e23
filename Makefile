# Shortcut Connections: `make` alone lists what it can do.
VENV ?= .venv
override VENV := $(patsubst ~/%,$(HOME)/%,$(value VENV))
SIGNS := $(strip $(foreach c,$$ ' " \ ` ( ) & | < > * ? : ; %,$(findstring $c,$(VENV))))
ifneq ($(words $(VENV))$(if $(SIGNS),!),1)
$(error VENV must be one folder's name without spaces or signs of the shell; got "$(VENV)")
endif
PY := $(VENV)/bin/python
export OMP_NUM_THREADS ?= 1
export PIP_RETRIES ?= 1
# with these no Python finds its own library, or this folder
unexport PYTHONHOME PYTHONSAFEPATH PYTHONPLATLIBDIR
# the newest Python on the path that fits, looked for once and only where it is needed
FOUND = $(eval FOUND := $(shell unset PYTHONHOME PYTHONSAFEPATH PYTHONPLATLIBDIR; \
	for python in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	"$$python" -m lecture_utils.ready fits 2> /dev/null && command -v "$$python" && break; done))$(FOUND)
# or the one that is chosen: between double quotes its path may have spaces, quotes and a $$
HOMELY = $(subst /:,,$(subst /:~/,$(value HOME)/,/:$(value PYTHON)))
CHOSEN = $(subst `,\`,$(subst $$,\$$,$(subst ",\",$(subst \,\\,$(HOMELY)))))
BASE = $(if $(value PYTHON),$(CHOSEN),$(FOUND))
CHECKED = $(if $(wildcard $(VENV)/ready),$(PY),$(or $(BASE),python3))
RUNS = [ "$$("$(1)" -c 'print(6 * 7)' 2> /dev/null)" = 42 ]
NO_PYTHON := no Python 3.11 to 3.14 on the path: install one with its module venv, or say PYTHON=/path/to/python
NONE = $(if $(value PYTHON),PYTHON ($(CHOSEN)) is no Python that runs: say PYTHON=/path/to/python,$(NO_PYTHON))
ALLOW_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
# in a GitHub codespace the browser sees Lab's port under another address
ORIGIN := $(if $(CODESPACE_NAME),--ServerApp.allow_origin=https://$(CODESPACE_NAME)-8888.$(GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN))
LAB := $(PY) -m jupyterlab $(ALLOW_ROOT) $(ORIGIN)
TWO := --numprocesses 2 --no-loadscope-reorder
PIP := $(PY) -m pip install --quiet --no-compile --disable-pip-version-check

# the Python of a room: one that all accounts may run, as the system's own
SERVES = $(if $(value PYTHON),$(CHOSEN),/usr/bin/python3)
ROOM ?= /srv/shortcut-connections
HUB = "$(SERVES)" -m lecture_utils.hub --folder "$(ROOM)"

.DEFAULT_GOAL := help
.PHONY: help check env copies beside lab certificate hub hubstop hubcards hubremove load originals test quick butterfly notebooks slides site generate measure clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

check:  ## say in one line whether this machine is ready, or what to do
	@$(call RUNS,$(CHECKED)) || { echo "✗ not ready: $(NONE)"; exit 1; }
	@"$(CHECKED)" -m lecture_utils.ready

env: $(VENV)/ready  ## make the learner's environment in .venv (once)

copies: env  ## make your own copies of the notebooks in my_notebooks, or bring them up to date
	@$(PY) -m lecture_utils.copies

beside: env  ## put the course's present notebook beside your copy: make beside N=03
	@$(PY) -m lecture_utils.copies --beside $(N)

lab: copies  ## open JupyterLab on your own copy of notebook 00
	$(LAB) --LabApp.default_url=/lab/tree/my_notebooks/00_start_here.ipynb

# a shell's own variable NAME is no learner's name: it must stand in the command
certificate: env  ## write a page that names the exercises you solved: make certificate NAME="Ada Lovelace"
	@$(PY) -m lecture_utils.authoring.certificate $(if $(filter command,$(firstword $(origin NAME))),"$$NAME")

hub:  ## open a room on this Linux machine, as root: make hub SEATS=30
	@$(call RUNS,$(SERVES)) || { echo "✗ $(SERVES) is no Python that runs: say PYTHON=/path/to/python"; exit 1; }
	@"$(SERVES)" -m lecture_utils.ready python
	@$(HUB) start $(if $(SEATS),--seats "$(SEATS)") $(if $(PORT),--port "$(PORT)") $(OPTIONS)

hubstop:  ## close the room; accounts, passwords and work stay
	@$(HUB) stop

hubcards:  ## write the cards with names and passwords again: make hubcards OPTIONS="--address lab.example.org"
	@$(HUB) cards $(OPTIONS)

hubremove:  ## remove the room, its accounts and all work in it, after a question
	@$(HUB) remove $(if $(YES),--yes)

load:  ## play a full room in an open one that has no learners yet: make load SEATS=30 MINUTES=25
	@[ -x "$(ROOM)/env/bin/python" ] || { echo "✗ no room in $(ROOM): \`make hub\` opens one"; exit 1; }
	@"$(ROOM)/env/bin/python" -m lecture_utils.hub.load --folder "$(ROOM)" $(if $(SEATS),--seats "$(SEATS)") \
		$(if $(MINUTES),--minutes "$(MINUTES)") $(OPTIONS)

originals: env  ## open JupyterLab on the notebooks themselves, to change the course
	$(LAB) --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

test: $(VENV)/tested  ## run every check: style, notebooks, claims, exercises, package, a browser
	$(PY) -m ruff check .
	$(PY) -m pytest $(TWO)

quick: $(VENV)/tested  ## run what is checked in a few minutes, and say what is left out
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
	@[ ! -e $(VENV) ] || [ -f $(VENV)/pyvenv.cfg ] || { echo "✗ $(VENV) is no environment"; exit 1; }
	rm -rf $(VENV) .pytest_cache .ruff_cache *.egg-info

$(VENV)/ready: environment.yml pyproject.toml
	@$(call RUNS,$(BASE)) || { echo "✗ $(NONE)"; exit 1; }
	@"$(BASE)" -m lecture_utils.ready python
	"$(BASE)" -m venv $(VENV)
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
