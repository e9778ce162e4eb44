#!/usr/bin/env bash
# scripts/python/venv.sh NAME: a Python environment with what scripts/python/NAME.txt pins, made when it is not there or the
# list has changed. The last line of stdout is its bin folder. The tests' tools, never the product's: nothing else needs Python.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../say.sh"
. "$here/../apt.sh"

name=${1:?usage: venv.sh NAME}
list=$here/$name.txt
[ -r "$list" ] || fail "there is no $list"
venv=${LONGSHORE_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/longshore}/python/$name

if ! cmp -s "$list" "$venv/installed.txt"; then
  command -v python3 >/dev/null || fail "python3 is not installed: apt-get install python3 python3-venv"
  # Two test runs at once would each see half of the other's.
  mkdir -p "$(dirname "$venv")"
  exec 9>"$venv.lock"
  flock 9
  if ! cmp -s "$list" "$venv/installed.txt"; then
    say "Python packages of $name ($(tr '\n' ' ' <"$list"))"
    rm -rf "$venv"
    # Debian has ensurepip in a package of its own.
    if ! python3 -m venv "$venv" >/dev/null 2>&1; then
      install_packages python3-venv
      python3 -m venv "$venv" >&2
    fi
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$list" >&2 || fail "pip could not install $list"
    cp "$list" "$venv/installed.txt"
  fi
fi
echo "$venv/bin"
