# A thin front to scripts/ and Meson. `make help` lists what there is.

SHELL := /bin/bash
.DEFAULT_GOAL := build
# The steps of a target run one after the other; Ninja is what runs in parallel.
.NOTPARALLEL:
.PHONY: build demo test sim test-aws test-long soak check bench fuzz format install clean help

build: ## Build docmill and docmill-pdf into build/ (installs what is missing first)
	@scripts/install-packages build
	@scripts/build

demo: build ## Read a document and show the result; FILE=paper.pdf takes your own
	@scripts/demo $${FILE:+"$$FILE"}

test: ## Unit tests (also under sanitizers), the simulator, then integration tests
	@scripts/install-packages test
	@scripts/test

sim: ## The simulator: SEEDS=1-5000, or SEED=17 TRACE=1 for the story of one, or PLANTED=1
	@scripts/install-packages test
	@scripts/sim

test-aws: ## docmill on what stands in for Amazon's services; ARGS="-k name" are pytest's
	@scripts/install-packages aws
	@scripts/test-aws $(ARGS)

test-long: ## More of what chance finds: 100,000 seeds, a hundred rounds of deaths and of power cuts
	@scripts/install-packages test
	@scripts/test-long

soak: ## 10,000 documents with restarts: is anything lost, does anything grow? DOCUMENTS=n, SEED=n
	@scripts/install-packages test
	@scripts/soak $${DOCUMENTS:+--documents "$$DOCUMENTS"} $${SEED:+--seed "$$SEED"}

check: ## Formatting, warnings as errors, static analysis, rules between the rooms
	@scripts/install-packages check
	@scripts/check

bench: ## Measure docmill beside other programs
	@scripts/install-packages bench
	@scripts/build -Dbench=true
	@bench/run

fuzz: ## Feed the parsers made-up bytes for TIME=60 seconds; ONLY=name, REPLAY=file
	@scripts/install-packages fuzz
	@TIME="$${TIME:-60}" scripts/fuzz

format: ## Rewrite the C sources the way `make check` wants them
	@scripts/install-packages check
	@scripts/format

install: build ## Install under PREFIX (/usr/local), below DESTDIR if given
	@scripts/install

clean: ## Remove everything that was built
	rm -rf build build-asan build-tsan build-check build-fuzz .venv

help: ## This list
	@echo "docmill: a document in, every page read by a model, one result out."
	@echo
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
	@echo
	@echo "After \`make\`: build/docmill run FILE reads a document, build/docmill serve starts the server."
	@echo "JOBS=n limits how many compilers run at once."
