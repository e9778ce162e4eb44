#!/bin/sh
# Tests the package and the tools inside the image, as they run anywhere: no root, no network, read-only root.
# IMAGE names the image, ENGINE is docker or podman.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
image=${IMAGE:-longshore/base:develop}
engine=${ENGINE:-$(command -v podman || command -v docker)}
exec "$engine" run --rm --network=none --read-only --user 1000 --tmpfs /tmp:rw,mode=1777,size=64m \
  -v "$here/tests:/opt/tests:ro" --workdir /opt \
  --entrypoint python3 "$image" -B -m unittest discover -s tests -t . "$@"
