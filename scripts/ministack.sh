#!/usr/bin/env bash
# scripts/ministack.sh: the AWS emulator that tests/aws deploys to, installed if it is missing. The last line of stdout is the
# Python that has it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/say.sh"
. "$here/apt.sh"

# It makes its certificate with it.
command -v openssl >/dev/null || install_packages openssl
echo "$(bash "$here/python/venv.sh" ministack)/python"
