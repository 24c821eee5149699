# Needs nothing but make and Python 3.11 or later. PYTHON chooses another interpreter.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint docs campaign lock clean
.DELETE_ON_ERROR:

demo: .venv/run ## fit and score a table that ships with a dependency, and show the result
	$(BIN)/dagmm demo

test: .venv/test lint ## everything that must hold before a change is taken
	$(BIN)/python -m pytest

lint: .venv/test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: .venv/docs ## the site in both languages, under build/site; its notebooks are executed
	$(BIN)/python docs/build.py build/site

campaign: .venv/test ## odd, hostile and killed input by the thousand; goes on where it was stopped. ONLY="kills=9" chooses
	PYTHONPATH=tests $(BIN)/python -m campaigns $(ONLY)

lock: ## choose the newest versions that pyproject.toml allows; needs uv
	uv pip compile -q pyproject.toml --upgrade --universal --python-version 3.11 --generate-hashes \
		--group build --custom-compile-command "make lock" -o requirements/run.txt
	uv pip compile -q pyproject.toml --upgrade --universal --python-version 3.11 --generate-hashes \
		--extra excel --extra images --extra onnx --extra report --extra serve --group build --group test --group lint \
		-c requirements/run.txt --custom-compile-command "make lock" -o requirements/test.txt
	uv pip compile -q pyproject.toml --upgrade --universal --python-version 3.11 --generate-hashes \
		--extra serve --group build -c requirements/test.txt --custom-compile-command "make lock" -o requirements/serve.txt
	uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--extra dask --extra ray --extra spark --group build -c requirements/test.txt \
		--custom-compile-command "make lock" -o requirements/cluster.txt
	uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--extra images --extra report --group build --group docs -c requirements/test.txt -c requirements/cluster.txt \
		--custom-compile-command "make lock" -o requirements/docs.txt

# What the site is built with; tests that look at it are skipped without.
.venv/docs: .venv/run requirements/docs.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.txt
	touch $@

clean:
	rm -rf .venv build dist dagmm-demo .campaign

# A file inside .venv marks what has been installed and is renewed when the lock changes.
.venv/run: requirements/run.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dagmm needs Python 3.11 or later; set PYTHON")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

.venv/test: .venv/run requirements/test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	touch $@

# Spark, Dask and Ray, which are large: tests that need them are skipped without. Spark needs Java 17.
.venv/cluster: .venv/test requirements/cluster.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/cluster.txt
	touch $@
