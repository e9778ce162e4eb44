#!/usr/bin/env bash
# npm run test:aws: the stack, deployed to an emulator of AWS and driven end to end (docs/testing.md). Arguments go to Jest.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
export PATH="$PWD/node_modules/.bin:$PATH"
node --import ./scripts/load-engine-env.mjs scripts/images.ts
NODE_OPTIONS="${NODE_OPTIONS:-} --experimental-vm-modules --disable-warning=ExperimentalWarning" \
  exec jest tests/aws "$@"
