#!/bin/sh
# Runs the handler's tests inside its image, as they run anywhere: no root, no network, read-only root. Then the field's own
# checker, IOOS' compliance-checker, judges the files that the tests made: it shares no code with what it judges.
# IMAGE names the image; arguments choose tests, and then nothing is judged.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
image=${IMAGE:-longshore/hdf5-netcdf:develop}
engine=${ENGINE:-$(command -v podman || command -v docker)}
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
chmod 777 "$made"
"$engine" run --rm --network=none --read-only --user 1000 --tmpfs /tmp:rw,mode=1777,size=256m \
  -v "$here:/opt/hdf5-netcdf:ro" -v "$made:/made" -e LONGSHORE_MADE=/made --workdir /opt/hdf5-netcdf \
  --entrypoint python3 "$image" -B -m unittest ${*:-}
[ $# -eq 0 ] || exit 0

bin=$(bash "$here/../../scripts/python/venv.sh" cf-checker | tail -1)
for version in 1.6 1.11; do
  set -- "$made/CF-$version"-*.nc
  # lenient: errors fail, recommendations do not.
  "$bin/compliance-checker" --test="cf:$version" --criteria=lenient "$@" >"$made/report" 2>&1 || {
    cat "$made/report"
    echo "compliance-checker finds errors: cf:$version" >&2
    exit 1
  }
  echo "compliance-checker: cf:$version, $# files, no errors"
done
