# agor.nvim. `make demo` shows it, `make test` tests it; both need Rust, make, Python 3, git and a C compiler, and fetch
# what else they need into .deps/. Nothing of the user's is read or written.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help build demo test test-editor agents soak soak-short bench bench-start bench-short fuzz lint clean-deps

TARGET := $(or $(CARGO_TARGET_DIR),target)
# What `make agents` installs and tests with: the wire formats are tested against these versions. The last is no agent but
# what runners of the sidecar protocol may be run with.
AGENTS := \
	claude=@anthropic-ai/claude-code@2.1.197 \
	codex=@openai/codex@0.169.0 \
	gemini=@google/gemini-cli@0.61.0 \
	opencode=opencode-ai@1.18.33 \
	claude-agent-acp=@agentclientprotocol/claude-agent-acp@0.49.0 \
	codex-acp=@agentclientprotocol/codex-acp@2.6.0 \
	deno=deno@2.9.5

help:
	@echo 'make build   the backend, into bin/'
	@echo 'make demo    a Neovim with a running session of the demo agent'
	@echo 'make test    all tests that need no account and no installed agent'
	@echo '             test-editor: only those in which a Neovim runs (AGOR_NVIM=$$(scripts/get-nvim 0.12))'
	@echo 'make agents  the tests with real agents, offline, over mocks of their model servers (needs npm)'
	@echo 'make soak    ends sessions in every way there is, over and over, and lists what is left running'
	@echo '             (SOAK="--rounds 200 --seed 1 --agents scripted"); soak-short: each way once, as CI does it'
	@echo 'make bench   how an editor feels while an agent streams, as ratios (BENCH="--rounds 3 --scenarios flood")'
	@echo '             bench-start: what the plugin costs before that; bench-short: a minute, as CI runs it'
	@echo 'make fuzz    looks for inputs that break what reads them (FUZZ="--target markdown --seconds 300")'
	@echo 'make lint    formats, warnings, licences, types and spelling'

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

test-editor:
	@scripts/test editor

agents:
	@scripts/agents $(AGENTS)

soak:
	@scripts/soak $(SOAK)

soak-short:
	@scripts/soak --short

bench:
	@$(MAKE) --no-print-directory --silent build >&2
	@bench/run $(BENCH)

bench-start:
	@$(MAKE) --no-print-directory --silent build >&2
	@bench/run start $(BENCH)

bench-short:
	@$(MAKE) --no-print-directory --silent build >&2
	@bench/run --short $(BENCH)

fuzz:
	@scripts/fuzz $(FUZZ)

lint:
	@scripts/lint

clean-deps:
	rm -rf .deps
