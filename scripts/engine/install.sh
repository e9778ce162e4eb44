# shellcheck shell=bash
# Sourced, after say.sh and apt.sh. install_podman: Podman and what it needs, by the system's package manager. For a user who is not root also
# the id ranges that rootless containers live in.

# netavark and iptables make the container network, aardvark-dns names in it; the rest is for rootless use.
PODMAN_PACKAGES='podman runc netavark aardvark-dns iptables uidmap fuse-overlayfs slirp4netns ca-certificates'

# Rootless containers map their users to a range of ids that /etc/subuid and /etc/subgid give to the user.
give_id_ranges() {
  [ "$(id -u)" = 0 ] && return
  local user start
  user=$(id -un)
  if ! grep -qs "^$user:" /etc/subuid || ! grep -qs "^$user:" /etc/subgid; then
    # Behind every range that is given already.
    start=$(cat /etc/subuid /etc/subgid 2>/dev/null | awk -F: 'BEGIN { m = 100000 } $2 + $3 > m { m = $2 + $3 } END { print m }')
    say "giving $user the ids $start-$((start + 65535)) for rootless containers"
    as_root usermod --add-subuids "$start-$((start + 65535))" --add-subgids "$start-$((start + 65535))" "$user"
  fi
  # A Podman that ran before the range was given goes on without it until it is told.
  if [ "$(podman unshare cat /proc/self/uid_map 2>/dev/null | wc -l)" -lt 2 ]; then podman system migrate >/dev/null 2>&1 || true; fi
}

install_podman() {
  if ! command -v podman >/dev/null; then
    command -v apt-get >/dev/null ||
      fail "there is neither a Docker daemon that answers nor Podman, and no apt-get to install it with: install Docker or Podman, then run this again"
    # shellcheck disable=SC2086
    install_packages $PODMAN_PACKAGES
  fi
  give_id_ranges
}
