# Sourced by ./test and benches/run: where cargo builds, outside the tree, so that a fresh clone is built warm.
#
# Cargo names what it builds of a workspace by path within that workspace, and tells old from new by
# modification time alone: in a directory that two checkouts share, the older one would be handed the
# other's programs. What belongs to another checkout is therefore removed; dependencies stay.
export CARGO_TARGET_DIR="${SENTIMETER_TARGET:-$HOME/.cache/sentimeter-target}"
mkdir -p "$CARGO_TARGET_DIR"
if [ "$(cat "$CARGO_TARGET_DIR/.checkout" 2>/dev/null)" != "$PWD" ]; then
  cargo clean --quiet --locked --workspace --release
  printf '%s\n' "$PWD" >"$CARGO_TARGET_DIR/.checkout"
fi
