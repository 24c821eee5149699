# Needs nothing but make and Python 3.11 or later. PYTHON chooses another interpreter.
PYTHON ?= python3
BIN := .venv/bin

# A process for each core, each with whole files of tests; four at most, as each takes gigabytes.
SIDE_BY_SIDE := --numprocesses logical --maxprocesses 4 --dist loadfile

.PHONY: demo test lint docs campaign dist oldest lock clean
.DELETE_ON_ERROR:

demo: .venv/run ## fit and score a table that ships with a dependency, and show the result
	$(BIN)/dagmm demo

test: .venv/test lint ## everything that must hold before a change is taken
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

lint: .venv/test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: .venv/docs ## the site in both languages, under build/site; its notebooks are executed
	$(BIN)/python docs/build.py build/site

campaign: .venv/test ## odd, hostile and killed input by the thousand; goes on where it was stopped. ONLY="kills=9" chooses
	PYTHONPATH=tests $(BIN)/python -m campaigns $(ONLY)

dist: .venv/release ## wheel and sdist in dist/, checked, and tried in an empty environment
	rm -rf dist build/dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/question.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(PYTHON) -m venv build/dist
	build/dist/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	build/dist/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index dist/*.whl
	cd build/dist && bin/dagmm --version && bin/dagmm demo

# All that makes, reads and serves models.
OLDEST := tests/_core tests/contract tests/data tests/preprocessing tests/mixture tests/inference tests/estimators tests/cli tests/serve

oldest: ## tests with the oldest versions that pyproject.toml allows, on Python 3.11; needs uv. OLDEST=tests/cli chooses
	rm -rf build/oldest
	uv venv -q --python 3.11 build/oldest
	uv pip compile -q pyproject.toml --resolution lowest-direct --python-version 3.11 \
		--extra excel --extra images --extra mlflow --extra onnx --extra report --extra serve --group build --group test \
		-o build/oldest.txt
	uv pip install -q --python build/oldest -r build/oldest.txt
	uv pip install -q --python build/oldest --no-deps --no-build-isolation -e .
	build/oldest/bin/python -m pytest $(SIDE_BY_SIDE) $(OLDEST)

# What scoring does without: JAX, and what nothing but JAX and Optax brings.
OF_TRAINING := absl-py jax jaxlib ml-dtypes opt-einsum optax

lock: ## choose the newest versions that pyproject.toml allows; needs uv
	uv pip compile -q pyproject.toml --upgrade --universal --python-version 3.11 --generate-hashes \
		--group build --custom-compile-command "make lock" -o requirements/run.txt
	uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes -c requirements/run.txt \
		$(addprefix --no-emit-package ,$(OF_TRAINING)) --custom-compile-command "make lock" -o requirements/score.txt
	uv pip compile -q pyproject.toml --upgrade --universal --python-version 3.11 --generate-hashes \
		--extra excel --extra images --extra onnx --extra report --extra serve --group build --group test --group lint \
		-c requirements/run.txt --custom-compile-command "make lock" -o requirements/test.txt
	uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--extra serve --group build -c requirements/test.txt \
		$(addprefix --no-emit-package ,$(OF_TRAINING)) --custom-compile-command "make lock" -o requirements/serve.txt
	uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--extra dask --extra ray --extra spark --group build -c requirements/test.txt \
		--custom-compile-command "make lock" -o requirements/cluster.txt
	uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--extra images --extra report --group build --group docs -c requirements/test.txt -c requirements/cluster.txt \
		--custom-compile-command "make lock" -o requirements/docs.txt
	uv pip compile -q pyproject.toml --upgrade --universal --python-version 3.11 --generate-hashes \
		--group build --group release -c requirements/test.txt --custom-compile-command "make lock" -o requirements/release.txt

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

.venv/release: .venv/run requirements/release.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/release.txt
	touch $@

# Spark, Dask and Ray, which are large: tests that need them are skipped without. Spark needs Java 17.
.venv/cluster: .venv/test requirements/cluster.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/cluster.txt
	touch $@
