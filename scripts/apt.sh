# shellcheck shell=bash
# Sourced, after say.sh. install_packages NAME…: by the system's package manager, as root.

install_packages() {
  command -v apt-get >/dev/null || fail "this system has no apt-get: install by its own means  $*"
  local wanted='' package
  [ -n "$(ls /var/lib/apt/lists/*Packages* 2>/dev/null)" ] || as_root apt-get update -qq
  for package in "$@"; do
    # Older releases do not have all of them (netavark came with Debian 12); Podman works without.
    apt-cache show "$package" >/dev/null 2>&1 && wanted="$wanted $package"
  done
  say "installing$wanted"
  # shellcheck disable=SC2086  # one word each
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >&2 || {
    # The lists may be older than the mirror's files.
    as_root apt-get update -qq
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >&2
  } || fail "apt-get could not install$wanted: see its messages above"
}
