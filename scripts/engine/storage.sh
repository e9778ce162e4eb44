# shellcheck shell=bash
# Sourced. choose_storage CONF: where /dev/fuse is closed to users, rootless Podman falls back to its vfs driver, which
# copies a whole image for every layer and every container. The kernel can do overlays for users since 5.13, Podman 4
# only does not ask. The driver is fixed when Podman first runs for a user, so this comes before; a store that exists
# is left as it is.

choose_storage() {
  local conf=$1
  [ "$(id -u)" != 0 ] && [ -z "${CONTAINERS_STORAGE_CONF:-}" ] || return 0
  # Chosen by an earlier call: the store goes on needing it.
  if [ -f "$conf" ]; then export CONTAINERS_STORAGE_CONF=$conf; return; fi
  [ ! -w /dev/fuse ] && [ ! -e "${XDG_DATA_HOME:-$HOME/.local/share}/containers/storage/libpod" ] || return 0
  mkdir -p "$(dirname "$conf")"
  {
    echo '# Written by scripts/engine/storage.sh: images in overlays rather than in copies. The store of this user needs it.'
    printf '[storage]\ndriver = "overlay"\n'
  } >"$conf"
  export CONTAINERS_STORAGE_CONF=$conf
}
