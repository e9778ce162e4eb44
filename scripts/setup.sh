#!/usr/bin/env bash
# Everything that a fresh machine with Node 20 and npm needs before longshore can be tried or tested: the npm packages
# (Node 24 comes as one of them), a container engine that works, the base image. Safe to run again: < 1 s when all is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/.."
. scripts/say.sh

command -v npm >/dev/null || fail "npm is not installed: install Node.js 20 or later with npm (https://nodejs.org), then run this again"

if ! reason=$(node scripts/packages-stale.mjs); then
  say "npm ci ($reason)"
  npm ci --no-audit --no-fund --loglevel=error >&2 || fail "npm ci failed: see its messages above"
fi
# npm can be told not to run install scripts; Node 24's package links its program in one.
if ! node_modules/.bin/node --version >/dev/null 2>&1; then
  node node_modules/node/installArchSpecificPackage.js >&2 || fail "Node 24 could not be installed from npm (package 'node')"
fi

if [ "${1:-}" != --no-engine ]; then bash scripts/engine/ensure.sh; fi
