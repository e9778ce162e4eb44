# shellcheck shell=bash
# Sourced. ensure_base_image ENGINE: the image that every Dockerfile here starts from is in the engine's store: it is
# there, or is pulled, or (no registry reachable) is made from Debian's own packages by debootstrap under the same name.

BASE_IMAGE=docker.io/library/debian:bookworm-slim
BASE_SUITE=bookworm

ensure_base_image() {
  local engine=$1 said
  "$engine" image inspect "$BASE_IMAGE" >/dev/null 2>&1 && return
  say "pulling $BASE_IMAGE"
  if said=$(timeout 300 "$engine" pull -q "$BASE_IMAGE" 2>&1); then return; fi
  say "it cannot be pulled (${said##*$'\n'})"
  bootstrap_base_image "$engine"
}

# The machine's own mirror of the suite, as apt uses it; Debian's when the machine runs something else.
apt_mirror() {
  apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -v suite="$1" '$1 == suite && $2 == "main" { print $3; exit }'
}

bootstrap_base_image() {
  local engine=$1 mirror security folder
  command -v apt-get >/dev/null ||
    fail "no registry is reachable, and only Debian and its kin can make $BASE_IMAGE themselves: load it into $engine by hand"
  can_be_root ||
    fail "no registry is reachable, and making $BASE_IMAGE with debootstrap needs root, but there is no sudo for $(id -un). Ask an administrator for sudo, or for the image as a file ($engine save), and load it:  ${CONTAINERS_STORAGE_CONF:+CONTAINERS_STORAGE_CONF=$CONTAINERS_STORAGE_CONF }$engine load -i FILE"
  command -v debootstrap >/dev/null || [ -x /usr/sbin/debootstrap ] || install_packages debootstrap
  mirror=$(apt_mirror $BASE_SUITE)
  security=$(apt_mirror $BASE_SUITE-security)
  mirror=${mirror:-http://deb.debian.org/debian}
  folder=$(mktemp -d "${TMPDIR:-/var/tmp}/longshore-base.XXXXXX")
  say "making $BASE_IMAGE with debootstrap from $mirror (about a minute)"
  if ! as_root env PATH="$PATH:/usr/sbin:/sbin" debootstrap --variant=minbase $BASE_SUITE "$folder/root" "$mirror" >"$folder/log" 2>&1; then
    tail -n 5 "$folder/log" >&2
    fail "debootstrap failed (its whole log: $folder/log)"
  fi
  write_apt_sources "$mirror" "$security" | as_root tee "$folder/root/etc/apt/sources.list" >/dev/null
  slim_rules | as_root tee "$folder/root/etc/dpkg/dpkg.cfg.d/slim" >/dev/null
  as_root tar -C "$folder/root" --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*/*' --exclude='./usr/share/info/*' \
    --exclude='./usr/share/locale/*/*' --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
    --exclude='./dev/*' --exclude=./etc/resolv.conf --exclude=./etc/hostname -c . |
    "$engine" import -c 'CMD ["bash"]' - "$BASE_IMAGE" >/dev/null ||
    fail "$engine could not import the file system that debootstrap made in $folder/root"
  as_root rm -rf "$folder"
}

# As in the -slim images: no manuals, now and with every package that comes later. The folders of the man pages stay:
# without them update-alternatives fails, and with it every Java.
slim_rules() {
  printf 'path-exclude /usr/share/%s/*\n' doc man info locale lintian
  printf 'path-include /usr/share/%s\n' 'doc/*/copyright' 'man/man[1-9]' 'locale/locale.alias'
}

write_apt_sources() {
  echo "deb $1 $BASE_SUITE main"
  # The suites that the machine's apt does not name are not asked of its mirror: it may not have them.
  [ -z "$(apt_mirror $BASE_SUITE-updates)" ] || echo "deb $1 $BASE_SUITE-updates main"
  [ -z "$2" ] || echo "deb $2 $BASE_SUITE-security main"
}
