# shellcheck shell=bash
# Sourced. find_settings ENGINE CONF: what this machine needs for a container to start and to reach the network. Plain
# settings are tried first; only what failed is worked around, in a containers.conf of our own (Podman), never in the
# system's. Sets CONTAINERS_CONF and LONGSHORE_BUILD_NETWORK where needed.

starts() { timeout 60 "$1" run --rm --network=none "$BASE_IMAGE" true >/dev/null 2>&1; }

# What image builds need of the network, tried with the file that apt itself asks for first.
FETCH='
  set -- $(sed -n "s/^deb \([^ ]*\) \([^ ]*\) .*/\1 \2/p; s/^URIs: *//p" /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null)
  exec /usr/lib/apt/apt-helper download-file "${1%/}/dists/bookworm/InRelease" /tmp/in-release'

reaches_network() { timeout 60 "$@" "$BASE_IMAGE" sh -c "$FETCH" >/dev/null 2>&1; }

# at_most CEILING LIMIT
at_most() { if [ "$2" = unlimited ] || [ "$2" -gt "$1" ]; then echo "$1"; else echo "$2"; fi; }

# The process limit has a ceiling far below the machine's: a hard limit of 96,365 was seen that Podman could not give.
ulimits_here() {
  local files processes
  files=$(at_most 65536 "$(ulimit -Hn)") processes=$(at_most 4096 "$(ulimit -Hu)")
  echo "[\"nofile=$files:$files\", \"nproc=$processes:$processes\"]"
}

# write_conf FILE ULIMITS RUNTIME NETWORK (each may be empty)
write_conf() {
  mkdir -p "$(dirname "$1")"
  {
    echo '# Written by scripts/engine/settings.sh: what containers need to start on this machine. Safe to delete.'
    echo '[containers]'
    [ -z "$2" ] || echo "default_ulimits = $(ulimits_here)"
    [ -z "$4" ] || echo "netns = \"$4\""
    echo '[engine]'
    [ -z "$3" ] || printf 'runtime = "%s"\ncgroup_manager = "cgroupfs"\n' "$3"
  } >"$1"
}

# Podman asks for more open files than some machines allow even to root; some have no systemd to make cgroups with; on
# some the only runtime that works is runc.
find_start_settings() {
  local conf=$1 trial=$1.$$ try
  starts podman && return
  [ -z "${CONTAINERS_CONF:-}" ] ||
    fail "no container starts with CONTAINERS_CONF=$CONTAINERS_CONF: unset it to have settings found that work here"
  # Beside those that were found before: other processes work with them, and the trouble may pass.
  export CONTAINERS_CONF=$trial
  for try in 'ulimits ' 'ulimits runc' ' runc' 'ulimits crun' ' crun'; do
    ulimits=${try% *} runtime=${try#* }
    [ -z "$runtime" ] || command -v "$runtime" >/dev/null || continue
    write_conf "$trial" "$ulimits" "$runtime" ''
    if starts podman; then
      mv "$trial" "$conf"
      export CONTAINERS_CONF=$conf
      return
    fi
  done
  rm -f "$trial"
  unset CONTAINERS_CONF
  say "no container starts here. What Podman says with its plain settings:"
  podman run --rm --network=none "$BASE_IMAGE" true >&2 || true
  [ "$(id -u)" = 0 ] ||
    say "rootless containers need user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone), /dev/fuse or kernel overlays, and ranges in /etc/subuid and /etc/subgid; an administrator sees to these, or runs this as root"
  fail "Podman is installed but cannot start a container. Without one:  LONGSHORE_ENGINE=none npm run demo  runs on the host"
}

find_settings() {
  local engine=$1 conf=$2 ulimits='' runtime=''
  unset LONGSHORE_BUILD_NETWORK
  if [ "$engine" = podman ]; then find_start_settings "$conf"; else
    starts docker || fail "the Docker daemon answers but starts no container:  docker run --rm $BASE_IMAGE true"
  fi
  reaches_network "$engine" run --rm && return
  if ! reaches_network "$engine" run --rm --network=host; then
    say "note: containers reach no Debian mirror, so images cannot be built here (those that exist can run)"
    return
  fi
  say "containers reach the network through the host's only; image builds will use that"
  export LONGSHORE_BUILD_NETWORK=host
  # With a containers.conf of the user's own, `image build` passes the network itself.
  if [ "$engine" = podman ] && { [ -z "${CONTAINERS_CONF:-}" ] || [ "$CONTAINERS_CONF" = "$conf" ]; }; then
    export CONTAINERS_CONF=$conf
    write_conf "$conf" "$ulimits" "$runtime" host
  fi
}
