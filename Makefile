# What people type. `make demo` and `make test` work on a fresh Debian 12; a second run of either
# uses no network. ONLY=label runs one part of the tests, ROOM=folder one room's
# unit tests, ALL=1 the sanitizers too (what CI runs); see tools/test.py --help.
.DEFAULT_GOAL := build
.PHONY: build dist setup demo serve-demo test test-sanitizers sandbox sandbox-down chaos load bench lint fuzz lock release clean

PRESET ?= release
JOBS ?= 2
BUILD := build/$(PRESET)

setup:
	@tools/setup.sh

# The program lands in build/sluice, its manual page in build/sluice.1 (man -l), the sandbox's commands in build/venv/bin/.
build: setup
	@cmake --preset $(PRESET) --log-level=WARNING > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build $(BUILD) -j$(JOBS) --target sluice
	@ln -sfn $(PRESET)/src/cli/sluice build/sluice
	@build/sluice man > build/sluice.1

# A wheel that carries the program and a Debian package, in build/dist; the same commit gives the same bytes.
dist: build
	@build/venv/bin/python tools/dist.py --binary $(BUILD)/src/cli/sluice

demo: build
	@tools/demo.sh

# The sandbox and the service, with a link to begin with; Ctrl-C stops both. LISTEN=127.0.0.1:8765.
serve-demo: build
	@tools/serve_demo.sh

test: setup
	@tools/test.py $(if $(ONLY),--only $(ONLY)) $(if $(ROOM),--room $(ROOM)) $(if $(ALL),--all)

# Unit tests and the end-to-end test under ASan+UBSan and TSan.
test-sanitizers: setup
	@tools/test.py --sanitizers

sandbox: build
	@build/venv/bin/redshift-sandbox up --dir build/sandbox --data tpch:0.1,types
	@echo "Stop it with: make sandbox-down"

sandbox-down:
	@build/venv/bin/redshift-sandbox down --dir build/sandbox

# More of what chance does in `make test`: N random histories, or KILLS kills at random moments, or both.
# make chaos N=2000, make chaos KILLS=1000; SEED=n begins elsewhere; MODE=history plays the modes of that name alone
# (tests/e2e/history.py): make chaos KILLS=300 MODE=history.
chaos: setup
	@$(if $(or $(N),$(if $(KILLS),,200)),HISTORIES=$(or $(N),200) SEED=$(or $(SEED),0) MODE=$(MODE) tools/test.py --only model)
	@$(if $(KILLS),KILLS=$(KILLS) SEED=$(or $(SEED),0) MODE=$(MODE) tools/test.py --only crash)

# The whole of `make test ONLY=load`, with the release build: 50 tenants of 20 pipelines, 1,000 runs at once; its figures land in build/load.json.
load: build
	@cmake --build $(BUILD) -j$(JOBS) --target sluice_load
	@LOAD=full LOAD_FIGURES=$(CURDIR)/build/load.json SLUICE_BUILD=$(CURDIR)/$(BUILD) build/venv/bin/python -m pytest -q \
		--no-header -p no:cacheprovider tests/serve -m load

bench: build
	@build/venv/bin/python bench/run.py

lint: setup
	@tools/lint.sh

fuzz: setup
	@tools/fuzz.sh

# Resolves tools/requirements.in again; the only step that moves a version.
lock:
	@tools/lock.sh

# Cuts a version: make release VERSION=0.2.0. Commits and tags nothing.
release:
	@tools/release.py $(VERSION)

clean:
	rm -rf build
