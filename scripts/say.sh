# shellcheck shell=bash
# Sourced by the set-up scripts: how they talk, how they end, and how they become root.

say() { printf '%s\n' "longshore setup: $*" >&2; }

# Exit code 3 everywhere in longshore: the machine lacks something (docs/cli.md).
fail() {
  printf '%s\n' "longshore setup: $*" >&2
  exit 3
}

# Whether as_root can work without asking for what nobody is there to type.
can_be_root() {
  [ "$(id -u)" = 0 ] && return 0
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null || [ -t 0 ]
}

# as_root COMMAND…: directly, through sudo, or not at all with the sentence to give to an administrator.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif can_be_root; then
    sudo "$@"
  else
    fail "this needs root, and there is no sudo for $(id -un). Ask an administrator to run once:  $*"
  fi
}
