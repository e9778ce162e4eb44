#!/usr/bin/env bash
# npm run bench [-- …]: sets everything up, then measures (bench/README.md). `-- simulate …`: only what needs no containers.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = simulate ]; then
  shift
  export PATH="$PWD/node_modules/.bin:$PATH"
  exec node bench/simulate.ts "$@"
fi
bash scripts/setup.sh
export PATH="$PWD/node_modules/.bin:$PATH"
node --import ./scripts/load-engine-env.mjs bench/osm-mapsforge.ts "$@"
[ $# -gt 0 ] || node bench/simulate.ts
