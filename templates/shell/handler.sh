#!/bin/sh
# task-name INPUT OUTPUT: counts the bytes and lines of every file of the input folder.
set -eu
input=$1
output=$2

for file in "$input"/*; do
  name=${file##*/}
  if ! tr -d '\000' <"$file" | cmp -s - "$file"; then
    # Exit code 65: the file is set aside with this sentence, and never tried again.
    echo "$name is not text" >&2
    exit 65
  fi
  {
    printf '{\n  "file": "%s",\n  "bytes": %d,\n  "lines": %d' "$name" "$(wc -c <"$file")" "$(wc -l <"$file")"
    [ -z "${LABEL:-}" ] || printf ',\n  "label": "%s"' "$LABEL"
    printf '\n}\n'
  } >"$output/$name.json"
  echo "counted $name"
done
