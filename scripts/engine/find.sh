# shellcheck shell=bash
# Sourced. find_engine: prints docker or podman, whichever can be used now; fails when neither can.

# A Docker client without a daemon (or without the right to talk to it) is common: the daemon must answer.
docker_answers() {
  command -v docker >/dev/null && timeout 10 docker info --format '{{.ServerVersion}}' 2>/dev/null | grep -q .
}

podman_answers() {
  command -v podman >/dev/null && timeout 30 podman info >/dev/null 2>&1
}

find_engine() {
  case ${LONGSHORE_ENGINE:-} in
    docker) docker_answers && echo docker && return ;;
    podman) podman_answers && echo podman && return ;;
    '')
      docker_answers && echo docker && return
      podman_answers && echo podman && return
      ;;
    *) fail "LONGSHORE_ENGINE is '$LONGSHORE_ENGINE'; it can be docker or podman here, or unset to have one found (none, for running on the host, needs no set-up)" ;;
  esac
  return 1
}
