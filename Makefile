# Every check and chore of the project by one name. `make` lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# The steps of `test` run in the order written, the quick ones first.
.NOTPARALLEL:

TARGET := $(or $(CARGO_TARGET_DIR),target)
# Verdicts recorded from the reference engine. They live beside the repository, not in it.
CONFORMANCE ?= ../shared/conformance/run
# Directories whose files are written by `make golden` alone.
WRITTEN := golden docs schemas bpf/generated backends/objects

.PHONY: help
help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name what; do \
		printf '%-12s %s\n' "$$name" "$$what"; done

.PHONY: test
test: setup fmt clippy walls generated bpf unit docs written conformance fuzz-short ## everything that must hold before a change lands

.PHONY: setup
setup: ## install what the tests need beside Rust, if it is missing
	@scripts/setup

.PHONY: cluster
cluster: ## build the API server that tests of live clusters ask
	@scripts/setup-cluster

.PHONY: fmt
fmt: ## formatting
	cargo fmt --all --check

.PHONY: clippy
clippy: ## lints, every warning an error
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: walls
walls: ## the rules between and inside the crates
	cargo xtask walls

.PHONY: generated
generated: ## generated files are what the code says
	cargo xtask generate --check

.PHONY: bpf
bpf: ## the committed objects are what the C datapath compiles to
	cargo xtask bpf --check

.PHONY: unit
unit: ## unit, golden and documentation tests
	@if cargo nextest --version >/dev/null 2>&1; then \
		echo "unit: with cargo-nextest"; \
		cargo nextest run --workspace --locked --no-fail-fast; \
		cargo test --workspace --locked --doc --quiet; \
	else \
		echo "unit: with cargo test, as cargo-nextest is absent"; \
		cargo test --workspace --locked --no-fail-fast; \
	fi

.PHONY: docs
docs: ## the crates' documentation builds without a warning
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace --locked

# While working, goldens are often changed and not committed yet: that fails in CI alone.
.PHONY: written
written: ## goldens and generated files are committed
	@if ! git rev-parse --is-inside-work-tree >/dev/null 2>&1; then \
		echo "written: no git checkout, nothing to compare with"; \
	elif [ -z "$$(git status --porcelain -- $(WRITTEN))" ]; then \
		echo "written: clean"; \
	else \
		git status --short -- $(WRITTEN); git --no-pager diff -- $(WRITTEN); \
		echo "written: the files above differ from the last commit"; \
		[ -z "$${CI:-}" ]; \
	fi

.PHONY: release
release:
	cargo build --release --locked --package sluice

.PHONY: conformance
conformance: release ## the release binary against recorded verdicts
	@if [ -x "$(CONFORMANCE)" ]; then \
		"$(CONFORMANCE)" --sluice "$(TARGET)/release/sluice"; \
	else \
		echo "conformance: $(CONFORMANCE) is absent, not run"; \
	fi

.PHONY: fuzz-short
fuzz-short:
	@if [ -x fuzz/run ]; then fuzz/run 10; else echo "fuzz: fuzz/run is absent, not run"; fi

.PHONY: fuzz
fuzz: ## ten minutes on every fuzz target
	fuzz/run 600

.PHONY: golden
golden: ## rewrite goldens and generated files; then read the diff
	SLUICE_BLESS=1 INSTA_UPDATE=always cargo test --workspace --locked --quiet
	cargo xtask generate
	cargo xtask bpf
	@git status --short -- $(WRITTEN)

.PHONY: bench
bench: ## the numbers that are promised
	cargo build --release --locked --package sluice
	scripts/bench --write

.PHONY: dist
dist: ## a release: static binary, manual pages, checksums, krew manifest
	@scripts/dist

.PHONY: demo
demo: ## a short tour
	scripts/demo
