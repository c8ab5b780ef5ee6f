# What both commands of this folder share: a copy of the last commit, and the tests that are asked there.
# To be sourced from the root of the repository, with the name of the copy.

say() { printf '%s\n' "$*" >&2; }

give_up() {
    say "$*"
    exit 2
}

cache=${XDG_CACHE_HOME:-$HOME/.cache}/hissa
repository=$PWD
tree=$cache/$1/tree
log=$cache/$1/log
commit=$(git rev-parse --short HEAD)

remove_tree() { git -C "$repository" worktree remove --force "$tree" 2>/dev/null || rm -rf "$tree"; }

# Makes the copy, and goes there.
copy_tree() {
    mkdir -p "${tree%/tree}"
    # Two runs in one copy would take each other's bugs for their own.
    exec 9>"$log.lock"
    flock --nonblock 9 || give_up "Another run uses $tree."
    remove_tree
    git worktree prune
    git worktree add --quiet --detach "$tree" HEAD
    trap remove_tree EXIT
    cd "$tree"
    # What a bug changes is built anew within seconds.
    export CARGO_TARGET_DIR=${tree%/tree}/target CARGO_INCREMENTAL=1 CARGO_PROFILE_RELEASE_DEBUG=0
}

# A bug may well make a loop endless.
longest=120

# The unit tests of these packages; the core against the oracle, on logs by chance; the simulator, kept seeds first.
tested=(-p hissa-core)
build_unit() { cargo test --quiet --release --locked --no-run "${tested[@]}" --lib; }
build_oracle() { cargo test --quiet --release --locked --no-run -p hissa-oracle --test against_core; }
build_simulator() { cargo build --quiet --release --locked -p simulate; }

unit() { timeout "$longest" cargo test --quiet --release --locked "${tested[@]}" --lib; }

oracle() { timeout "$longest" cargo test --quiet --release --locked -p hissa-oracle --test against_core; }

simulator() {
    local first last=${HISSA_PLANTED_SEEDS:-40}
    for ((first = 0; first < last; first += 20)); do
        timeout "$longest" "$CARGO_TARGET_DIR/release/simulate" --small --threads 2 --first "$first" --seeds 20 || return 1
    done
}
