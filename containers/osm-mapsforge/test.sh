#!/bin/sh
# Runs the handler's tests inside its image, as they run anywhere: no root, no network, read-only root.
# IMAGE names the image, LONGSHORE_REAL_DATA a folder with real extracts (see tests/test_real_data.py).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
image=${IMAGE:-longshore/osm-mapsforge:develop}
engine=${ENGINE:-$(command -v podman || command -v docker)}
real=${LONGSHORE_REAL_DATA:-}
exec "$engine" run --rm --network=none --read-only --user 1000 \
  --tmpfs /tmp:rw,mode=1777,size=1g --tmpfs /small:rw,mode=1777,size=1m \
  -e LONGSHORE_SMALL_DISK=/small \
  ${real:+-v "$real:/real:ro" -e LONGSHORE_REAL_DATA=/real} \
  -v "$here:/opt/osm-mapsforge:ro" --workdir /opt/osm-mapsforge \
  --entrypoint python3 "$image" -B -m unittest ${*:-}
