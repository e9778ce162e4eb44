"""Land from any file of polygons that GDAL reads: FlatGeobuf, GeoPackage, Shapefile, also zipped or remote.

Only what the file's spatial index names is read; of a FlatGeobuf in a bucket that is a few range requests.
"""

import os
from typing import Iterator

from .box import Box
from .errors import BadInput, TryAgain
from .log import warn


def gdal_path(where: str, input_folder: str) -> str:
    """The name GDAL knows a file by: addresses and zip archives have prefixes of their own."""
    if where.startswith(("http://", "https://")):
        path = "/vsicurl/" + where
    elif where.startswith("s3://"):
        path = "/vsis3/" + where[len("s3://") :]
    elif where.startswith("/vsi"):
        path = where
    else:
        path = os.path.join(input_folder, where)
    if where.lower().endswith(".zip"):
        path = "/vsizip/{" + path + "}"
    return path


class VectorLand:
    """A polygon layer, read through its spatial index."""

    def __init__(self, where: str, input_folder: str) -> None:
        from osgeo import gdal, ogr, osr

        gdal.UseExceptions()
        self.where = where
        path = gdal_path(where, input_folder)
        self._remote = "/vsicurl/" in path or "/vsis3/" in path
        try:
            self._dataset = gdal.OpenEx(_shapefile_in(path), gdal.OF_VECTOR)
        except RuntimeError as error:
            raise self._failed(f"can't be opened ({error})") from None
        self._layer = self._dataset.GetLayer(0)
        if ogr.GT_Flatten(self._layer.GetGeomType()) not in (ogr.wkbPolygon, ogr.wkbMultiPolygon, ogr.wkbUnknown):
            raise BadInput(f"LAND={where} holds no polygons; give land polygons")
        reference: osr.SpatialReference | None = self._layer.GetSpatialRef()
        if reference is not None and not reference.IsGeographic():
            raise BadInput(f"LAND={where} is not in WGS84 degrees ({reference.GetName()}); convert it with ogr2ogr")
        if not self._layer.TestCapability(ogr.OLCFastSpatialFilter):
            warn("Land:Index:Missing", f"{where} has no spatial index: all of it is read for each area", source=where)

    def geometries(self, box: Box) -> Iterator["object"]:
        """The geometries (ogr.Geometry) whose bounds touch the box."""
        self._layer.SetSpatialFilterRect(*box.as_list())
        try:
            for feature in self._layer:
                geometry = feature.GetGeometryRef()
                if geometry is not None:
                    yield geometry.Clone()
        except RuntimeError as error:
            raise self._failed(f"can't be read ({error})") from None

    def _failed(self, what: str) -> Exception:
        message = f"LAND={self.where} {what}"
        return TryAgain(message) if self._remote else BadInput(f"{message}; name a file that is there and whole")


def _shapefile_in(path: str) -> str:
    """Inside a zip: the shapefile, whichever folder it is in."""
    if not path.startswith("/vsizip/"):
        return path
    from osgeo import gdal

    names = [name for name in gdal.ReadDirRecursive(path) or [] if name.lower().endswith(".shp")]
    return f"{path}/{names[0]}" if names else path
