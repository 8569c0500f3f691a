# readyup: `make demo` shows what it does, `make test` proves it. `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# The steps below build on each other and share Cargo's lock; Cargo itself uses all cores.
.NOTPARALLEL:

HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
# The npm packages: readyup, and those that stand in for others.
PACKAGES := $(patsubst %/package.json,%,$(wildcard packages/*/package.json))
ADDON := packages/readyup/native/linux-$(shell uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/').node
# What prettier looks after.
PRETTY := 'packages/**/*.{ts,mts,mjs,cjs,js,json}' '{examples,runtimes,scripts}/**/*.{ts,mjs,cjs,js}' 'bench/node/*.{mjs,cjs}' \
	'conformance/**/*.{mjs,cjs,mts}'
SAY := @printf '\n== %s\n'

SUITES ?= trixie

.PHONY: help demo test build install lint docs format generate addon package programs static need-build need-test \
	test-rust test-node test-compat test-examples test-notify test-lab lab-roots test-runtimes test-arm64 test-memory cross dist \
	dist-check bench bench-quick fuzz msrv clean

help: ## List what there is
	@printf 'usage: make TARGET\n\n'
	@sed -n 's/^\([a-z0-9-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: need-build addon package programs ## Show the timelines of a Node service and of a shell script
	$(SAY) 'demo: a Node service under `readyup trace`'
	@scripts/demo

test: need-test programs static addon package test-rust test-node test-compat test-notify lab-roots test-lab ## Run every test; as root, real systemds included
	$(SAY) 'test: everything passed'

build: need-build static addon package ## Leave the commands in target/static and the npm package ready to use
	$(SAY) 'build: done: target/static/readyup, target/static/systemd-notify and packages/readyup'

PREFIX ?= /usr/local
STATIC ?= target/static
install: ## Install what `make build` left: the commands, manual pages, completions (PREFIX=/usr/local, DESTDIR=)
	@for file in readyup systemd-notify; do [ -x $(STATIC)/$$file ] || { echo 'install: run `make static` first' >&2; exit 1; }; done
	@install -D -m 755 $(STATIC)/readyup $(DESTDIR)$(PREFIX)/bin/readyup
	@install -D -m 755 $(STATIC)/systemd-notify $(DESTDIR)$(PREFIX)/libexec/readyup/systemd-notify
	@install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 man/*.1
	@install -D -m 644 completions/readyup.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/readyup
	@install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/zsh/site-functions completions/_readyup
	@install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d completions/readyup.fish
	@echo 'installed in $(DESTDIR)$(PREFIX)'

lint: need-build node_modules/.package-lock.json package ## Check formats, types and lints
	$(SAY) 'lint: Rust'
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings
	@cargo clippy -p readyup --no-default-features -- -D warnings
	@cargo clippy -p readyup --no-default-features --features alloc -- -D warnings
	@cargo clippy -p readyup-node --profile addon --features standalone -- -D warnings
	@cargo clippy -p readyup-notify --profile small --features standalone -- -D warnings
	@cargo run -q -p readyup-generate -- --check
	$(SAY) 'lint: TypeScript and the npm packages'
	@npx tsc -p packages/readyup/tsconfig.json --noEmit
	@npx tsc --noEmit --strict --target es2022 --module node16 --types node conformance/node/types.mts
	@npx prettier --check --log-level warn $(PRETTY)
	@for package in $(PACKAGES); do (cd $$package && npx publint --strict && npx attw --pack . --quiet); done
	$(SAY) 'lint: the API documentation'
	@scripts/docs
	$(SAY) 'lint: all clean'

docs: need-build node_modules/.package-lock.json ## Make the API documentation of the npm package and of the crate in target/docs
	$(SAY) 'making the API documentation'
	@scripts/docs
	@echo 'docs: done: target/docs/node/index.html and target/docs/rust/readyup/index.html'

format: node_modules/.package-lock.json ## Format everything
	@cargo fmt --all
	@npx prettier --write --log-level warn $(PRETTY)

need-build:
	@scripts/need cargo cc static node npm

need-test:
	@scripts/need cargo cc static node npm strace shells python lab

node_modules/.package-lock.json: package.json package-lock.json $(PACKAGES:=/package.json)
	$(SAY) 'installing the development tools from npm'
	@npm ci
	@touch $@

generate: ## Make the manual pages and the shells' completions anew
	@cargo run -q -p readyup-generate

# Cargo knows best whether it has to be built again.
addon:
	$(SAY) 'building the Node addon (the link fails if it could panic)'
	@cargo build -p readyup-node --profile addon --features standalone
	@mkdir -p $(dir $(ADDON))
	@cmp -s target/addon/libreadyup_node.so $(ADDON) || install -m 644 target/addon/libreadyup_node.so $(ADDON)
	@scripts/wasm

package: node_modules/.package-lock.json
	$(SAY) 'building the npm packages'
	@npm run --silent --workspaces build

programs:
	$(SAY) 'building the command and the examples'
	@cargo build -p readyup-cli -p rust-service -p readyup-conformance
	@cargo build -p readyup --examples

# Without a libc of the machine's in them, so that they run anywhere. (Flags in the environment and a target that is named
# don't touch what Cargo builds for itself.)
static: ## Leave the static commands in target/static
	$(SAY) 'building the static commands'
	@RUSTFLAGS='-C target-feature=+crt-static -C relocation-model=static' \
		cargo build --release -p readyup-cli --target $(HOST)
	@cargo rustc -p readyup-notify --bin systemd-notify --profile small --features standalone -- -C relocation-model=static
	@install -D -t target/static $(or $(CARGO_TARGET_DIR),target)/$(HOST)/release/readyup \
		$(or $(CARGO_TARGET_DIR),target)/small/systemd-notify

cross: ## Build the addon and the static commands for arm64, too
	@scripts/need cargo cc cross
	$(SAY) 'building for arm64'
	@scripts/release arm64

test-arm64: programs static cross ## Test the static commands for arm64, emulated
	@scripts/need emulator
	$(SAY) 'testing the commands for arm64'
	@runtimes/arm64

test-runtimes: programs addon package cross ## Test the packed npm package on Node 18 to 26, Bun, Deno, musl and arm64
	@scripts/need node npm pip patchelf emulator
	$(SAY) 'testing the npm package on every runtime'
	@runtimes/fetch
	@node runtimes/run.mjs

test-memory: programs addon package ## Run the addon under valgrind
	@scripts/need node npm pip patchelf valgrind
	$(SAY) 'running the addon under valgrind'
	@runtimes/fetch
	@node runtimes/memory/run.mjs

dist: package ## Leave everything that is published in target/dist
	@scripts/need cargo cc static node npm cross
	$(SAY) 'making what is published'
	@scripts/dist

dist-check: ## Prove that `make dist` is reproducible (minutes)
	@scripts/dist-check

test-rust: ## Test the crates
	$(SAY) 'testing the library and the command'
	@cargo test -p readyup -p readyup-notify -p readyup-cli -p readyup-generate -p rust-service
	@cargo check -q -p readyup --no-default-features
	@cargo check -q -p readyup --no-default-features --features alloc

test-node: programs addon package ## Test the npm packages
	$(SAY) 'testing the npm packages'
	@node --test $(PACKAGES:=/test/) examples/node-http/

test-compat: programs addon package ## Test the npm packages that stand in for others with the originals' tests and examples
	$(SAY) 'testing with the originals'
	@scripts/compat-tests

test-examples: programs static addon package ## Test the examples with NestJS, Next.js, vitest, jest and podman
	@scripts/need node npm lab podman
	$(SAY) 'testing the examples with large frameworks'
	@scripts/test-examples

test-notify: static ## Test readyup notify and the small systemd-notify beside the installed systemd-notify
	$(SAY) 'testing beside systemd-notify'
	@scripts/conformance

lab-roots: ## Fetch a newer systemd than the machine's own for the lab (as root)
	$(SAY) 'the systemd versions to test with'
	@scripts/lab-roots $(SUITES)

test-lab: programs static ## Test against real systemds (as root; ONLY=part of a trial's name)
	$(SAY) 'testing against real systemds'
	@runtimes/fetch npm
	@cargo test -p readyup-lab $(if $(ONLY),--test lab -- $(ONLY))

bench: build ## Measure where we stand beside everyone else (a quarter of an hour at the most)
	@bench/run

bench-quick: build ## The same in two minutes, less certain; leaves the results that are kept alone
	@bench/run --quick

msrv: ## Check that the crates build with the oldest Rust that is promised (it must be installed)
	@cargo +1.85 check -p readyup -p readyup-notify -p readyup-cli

clean: ## Remove what was built
	@cargo clean
	@rm -rf node_modules packages/*/dist packages/*/native
