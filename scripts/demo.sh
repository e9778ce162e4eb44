#!/usr/bin/env bash
# npm run demo [-- HOME]: sets everything up, then shows the pipeline on a few small areas.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
exec node_modules/.bin/node --import ./scripts/load-engine-env.mjs scripts/demo.ts "$@"
