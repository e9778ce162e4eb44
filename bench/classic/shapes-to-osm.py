#!/usr/bin/env python3
"""shapes-to-osm.py LAND.shp LAND.osm: polygons of a shapefile as OSM XML, land in mapsforge's tags.

A polygon becomes a closed way; one with holes, a multipolygon relation. Every part of a multipart shape is kept.
Ids start where OpenStreetMap's will not be for centuries. Needs GDAL's Python binding.
"""
import sys
from xml.sax.saxutils import quoteattr

from osgeo import ogr

FIRST_ID = 30_000_000_000_000
META = 'version="1" timestamp="1970-01-01T00:00:00Z"'
LAND = {"natural": "nosea", "layer": "-5"}


def polygons(geometry):
    """The polygons of a geometry of any kind; lines and points, which a clip may leave on its edge, are no land."""
    if geometry.GetGeometryName() == "POLYGON":
        yield geometry
    elif geometry.GetGeometryName() in ("MULTIPOLYGON", "GEOMETRYCOLLECTION"):
        for part in geometry:
            yield from polygons(part)


def tags(out, values):
    for key, value in values.items():
        out.write(f"<tag k={quoteattr(key)} v={quoteattr(value)}/>")


def main(source, target):
    ogr.UseExceptions()
    dataset = ogr.Open(source)  # GDAL frees a layer with its data set: both must be held
    layer = dataset.GetLayer()
    nodes, ways, relations = [], [], []
    for feature in layer:
        for polygon in polygons(feature.GetGeometryRef()):
            members = []
            for ring in polygon:
                points = ring.GetPoints()[:-1]
                first = FIRST_ID + len(nodes)
                nodes.extend(points)
                refs = [*range(first, first + len(points)), first]
                members.append(len(ways))
                ways.append((refs, LAND if polygon.GetGeometryCount() == 1 else {}))
            if len(members) > 1:
                relations.append(members)

    with open(target, "w", encoding="utf-8") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6">\n')
        for number, (lon, lat, *_) in enumerate(nodes):
            out.write(f'<node id="{FIRST_ID + number}" {META} lon="{lon:.7f}" lat="{lat:.7f}"/>\n')
        for number, (refs, values) in enumerate(ways):
            out.write(f'<way id="{FIRST_ID + number}" {META}>')
            out.writelines(f'<nd ref="{ref}"/>' for ref in refs)
            tags(out, values)
            out.write("</way>\n")
        for number, members in enumerate(relations):
            out.write(f'<relation id="{FIRST_ID + number}" {META}>')
            for position, way in enumerate(members):
                role = "outer" if position == 0 else "inner"
                out.write(f'<member type="way" ref="{FIRST_ID + way}" role="{role}"/>')
            tags(out, {"type": "multipolygon", **LAND})
            out.write("</relation>\n")
        out.write("</osm>\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
