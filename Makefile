# Everything a newcomer needs: `make demo` shows the main job, `make test` runs the tests.
# Both set up their own environment in .venv; nothing has to be installed by hand.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
DEMO   ?= demo
READY  := $(VENV)/.ready
JOBS   ?= 2
LOWEST ?= .venv-lowest
EXTRAS ?= sleap nets motifs interop
TOOLS  := pytest|pytest-xdist|pytest-mpl|hypothesis|hatchling|hatch-vcs|PyYAML
CORE   ?= $(addprefix tests/,data io prepare features simulate ethogram evaluate stats assays neural plot report compare run cli)
export OMP_NUM_THREADS ?= 1
export PYTHONHASHSEED ?= 0

.PHONY: help demo test test-slow test-lowest pictures mutants lint types layers docs bench lock clean

help:
	@echo "make demo   set up, simulate a study, analyse it, say where the report is"
	@echo "make test   set up and run the tests    (test-slow: the long ones too)"
	@echo "make test-lowest   the core tests with the oldest libraries that pyproject.toml allows"
	@echo "make pictures      draw the stored pictures of the figures anew (then look at each)"
	@echo "make mutants  change one line at a time: do the tests notice?  (before a release)"
	@echo "make lint | types | layers              style, types, floors of the house"
	@echo "make docs   build the documentation site into docs/_build/html"
	@echo "make bench  run the benchmarks"

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "murid needs Python 3.11 or newer; none was found"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $(READY)

demo: $(READY)
	$(BIN)/murid demo --out $(DEMO)

test: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m "not slow"

test-slow: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m slow

# uv resolves downwards: every library of [project] and of the extras at its lowest release, what they need at its newest.
# Deprecations that old libraries report are nobody's business here; murid's own warnings stay errors.
test-lowest:
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(LOWEST)/bin/uv pip compile --quiet --python $(LOWEST)/bin/python --resolution lowest-direct $(addprefix --extra ,$(EXTRAS)) \
	  pyproject.toml --output-file $(LOWEST)/lowest.txt
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --requirement $(LOWEST)/lowest.txt
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --no-deps --editable .
	grep -E "^($(TOOLS))==" constraints.txt | xargs $(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python
	$(LOWEST)/bin/python -m pytest -n $(JOBS) --dist loadgroup -m "not slow" -p no:anyio \
	  -W ignore::DeprecationWarning -W ignore::FutureWarning $(CORE)

pictures: $(READY)
	$(BIN)/python -m pytest tests/plot -m "" --mpl-generate-path=tests/plot/baseline
	$(BIN)/python -m pytest tests/report/figures/test_pictures.py::test_figure -m "" --mpl-generate-path=tests/report/figures/baseline
	@echo "look at every changed picture in tests/plot/baseline and tests/report/figures/baseline before you commit it"

mutants: $(READY)
	$(BIN)/python -m tests.mutants.run

lint: $(READY)
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/ruff format --check src tests benchmarks docs/conf.py docs/_ext docs/gallery

types: $(READY)
	$(BIN)/mypy

layers: $(READY)
	$(BIN)/lint-imports

docs: $(READY)
	$(BIN)/python -m sphinx -b html -W --keep-going -q docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(READY)
	$(BIN)/python -m benchmarks

lock: $(READY)
	$(BIN)/python -m pip freeze --exclude-editable | sed "s/+cpu$$//" > constraints.txt

clean:
	rm -rf $(VENV) $(LOWEST) $(DEMO) docs/_build docs/api docs/gallery/made .pytest_cache .mypy_cache .ruff_cache
