# The only entry point: people and CI call these. `make help` lists them.
CARGO ?= cargo
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
LOOM_FLAGS := --cfg loom -C debug-assertions
.DEFAULT_GOAL := help
.PHONY: help demo test bench compare growth writes loom lint doc sanitize stress ci

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## run one program on one thread and on all cores, and show the difference
	$(CARGO) run --release --example contrast -- $(ARGS)

test: ## run all tests, with the system's own poller and with the portable one
	$(CARGO) test
	PELMENI_POLLER=portable $(CARGO) test -p pelmeni-scheduler -p pelmeni --tests

bench: ## measure each workload on one thread and on many
	$(CARGO) bench -p pelmeni-benches

# Both of the package's programs are built: `compare` starts `allocations`. With ARGS of your own nothing is written,
# unless they say `--write DIR`.
compare: ## measure pelmeni beside tokio, smol and asyncio; writes benches/RESULTS.md and charts, unless there are ARGS
	$(CARGO) build --profile bench -p pelmeni-benches --bins
	$(CARGO) run --profile bench -p pelmeni-benches --bin compare -- $(or $(ARGS),--write benches)

growth: ## measure with more workers, tasks, timers, connections; writes benches/GROWTH.md, unless there are ARGS
	$(CARGO) run --profile bench -p pelmeni-benches --bin compare -- --growth $(or $(ARGS),--write benches)

writes: ## count atomic exchanges and writes to shared lines per operation, and test that they are as few as they should be
	RUSTFLAGS="--cfg pelmeni_count" $(CARGO) test --release --target-dir target/count -p pelmeni-shared-writes
	RUSTFLAGS="--cfg pelmeni_count" $(CARGO) run --release --target-dir target/count -p pelmeni-shared-writes

loom: ## check every model, then that each seeded bug is found by one
	RUSTFLAGS="$(LOOM_FLAGS)" $(CARGO) test --release --target-dir target/loom -p pelmeni-loom-tests -- --test-threads=2 --nocapture
	RUSTFLAGS="$(LOOM_FLAGS)" $(CARGO) run --release --target-dir target/loom -p pelmeni-loom-tests --bin mutants

lint: ## check format and lints, also of what is built for models and for `make writes`
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTFLAGS="--cfg loom" $(CARGO) clippy --target-dir target/loom -p pelmeni-loom-tests --all-targets -- -D warnings
	RUSTFLAGS="--cfg pelmeni_count" $(CARGO) clippy --target-dir target/count -p pelmeni-shared-writes --all-targets -- -D warnings

doc: ## build the documentation, without warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

# The tests in `leaks` measure the process's memory, which the sanitizer holds back.
sanitize: ## run the tests under AddressSanitizer and LeakSanitizer
	LSAN_OPTIONS=suppressions=$(CURDIR)/.ci/lsan.supp:print_suppressions=0 \
	RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address --cfg pelmeni_malloc" $(CARGO) test --target $(HOST) --target-dir target/sanitize \
		-p pelmeni-core -p pelmeni-driver -p pelmeni-scheduler -p pelmeni-sync -p pelmeni --tests -- --skip leaks::

stress: ## run the tests of core and scheduler 200 times in a row, those of the facade 20 times, under both pollers
	sh .ci/stress

ci: lint doc writes loom sanitize test ## all that a change must pass
	$(CARGO) build --workspace --all-targets
	$(CARGO) test -p pelmeni-benches
	$(CARGO) run --release --example contrast -- --html target/contrast.html
