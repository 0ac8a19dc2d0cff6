# Needs Python 3.11+ and make, nothing else. `make` lists the targets.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PY     := $(BIN)/python
# A local wheel folder that pip already knows serves uv too; the line names no path.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
# Our own venv, then uv for speed, else plain pip. WHAT is set per target (a comma would split a $(call)).
# Half a venv, which Debian leaves behind without python3-venv, would poison the next try: it is removed.
define install
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "no venv: needs Python 3.11+ with venv (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@{ $(PY) -m pip install -q --disable-pip-version-check uv && $(BIN)/uv pip install -q -p $(PY) -c constraints.txt $(WHAT); } \
	  || $(PY) -m pip install -q --disable-pip-version-check -c constraints.txt $(WHAT)
	@touch $@
endef

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check bench bench-live bench-peers golden mutation soak nightly dist clean
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/'
demo: $(VENV)/.demo  ## real bars, a backtest beside its baselines, a tear sheet
	@$(BIN)/athena data sample && $(BIN)/athena backtest
test: $(VENV)/.dev  ## the fast suite
	@$(PY) -m pytest -q -n auto
check: $(VENV)/.check  ## style, types, floors, docs
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/zensical build --strict
bench: $(VENV)/.dev  ## the benchmark table
	@$(PY) -m pytest -q benchmarks --benchmark-enable
bench-peers: $(VENV)/.dev  ## one table, ours beside other engines, each in its own environment; BENCH_N=20000 is quick
	@BENCH_N=$(BENCH_N) $(PY) -m benchmarks.compare
golden: $(VENV)/.dev  ## rewrite the golden order lists and the page of fill rules; show what changed, for review
	@$(PY) -m tests.order_lists --update
	@$(PY) -m tests.fill_rules
bench-live: $(VENV)/.dev  ## the live core: events, decisions, risk, recovery, reaction, seeds
	@$(PY) -m benchmarks.live
soak: $(VENV)/.dev  ## 20,000 seeds of the simulation, every crash point, 500 SIGKILLs; the table that is committed (hours)
	@$(PY) -m tests.soak --out benchmarks/soak.json
mutation: $(VENV)/.dev  ## small faults in order table, risk and accounting that the tests must notice (hours); N=150 is a sample
	@$(PY) -m tests.mutation $(if $(N),--sample $(N) --seed $(or $(SEED),0),) --out benchmarks/mutation.json
nightly: $(VENV)/.dev  ## everything at full size: slow tests, 10,000 examples a property (hours)
	@ATHENA_FULL=1 $(PY) -m pytest -q -n auto --timeout 7200 -m "not (service or e2e or learn)"
	@ATHENA_FULL=1 $(PY) -m pytest -q benchmarks --benchmark-enable
dist: $(VENV)/.dev  ## a wheel that installs and runs in an empty environment
	@rm -rf dist build/empty
	@$(PY) -m pip wheel -q --disable-pip-version-check --no-deps -w dist .
	@$(PYTHON) -m venv build/empty
	@build/empty/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt dist/*.whl
	@build/empty/bin/athena --version
	@build/empty/bin/athena --home build/empty/home data sample
	@build/empty/bin/athena --home build/empty/home backtest --strategy hold --data btc-usd-30m --from 2019-09-01
	@ls dist
clean:  ## remove the environment and build outputs
	rm -rf $(VENV) build dist site

$(VENV)/.demo:  WHAT = -e '.[report]'
$(VENV)/.dev:   WHAT = -e '.[dev]'
$(VENV)/.check: WHAT = -e '.[dev,docs]'
$(VENV)/.e2e:   WHAT = -e '.[dev,e2e,ray,service]'
$(VENV)/.%: pyproject.toml constraints.txt ; $(install)
