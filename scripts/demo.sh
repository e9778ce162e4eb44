#!/usr/bin/env bash
# npm run demo [-- HOME]: sets everything up, then shows the pipeline on a few small areas.
set -euo pipefail
cd "$(dirname "$0")/.."
# LONGSHORE_ENGINE=none: the tasks run on the machine itself, with the tools that  longshore doctor  names.
if [ "${LONGSHORE_ENGINE:-}" = none ]; then bash scripts/setup.sh --no-engine; else bash scripts/setup.sh; fi
exec node_modules/.bin/node --import ./scripts/load-engine-env.mjs scripts/demo.ts "$@"
