#!/usr/bin/env bash
# docker-registry, for the tests that push images. Nothing else needs it: where it cannot be had, this says so and ends well,
# and those tests are skipped, saying so too.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/say.sh"
. "$here/apt.sh"

! command -v docker-registry >/dev/null || exit 0
(can_be_root && install_packages docker-registry) ||
  say "docker-registry could not be installed: the tests of pushing images are skipped"
