# readyup: `make demo` shows what it does, `make test` proves it. `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# The steps below build on each other and share Cargo's lock; Cargo itself uses all cores.
.NOTPARALLEL:

ADDON := packages/readyup/native/linux-$(shell uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/').node
SAY := @printf '\n== %s\n'

.PHONY: help demo test build lint format addon package programs need-build need-test \
	test-rust test-node test-lab lab-roots bench fuzz msrv clean

help: ## List what there is
	@printf 'usage: make TARGET\n\n'
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: need-build addon package programs ## Show the timeline of a Node service, from its start to its end
	$(SAY) 'demo: a Node service under `readyup trace`'
	@scripts/demo

test: need-test programs addon package test-rust test-node lab-roots test-lab ## Run every test; as root, real systemds included
	$(SAY) 'test: everything passed'

build: need-build addon package ## Leave the command in target/release and the npm package ready to use
	$(SAY) 'build: the command'
	@cargo build --release -p readyup-cli
	$(SAY) 'build: done: target/release/readyup and packages/readyup'

lint: need-build node_modules/.package-lock.json package ## Check formats, types and lints
	$(SAY) 'lint: Rust'
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings
	@cargo clippy -p readyup --no-default-features -- -D warnings
	@cargo clippy -p readyup-node --profile addon --features standalone -- -D warnings
	@RUSTDOCFLAGS='-D warnings' cargo doc -q --no-deps -p readyup
	$(SAY) 'lint: TypeScript and the npm package'
	@npx tsc -p packages/readyup/tsconfig.json --noEmit
	@npx prettier --check --log-level warn 'packages/**/*.{ts,mts,mjs,cjs,json}' 'examples/**/*.mjs'
	@cd packages/readyup && npx publint --strict && npx attw --pack . --quiet
	$(SAY) 'lint: all clean'

format: node_modules/.package-lock.json ## Format everything
	@cargo fmt --all
	@npx prettier --write --log-level warn 'packages/**/*.{ts,mts,mjs,cjs,json}' 'examples/**/*.mjs'

need-build:
	@scripts/need cargo cc node npm

need-test:
	@scripts/need cargo cc node npm strace lab

node_modules/.package-lock.json: package.json package-lock.json packages/readyup/package.json
	$(SAY) 'installing the development tools from npm'
	@npm ci
	@touch $@

# Cargo knows best whether it has to be built again.
addon:
	$(SAY) 'building the Node addon (the link fails if it could panic)'
	@cargo build -p readyup-node --profile addon --features standalone
	@mkdir -p $(dir $(ADDON))
	@cmp -s target/addon/libreadyup_node.so $(ADDON) || install -m 644 target/addon/libreadyup_node.so $(ADDON)

package: node_modules/.package-lock.json
	$(SAY) 'building the npm package'
	@npm run --silent -w readyup build

programs:
	$(SAY) 'building the command and the examples'
	@cargo build -p readyup-cli -p rust-service
	@cargo build -p readyup --examples

test-rust: ## Test the crates
	$(SAY) 'testing the library and the command'
	@cargo test -p readyup -p readyup-cli
	@cargo check -q -p readyup --no-default-features

test-node: programs addon package ## Test the npm package
	$(SAY) 'testing the npm package'
	@node --test packages/readyup/test/

lab-roots: ## Fetch a newer systemd than the machine's own for the lab (as root)
	$(SAY) 'the systemd versions to test with'
	@scripts/lab-roots

test-lab: programs ## Test against real systemds (as root)
	$(SAY) 'testing against real systemds'
	@cargo test -p readyup-lab

bench: build ## Measure heartbeats beside others'
	@bench/run

msrv: ## Check that the crates build with the oldest Rust that is promised (it must be installed)
	@cargo +1.85 check -p readyup -p readyup-cli

clean: ## Remove what was built
	@cargo clean
	@rm -rf node_modules packages/*/dist packages/*/native
