# Everything a newcomer needs. `make study` and `make test` set up what they use.
VENV ?= .venv
PYTHON ?= python3.11
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: study paper test lab lint notebooks setup clean

study: $(READY)  ## run the quick study, to tables, figures and a report
	$(BIN)/xlt run params/quick.yaml
	$(BIN)/xlt paper params/quick.yaml
	@echo "Tables in the terminal: $(BIN)/xlt results params/quick.yaml"

paper: $(READY)  ## write tables, figures and the report from results that are here: PARAMS=params/NAME.yaml
	@test -n "$(PARAMS)" || { echo "Which results? make paper PARAMS=params/NAME.yaml"; exit 2; }
	$(BIN)/xlt paper "$(PARAMS)"

test: $(READY)  ## run the quick study and all tests, the notebooks included
	$(BIN)/xlt run params/quick.yaml
	TQDM_DISABLE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder \
		--nbval --nbval-kernel-name python3 notebooks tests

lab: $(READY)  ## open JupyterLab on the notebooks
	$(BIN)/jupyter lab --notebook-dir .

lint: $(READY)  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

notebooks: $(READY)  ## execute the notebooks in place on the finished quick study
	$(BIN)/xlt run params/quick.yaml
	TQDM_DISABLE=1 $(BIN)/jupyter nbconvert --to notebook --execute --inplace --ClearMetadataPreprocessor.enabled=True --ClearMetadataPreprocessor.clear_notebook_metadata=False --ClearMetadataPreprocessor.preserve_cell_metadata_mask=tags notebooks/*.ipynb

setup: $(READY)

# An environment that works has Python 3.11 and pip, and lies where it was made: scripts hold its path.
# conda's is taken as it is.
WORKS = $(BIN)/python -c 'import pathlib, sys, pip; home = sys.prefix; file = pathlib.Path(home, "pyvenv.cfg"); made = [line for line in file.read_text().splitlines() if line.startswith("command =")] if file.exists() else []; sys.exit(sys.version_info[:2] != (3, 11) or not all(line.endswith(" " + home) for line in made))' 2>/dev/null

# One that does not work (left by a failed set-up, of another Python, moved) is not ready, whatever
# its mark says.
ifneq ($(shell $(WORKS) && echo yes),yes)
.PHONY: $(READY)
endif

# Torch first: the index of the machine decides between its CPU and its CUDA build. The lock names
# neither torch nor any CUDA library, and is complete, so nothing is resolved.
$(READY): requirements.lock pyproject.toml
	@$(WORKS) || test ! -e $(VENV)/pyvenv.cfg || { echo "$(VENV) does not work (unfinished, another Python, or moved): making it anew"; rm -rf $(VENV); }
	@$(WORKS) || test -e $(VENV)/conda-meta || $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV) || true
	@$(WORKS) || { echo "Python 3.11 with venv and pip is needed (Debian: python3.11-venv); or give make setup PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up $(VENV): torch, then the packages of requirements.lock (a few minutes, once)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)
	@echo "Ready."

clean:  ## remove what the quick study made
	rm -rf outputs/quick outputs/cache
