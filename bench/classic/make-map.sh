#!/bin/bash
# make-map.sh INPUT OUTPUT: the folder INPUT holds one NAME.osm.pbf; OUTPUT gets NAME.map.
#
# The steps that the mapsforge project describes for maps with coastlines, one program after the other:
#   1. clip the land shapefile to the box        ogr2ogr -clipsrc
#   2. turn its shapes into OSM XML              shapes-to-osm.py
#   3. merge extract, sea rectangle and land     osmosis
#   4. write the map                             osmosis with mapsforge's writer
#   5. write the points of interest              osmosis again, when a poi writer is on the class path
#
# Environment: LAND (shapefile of the world's land, required), BBOX (west,south,east,north, required), and the writer's
# own options TYPE (ram), LANGUAGES, THREADS (1), COMMENT, TAG_TRANSFORM, TAG_MAPPING, TAG_VALUES, START_ZOOM.
set -e -o pipefail

input=$1
output=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/classic.XXXXXX")
extract=$(ls "$input"/*.osm.pbf)
name=$(basename "$extract" .osm.pbf)
: "${LAND:?the path of the land shapefile}" "${BBOX:?west,south,east,north}"
IFS=, read -r west south east north <<< "$BBOX"

# Debian's wrapper cannot load the writer as a plugin: the same class and the wrapper's own
# list of jars, with the writer's, on a plain class path; JVM options as they come.
classpath='/usr/share/osmosis/*'
for jar in jpf commons-compress commons-codec commons-csv commons-dbcp commons-io commons-pool mariadb-java-client \
  postgis-jdbc postgresql spring3-beans spring3-core spring3-jdbc spring3-transaction batik-ext protobuf osmpbf \
  mapsforge-core mapsforge-map mapsforge-map-reader mapsforge-map-writer trove4j jts-core guava; do
  classpath="$classpath:/usr/share/java/$jar.jar"
done
osmosis() { java -cp "$classpath" org.openstreetmap.osmosis.core.Osmosis "$@"; }

step() { echo "$(date +%s.%N) $*"; }

step land
ogr2ogr -overwrite -skipfailures -clipsrc "$west" "$south" "$east" "$north" "$work/land.shp" "$LAND"
step shapes
python3 /opt/classic/shapes-to-osm.py "$work/land.shp" "$work/land.osm"

step sea
cat > "$work/sea.osm" <<XML
<?xml version="1.0" encoding="UTF-8"?>
<osm version="0.6">
  <node id="20000000000001" version="1" timestamp="1970-01-01T00:00:00Z" lon="$west" lat="$south"/>
  <node id="20000000000002" version="1" timestamp="1970-01-01T00:00:00Z" lon="$west" lat="$north"/>
  <node id="20000000000003" version="1" timestamp="1970-01-01T00:00:00Z" lon="$east" lat="$north"/>
  <node id="20000000000004" version="1" timestamp="1970-01-01T00:00:00Z" lon="$east" lat="$south"/>
  <way id="20000000000001" version="1" timestamp="1970-01-01T00:00:00Z">
    <nd ref="20000000000001"/><nd ref="20000000000002"/><nd ref="20000000000003"/><nd ref="20000000000004"/><nd ref="20000000000001"/>
    <tag k="area" v="yes"/><tag k="layer" v="-5"/><tag k="natural" v="sea"/>
  </way>
</osm>
XML

step merge
osmosis --rb file="$extract" \
  --rx file="$work/sea.osm" --s --m \
  --rx file="$work/land.osm" --s --m \
  --wb file="$work/merge.pbf" omitmetadata=true

step map
transform=()
if [ -n "$TAG_TRANSFORM" ]; then transform=(--tt file="$TAG_TRANSFORM"); fi
options=(type="${TYPE:-ram}" threads="${THREADS:-1}" tag-values="${TAG_VALUES:-false}")
if [ -n "$START_ZOOM" ]; then
  middle=$(awk "BEGIN { printf \"%.6f,%.6f\", ($south + $north) / 2, ($west + $east) / 2 }")
  options+=(map-start-position="$middle" map-start-zoom="$START_ZOOM")
fi
if [ -n "$LANGUAGES" ]; then options+=(preferred-languages="$LANGUAGES"); fi
if [ -n "$COMMENT" ]; then options+=(comment="$COMMENT"); fi
if [ -n "$TAG_MAPPING" ]; then options+=(tag-conf-file="$TAG_MAPPING"); fi
osmosis --rb file="$work/merge.pbf" "${transform[@]}" \
  --mw file="$output/$name.map" bbox="$south,$west,$north,$east" progress-logs=true "${options[@]}"

if [ -n "$POI_WRITER" ]; then
  step poi
  classpath="$classpath:$POI_WRITER"
  osmosis --rb file="$extract" --pw file="$output/$name.poi" bbox="$south,$west,$north,$east" progress-logs=true
fi
step done
rm -rf "$work"
