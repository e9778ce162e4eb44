#!/bin/sh
# Tests the handler inside its image, as it runs anywhere: no root, no network, read-only root.
# IMAGE names the image, ENGINE is docker or podman.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
image=${IMAGE:-longshore/task-name:develop}
engine=${ENGINE:-$(command -v podman || command -v docker)}
exec "$engine" run --rm --network=none --read-only --user 1000 --tmpfs /tmp:rw,mode=1777,size=64m \
  -v "$here:/opt/task-name:ro" --workdir /opt/task-name \
  --entrypoint python3 "$image" -B -m unittest discover -s tests -t . "$@"
