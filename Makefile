# Everything a newcomer needs. `make study` and `make test` set up what they use.
VENV ?= .venv
PYTHON ?= python3.11
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MADE := $(VENV)/.made-by-make

.PHONY: study paper test lab lint notebooks setup clean

study: $(READY)  ## run the quick study: tables, figures and a report
	$(BIN)/xlt run params/quick.yaml
	$(BIN)/xlt paper params/quick.yaml
	@echo "Tables in the terminal: $(BIN)/xlt results params/quick.yaml"

paper: $(READY)  ## write tables, figures and the report from finished results: PARAMS=params/NAME.yaml
	@test -n "$(PARAMS)" || { echo "make paper needs a params file: make paper PARAMS=params/NAME.yaml"; exit 2; }
	$(BIN)/xlt paper "$(PARAMS)"

test: $(READY)  ## run the quick study and all tests, including the notebooks
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

# A working environment has Python 3.11 and pip, and has not been moved, because its scripts contain its
# path. A conda environment is used as it is. Only an environment that was made here is ever removed.
WORKS = $(BIN)/python -c 'import pathlib, sys, pip; home = sys.prefix; file = pathlib.Path(home, "pyvenv.cfg"); made = [line for line in file.read_text().splitlines() if line.startswith("command =")] if file.exists() else []; sys.exit(sys.version_info[:2] != (3, 11) or not all(line.endswith(" " + home) for line in made))' 2>/dev/null

# An environment that does not work (set-up failed, another Python, moved) is not ready, even if it is
# marked so.
ifneq ($(shell $(WORKS) && echo yes),yes)
.PHONY: $(READY)
endif

# Torch comes first: the machine's package index decides between its CPU and CUDA builds. The lock names
# neither torch nor any CUDA library and is otherwise complete, so pip resolves nothing.
$(READY): requirements.lock pyproject.toml
	@$(WORKS) || test -e $(VENV)/conda-meta || { \
		if test -e $(READY) || test -e $(MADE); then \
			echo "$(VENV) does not work (unfinished, another Python, or moved): making it again"; rm -rf $(VENV); \
		elif test -n "$$(ls -A $(VENV) 2>/dev/null)"; then \
			echo "$(VENV) is no environment with Python 3.11 and pip, and make setup did not make it, so it stays as it is. Repair or remove it, or choose another folder: make setup VENV=DIR"; exit 1; \
		fi; \
		mkdir -p $(VENV) && touch $(MADE) && { $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV) || true; }; }
	@$(WORKS) || { echo "Python 3.11 with venv and pip is needed (Debian: python3.11-venv). Install it, or run make setup PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up $(VENV): torch, then the packages of requirements.lock (a few minutes, once)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)
	@echo "Ready."

clean:  ## remove what the quick study made and git does not keep, and the cache
	@git ls-files --error-unmatch Makefile >/dev/null 2>&1 || { echo "make clean asks git which files came with the project, but this is no git checkout: remove outputs/quick and outputs/cache yourself"; exit 1; }
	git clean -fdX outputs/quick outputs/cache
