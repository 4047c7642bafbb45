# OpenSMETS: `make demo` shows it working, `make test` proves it. Both set up everything they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUBS := rp2 esp32
BOARDS := RPI_PICO RPI_PICO_W ESP32_GENERIC ESP32_GENERIC_S3
# $(call check_board,BOARD,STUBS): the firmware's types, as that board has it
check_board = MYPYPATH=.stubs/$(2):firmware:boards/$(1) $(BIN)/mypy --config-file boards/mypy.ini --custom-typeshed-dir .stubs/$(2) --cache-dir .mypy_cache/$(1) firmware/smets firmware/main.py firmware/boot.py boards/$(1)/board.py $(wildcard boards/$(2)/_boot.py)
STAMP := $(VENV)/.installed
.DEFAULT_GOAL := help
.PHONY: help install demo test explore lint format bench size heap tables lock clean image flash reproducible

help: ## List what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

install: $(STAMP) ## Make .venv with pinned versions and the smets command in .venv/bin

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: $(STAMP) ## A meter in real MicroPython, commanded by real DUIS XML: the tour
	$(BIN)/smets demo

test: $(STAMP) ## Run every test, device tests on CPython and on MicroPython
	$(BIN)/python -m pytest -n 2 --dist loadgroup

explore: $(STAMP) ## Run the property tests on examples that no run has seen: make explore [TESTS=tests/host]
	$(BIN)/python -m pytest -n 2 --dist loadgroup --hypothesis-profile=explore -m hypothesis $(TESTS)

lint: $(STAMP) $(STUBS:%=.stubs/%/.installed) ## ruff, strict mypy on the host, board stubs on the firmware
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(foreach board,$(BOARDS),$(call check_board,$(board),$(if $(findstring RPI,$(board)),rp2,esp32)) &&) true

.stubs/%/.installed: stubs-%.lock $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --upgrade --target $(@D) -r $<
	touch $@

format: $(STAMP) ## Put the code in the house's shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## Speeds, as ratios measured in one run
	$(BIN)/python -m benchmarks

size: $(STAMP) ## What of the firmware stays in memory, by room; fails when a budget is outgrown
	$(BIN)/python -m opensmets.bench.sizes

heap: $(STAMP) ## What one of every request leaves free of a Pico's heap, with empty and with full logs
	$(BIN)/python -m pytest -q -rx -s tests/end_to_end/test_heap_gate.py

image: $(STAMP) ## Build a board's image: BOARD=RPI_PICO ..., [BENCH=1] [PANEL=1] [FROZEN=1] (boards/README.md)
	$(BIN)/smets image "$(BOARD)" $(if $(BENCH),--bench) $(if $(PANEL),--panel) $(if $(FROZEN),--frozen)

flash: $(STAMP) ## Put it on a board: BOARD=... PORT=..., [UPDATE=1] [FACTORY=1] [BENCH=1] [PANEL=1]
	$(BIN)/smets flash "$(BOARD)" --port "$(PORT)" $(if $(UPDATE),--update) $(if $(FACTORY),--factory) $(if $(BENCH),--bench) $(if $(PANEL),--panel)

reproducible: $(STAMP) ## Build every board's image twice, in two places, and compare the bytes
	SMETS_ALL_BOARDS=1 $(BIN)/python -m pytest -q tests/host/test_reproducible_image.py

tables: $(STAMP) ## Generate the device's packed tables and docs/alerts.md from the catalogue
	$(BIN)/python -m opensmets.catalogue.pack
	$(BIN)/python -m opensmets.catalogue.alert_behaviour

lock: $(STAMP) ## Renew the pins (needs pip-tools in .venv)
	$(BIN)/pip-compile --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-header --quiet --output-file requirements.lock requirements.in
	for board in $(STUBS); do $(BIN)/pip-compile --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-header --quiet --output-file stubs-$$board.lock stubs-$$board.in; done

clean: ## Remove what was made
	rm -rf $(VENV) .stubs .pytest_cache .mypy_cache .ruff_cache .hypothesis build
