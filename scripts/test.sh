#!/usr/bin/env bash
# npm test: sets everything up, then checks and tests all there is.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
bash scripts/browser.sh
bash scripts/registry.sh
# The tools of node_modules start `node`: theirs is Node 24.
export PATH="$PWD/node_modules/.bin:$PATH"
exec node --import ./scripts/load-engine-env.mjs scripts/test.ts "$@"
