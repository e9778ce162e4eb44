#!/usr/bin/env python3
"""world-land.py FOLDER [EXTRA.geojson …]: the world's land from GSHHG, and more polygons, in two files with one content.

FOLDER/land_polygons.shp is what the classic way scans, FOLDER/land_polygons.fgb (with a spatial index) what ours reads.
Polygons are split at whole degrees, as osmdata's split land polygons are split. Runs inside the osm-mapsforge image,
which has GSHHG and the code that reads it.
"""
import os
import sys

sys.path.insert(0, "/opt/osm-mapsforge")

from osgeo import gdal, ogr, osr  # noqa: E402
from osm_mapsforge.closing import OpenCoast  # noqa: E402
from osm_mapsforge.gshhg import Gshhg, gshhg_file  # noqa: E402


def world_polygons():
    shorelines = Gshhg(gshhg_file())
    for south in range(-90, 90):
        for west in range(-180, 180):
            try:
                polygons = shorelines.land_of_bin(west, south)
            except OpenCoast as problem:
                # Both sides of a comparison lack the same land there; that it is Antarctica's is checked by eye.
                print(f"no land in the bin {west} {south}: {problem}", file=sys.stderr)
                continue
            for polygon in polygons:
                geometry = ogr.Geometry(ogr.wkbPolygon)
                for line in (polygon.outer, *polygon.holes):
                    ring = ogr.Geometry(ogr.wkbLinearRing)
                    for x, y in line:
                        ring.AddPoint_2D(x, y)
                    geometry.AddGeometry(ring)
                yield geometry


def extra_polygons(paths):
    for path in paths:
        dataset = gdal.OpenEx(path)
        for feature in dataset.GetLayer():
            yield feature.GetGeometryRef().Clone()


def main(folder, extras):
    gdal.UseExceptions()
    wgs84 = osr.SpatialReference()
    wgs84.SetFromUserInput("WGS84")
    wgs84.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    dataset = ogr.GetDriverByName("ESRI Shapefile").CreateDataSource(f"{folder}/land_polygons.shp")
    layer = dataset.CreateLayer("land_polygons", wgs84, ogr.wkbPolygon)
    layer.CreateField(ogr.FieldDefn("FID", ogr.OFTInteger))
    count = 0
    for source in (world_polygons(), extra_polygons(extras)):
        for geometry in source:
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetField("FID", count)
            feature.SetGeometry(geometry)
            layer.CreateFeature(feature)
            count += 1
    del layer, dataset  # closes the file
    # The last file to come into being says that all is there.
    gdal.VectorTranslate(f"{folder}/unfinished.fgb", f"{folder}/land_polygons.shp", format="FlatGeobuf")
    os.rename(f"{folder}/unfinished.fgb", f"{folder}/land_polygons.fgb")
    print(f"{count} polygons")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
