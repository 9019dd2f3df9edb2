# Everything a newcomer or a CI machine needs; `make help` lists it. One environment in $(VENV), made on first use.
PYTHON ?= python3
VENV ?= .venv
BENCH_VENV ?= .venv-bench
DATA ?= digits
ARGS ?=
PIP_ARGS ?=
CONSTRAINTS ?= constraints.txt
N ?= 20000

SHELL := /bin/bash
BIN := $(VENV)/bin
PLAIN := $(VENV)/plain/bin/python
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c $(CONSTRAINTS) $(PIP_ARGS)
PLUGINS := $(sort $(dir $(wildcard plugins/*/pyproject.toml)))
PLUGIN_TESTS := $(wildcard plugins/*/tests)
PLUGIN_PACKAGES := $(patsubst %/,%,$(dir $(wildcard plugins/*/augsynth_*/__init__.py)))
BUILT := pyproject.toml CMakeLists.txt README.md $(shell find csrc -type f) $(wildcard plugins/*/pyproject.toml)
CODE := $(BUILT) $(shell find augsynth -name '*.py' -o -name '*.pyi' -o -name '*.html')
MODULES := $(sort $(shell find augsynth plugins -name '*.py'))
NATIVE := $(shell find csrc -name '*.cpp' -o -name '*.h' -o -name '*.inl' -o -name '*.cu')
ASAN := build/asan
PORTABLE := build/portable

.PHONY: help demo test test-all test-oldest lint asan fuzz portable mutants bench bench-decode bench-compare bench-gpu bench-generators docs clean FORCE
.DELETE_ON_ERROR:

help:
	@echo "make demo              real digits to a report: does synthetic data help? DATA=folder|file.npz ARGS='--seeds 3'"
	@echo "make test              the quick test suite, the plugins' included"
	@echo "make test-all          the slow tests too, and fresh random examples, more of them"
	@echo "make test-oldest       the quick suite with the oldest torch that is supported (gigabytes)"
	@echo "make lint              formatting, types, and the extension's stubs"
	@echo "make asan              the tests of the compiled core under AddressSanitizer and UndefinedBehaviorSanitizer"
	@echo "make fuzz              20,000 hostile inputs for each way in (N=20000), under the same sanitizers"
	@echo "make portable          the tests of the compiled core on a build without x86 instructions"
	@echo "make mutants           break the code on purpose, one place at a time: do the tests notice? (ten minutes)"
	@echo "make bench             augsynth beside five other libraries: 15 minutes, 7 GB; AUGSYNTH_DATA=folder ARGS=--quick"
	@echo "make bench-decode      the same from JPEG bytes to a batch: three minutes"
	@echo "make bench-compare     has the engine become slower? instruction counts against the stored ones (needs valgrind)"
	@echo "make bench-gpu         on a machine with a GPU: build, compare with the CPU, measure (PYTHON needs torch with CUDA)"
	@echo "make bench-generators  fit every generator on MNIST and CIFAR-10, and score it (two hours): DATA=folder of both"
	@echo "make docs              write the pages of docs/ that are made from the code, and the gallery's pictures"
	@echo "make clean             remove environments and build results"
	@echo "Settings: PYTHON=python3.12 VENV=.venv PIP_ARGS='--index-url …'"

demo: $(VENV)/installed
	$(BIN)/augsynth demo --data "$(DATA)" $(ARGS)

# One thread a process: torch's threads wait by spinning, and those of several processes would slow each other down.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -q -n auto --maxprocesses 8

test: $(VENV)/developing
	$(PYTEST) -m "not slow" tests $(PLUGIN_TESTS) $(ARGS)

test-all: $(VENV)/developing
	AUGSYNTH_HYPOTHESIS=thorough $(PYTEST) tests $(PLUGIN_TESTS) $(ARGS)

test-oldest:
	$(MAKE) test VENV=$(VENV)-oldest CONSTRAINTS=constraints-oldest.txt

lint: $(VENV)/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --exclude "*.md" .
	$(BIN)/mypy
	for package in $(PLUGIN_PACKAGES); do $(BIN)/mypy $$package || exit 1; done
	$(BIN)/stubtest augsynth._native._cpu
	! $(BIN)/python -c 'import augsynth._native._cuda' 2>/dev/null || $(BIN)/stubtest augsynth._native._cuda
	$(BIN)/clang-format --dry-run -Werror $(NATIVE)

# What runs through the compiled core, for builds of it that are not the usual one.
NATIVE_TESTS := tests/native tests/transforms $(wildcard tests/differentiable/test_linear_*.py)

# Python itself is not instrumented: the runtime is preloaded, and its own allocations are not searched for leaks.
SANITIZED := LD_PRELOAD="$$(g++ -print-file-name=libasan.so) $$(g++ -print-file-name=libstdc++.so)" \
	PYTHONPATH=$(CURDIR)/$(ASAN) ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1

asan: $(ASAN) $(VENV)/plain
	$(SANITIZED) $(PLAIN) -m pytest -q -p no:cacheprovider $(NATIVE_TESTS)

# Each input runs, or is refused in words; what does neither is told with the numbers that make it again.
fuzz: $(ASAN) $(VENV)/plain
	$(SANITIZED) OMP_NUM_THREADS=1 $(PLAIN) tests/fuzz/fuzz.py --inputs $(N) $(ARGS)

# Optimised little: the sanitizers see the same, and the build is shorter.
$(ASAN): $(VENV)/developing $(CODE)
	rm -rf $(ASAN)
	$(PIP) --no-deps --target $(ASAN) -C cmake.define.AUGSYNTH_SANITIZE=ON -C cmake.define.CMAKE_CXX_FLAGS_RELEASE=-O1 \
	  -C build-dir=build/asan-objects .
	@touch $@

# What a processor without x86 instructions would run: the plain C++ behind the vector wrapper.
portable: $(VENV)/plain
	rm -rf $(PORTABLE)
	$(PIP) --no-deps --target $(PORTABLE) -C cmake.define.AUGSYNTH_PORTABLE=ON -C build-dir=build/portable-objects .
	PYTHONPATH=$(CURDIR)/$(PORTABLE) OMP_NUM_THREADS=1 $(PLAIN) -m pytest -q -n auto --maxprocesses 8 \
	  -p no:cacheprovider $(NATIVE_TESTS) $(ARGS)

mutants: $(VENV)/plain
	$(PIP) scikit-build-core pybind11 ninja
	$(PLAIN) tests/mutants $(ARGS)

# An environment of its own, because the libraries that augsynth is measured against bring a torch of theirs.
bench: $(BENCH_VENV)/installed
	$(BENCH_VENV)/bin/python bench/augment.py $(ARGS)

bench-decode: $(BENCH_VENV)/installed
	$(BENCH_VENV)/bin/python bench/decode.py $(ARGS)

bench-compare: $(VENV)/developing
	$(BIN)/python bench/compare.py $(ARGS)

# With the Python that is there: a GPU machine has its own torch, and may have no network.
bench-gpu:
	$(PYTHON) bench/gpu.py $(ARGS)

bench-generators: $(VENV)/developing
	@test "$(DATA)" != digits || { echo "say where the data sets are: make bench-generators DATA=folder" >&2; exit 2; }
	$(BIN)/python bench/generators.py --data "$(DATA)" $(ARGS)

docs: $(VENV)/developing
	$(BIN)/python docs/generate

clean:
	rm -rf $(VENV) $(VENV)-oldest $(BENCH_VENV) build dist out plugins/*/build plugins/*/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "augsynth needs Python 3.10 or newer: make PYTHON=python3.12")'
	@echo "== making the environment $(VENV)"
	$(PYTHON) -m venv $(VENV)

# torch goes first and alone: its pinned build decides what the rest may bring along.
$(VENV)/torch: $(CONSTRAINTS) | $(VENV)/bin/python
	@echo "== installing torch (the largest download)"
	$(PIP) torch
	@touch $@

# An editable installation knows where each module lies, so a module that is moved needs another installation.
$(VENV)/modules: FORCE | $(VENV)/bin/python
	@echo "$(MODULES)" | cmp -s - $@ || echo "$(MODULES)" > $@

# Editable: what is edited in Python is what runs. Native code, metadata and new places of modules need another one.
$(VENV)/installed: $(BUILT) $(VENV)/modules $(VENV)/torch
	@echo "== building the extension, installing augsynth and its plugins"
	$(PIP) -e ".[demo]" $(addprefix -e ./,$(PLUGINS))
	@touch $@

$(VENV)/developing: $(VENV)/installed
	@echo "== installing the tools for testing"
	$(PIP) "augsynth[dev]" "augsynth-diffusion[diffusers]"
	@mkdir -p build
	@touch $@

# The same packages, but no editable augsynth: there, PYTHONPATH says which build of it runs.
$(VENV)/plain: $(VENV)/developing
	$(BIN)/python -m venv --without-pip $@
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > $(VENV)/packages
	printf '%s\n' $(addprefix $(CURDIR)/,$(PLUGINS)) >> $(VENV)/packages
	mv $(VENV)/packages "$$($(PLAIN) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/packages.pth"
	@touch $@

$(BENCH_VENV)/peers: bench/requirements.txt
	@echo "== making the environment $(BENCH_VENV) (gigabytes)"
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --disable-pip-version-check -q $(PIP_ARGS) -r $<
	@touch $@

$(BENCH_VENV)/installed: $(CODE) $(BENCH_VENV)/peers
	@echo "== building augsynth for the benchmark"
	$(BENCH_VENV)/bin/python -m pip install --disable-pip-version-check -q -C build-dir=build/bench-objects $(PIP_ARGS) .
	@touch $@
