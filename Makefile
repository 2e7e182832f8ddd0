# agor.nvim. `make demo` shows it, `make test` tests it; both need Rust, make, Python 3, git and a C compiler, and fetch
# what else they need into .deps/. Nothing of the user's is read or written.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help build demo test agents bench lint clean-deps

TARGET := $(or $(CARGO_TARGET_DIR),target)
# Claude Code's wire format is tested against this version.
CLAUDE_CODE := 2.1.197
AGENTS := .deps/agents

help:
	@echo 'make build   the backend, into bin/'
	@echo 'make demo    a Neovim with a running session of the demo agent'
	@echo 'make test    all tests that need no account and no installed agent'
	@echo 'make agents  the tests with real agents, offline, over mocks of their model servers (needs npm)'
	@echo 'make bench   how an editor feels while an agent streams, as ratios'
	@echo 'make lint    formats, warnings, types and spelling'

# By rename, so that a running backend keeps its program.
build:
	cargo build --release --locked --bin agor-nvim
	@mkdir -p bin
	@cp $(TARGET)/release/agor-nvim bin/.agor-nvim.new
	@mv -f bin/.agor-nvim.new bin/agor-nvim

demo:
	@$(MAKE) --no-print-directory --silent build >&2
	@scripts/demo

test:
	@scripts/test

$(AGENTS)/claude-code-$(CLAUDE_CODE):
	@command -v npm >/dev/null || { echo 'make agents: npm is not installed; install Node.js with npm (apt-get install nodejs npm)' >&2; exit 1; }
	@mkdir -p $(AGENTS)
	npm install --no-save --no-audit --no-fund --loglevel=error --prefix $(AGENTS) @anthropic-ai/claude-code@$(CLAUDE_CODE)
	@touch $@

# The tests find the agents' programs in AGOR_AGENTS.
agents: $(AGENTS)/claude-code-$(CLAUDE_CODE)
	@set -e; \
	AGOR_NVIM=$$(scripts/get-nvim); export AGOR_NVIM; \
	AGOR_TEST_TIMEOUT=$${AGOR_TEST_TIMEOUT:-120} AGOR_AGENTS=$(CURDIR)/$(AGENTS)/node_modules/.bin cargo test --locked --test agents

bench:
	@$(MAKE) --no-print-directory --silent build >&2
	@bench/run $(BENCH)

lint:
	@scripts/lint

clean-deps:
	rm -rf .deps
