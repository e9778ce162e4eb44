#!/usr/bin/env bash
# Chromium, for the tests of the dashboard's page and for its picture. Nothing else needs it: where it cannot be had, this
# says so and ends well, and those tests are skipped, saying so too.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/say.sh"
. "$here/apt.sh"

[ -z "${CHROMIUM:-}" ] || exit 0
for name in chromium chromium-browser google-chrome-stable google-chrome; do
  ! command -v "$name" >/dev/null || exit 0
done
(can_be_root && install_packages chromium fonts-dejavu-core) ||
  say "Chromium could not be installed: the tests of the dashboard's page are skipped (CHROMIUM=/path/to/it names one)"
