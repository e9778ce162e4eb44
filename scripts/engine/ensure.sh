#!/usr/bin/env bash
# Makes sure that this machine can build and run containers: finds Docker or Podman or installs Podman, finds the
# settings under which a container starts, and has the base image ready. What was found is written to
# ~/.cache/longshore/engine.env, which the `longshore` command and the npm scripts read (cli/engine-env.mjs); a second
# call on the same boot with the same engine only looks whether that still holds.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../say.sh"
. "$here/find.sh"
. "$here/../apt.sh"
. "$here/install.sh"
. "$here/storage.sh"
. "$here/base-image.sh"
. "$here/settings.sh"

cache=${LONGSHORE_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/longshore}
found=$cache/engine.env

# What an earlier call found and its caller exported must not count as the user's own choice.
[ "${CONTAINERS_CONF:-}" != "$cache/containers.conf" ] || unset CONTAINERS_CONF
[ "${CONTAINERS_STORAGE_CONF:-}" != "$cache/storage.conf" ] || unset CONTAINERS_STORAGE_CONF

# All that the answer depends on: the boot, who asks, the engine's program and the user's own settings for it.
key() {
  local program
  program=$(command -v "$1" || true)
  echo "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null) uid=$(id -u) $program $(stat -L -c %Y "$program" 2>/dev/null)" \
    "conf=$2 storage=$3 docker=${DOCKER_HOST:-}"
}

still_holds() {
  [ -f "$found" ] || return 1
  local engine
  engine=$(sed -n 's/^LONGSHORE_ENGINE=//p' "$found")
  [ -n "$engine" ] && [ "${LONGSHORE_ENGINE:-$engine}" = "$engine" ] || return 1
  [ "$(sed -n 's/^# for //p' "$found")" = "$(key "$engine" "${CONTAINERS_CONF:-}" "${CONTAINERS_STORAGE_CONF:-}")" ] || return 1
  (
    set -a
    # shellcheck disable=SC1090
    . "$found"
    "$engine" image inspect "$BASE_IMAGE" >/dev/null 2>&1
  )
}

if still_holds; then exit 0; fi

user_conf=${CONTAINERS_CONF:-} user_storage=${CONTAINERS_STORAGE_CONF:-}
choose_storage "$cache/storage.conf"
engine=$(find_engine) || {
  [ "${LONGSHORE_ENGINE:-podman}" = podman ] || fail "LONGSHORE_ENGINE=docker, but no Docker daemon answers: start it, or unset the variable"
  install_podman
  engine=$(find_engine) || { podman info >&2 || true; fail "Podman is installed but does not work: see its message above"; }
}
[ "$engine" != podman ] || give_id_ranges
ensure_base_image "$engine"
find_settings "$engine" "$cache/containers.conf"
mkdir -p "$cache"
{
  echo '# Written by scripts/engine/ensure.sh, read by cli/engine-env.mjs. Delete it to have everything found again.'
  echo "# for $(key "$engine" "$user_conf" "$user_storage")"
  echo "LONGSHORE_ENGINE=$engine"
  for name in CONTAINERS_CONF CONTAINERS_STORAGE_CONF LONGSHORE_BUILD_NETWORK; do
    [ -z "${!name:-}" ] || echo "$name=${!name}"
  done
} >"$found.$$"
mv "$found.$$" "$found"
say "containers run with $engine${CONTAINERS_CONF:+ and $CONTAINERS_CONF}"
