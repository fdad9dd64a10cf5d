# The commands of everyday work: `just --list`. Each is one line, so that it works without just, too.

# Lists the commands.
default:
    @just --list

# Compiles everything without building it.
check:
    cargo check --workspace --all-targets

# Runs every test, and the doctests.
test *ARGUMENTS:
    cargo test --workspace {{ ARGUMENTS }}

# Formats the sources.
format:
    cargo fmt --all
    cargo fmt --manifest-path tools/Cargo.toml

# Runs clippy over all targets.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Builds the documentation and opens it.
doc:
    cargo doc --workspace --no-deps --open

# Runs the CI, or the named steps of it: just ci format lints
ci *STEPS:
    bash .ci/run {{ STEPS }}

# Runs the long forms of tests, fuzzing and measurements, or the named ones: just long churn
long *STEPS:
    bash .ci/long {{ STEPS }}

# Fuzzes for so many seconds a target, all of them or those named: just fuzz 60 losant listing
fuzz SECONDS *TARGETS:
    fuzz/run {{ SECONDS }} {{ TARGETS }}

# Measures small pieces of work.
bench:
    cargo bench -p tokenfleet-benches

# Measures anew and writes a section of docs/PERFORMANCE.md: compare, instructions, listing, scaling or dependence.
performance SECTION:
    cargo run --release -p tokenfleet-benches --bin {{ SECTION }} -- --write

# Accepts the current public API: writes the texts in docs/public-api.
public-api:
    bash .ci/public-api --write

# Accepts the current fault matrix, conformance reports and table of capabilities: writes them.
expected:
    TOKENFLEET_WRITE=1 cargo test -p tokenfleet-tests --test fault_matrix --test conformance --test readme

# Checks licences, sources, bans and duplicates of the dependencies. `just deny advisories` needs the network.
deny *CHECKS="bans licenses sources":
    bash .ci/deny {{ CHECKS }}

# Checks the declared Rust release, and compiles with it if rustup has it.
rust-version:
    bash .ci/rust-version

# Packs every published crate, and builds each from its package.
package:
    bash .ci/package

# Shows the inventory of the four simulated platforms.
demo:
    cargo run --release -- inventory --simulate
