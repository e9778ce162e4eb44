import os
import shutil
import zipfile

from osgeo import ogr, osr

from .mirror import Mirror
from .test_job import Job, nosea

LAND = ["POLYGON((10.2 50.2,10.2 50.8,10.8 50.8,10.8 50.2,10.2 50.2),(10.4 50.4,10.6 50.4,10.6 50.6,10.4 50.6,10.4 50.4))", "POLYGON((100 0,100 1,101 1,101 0,100 0))"]


class Osmdata(Job):
    """osmdata's archive, as osmdata packs it: a shapefile in a folder in a zip."""

    def setUp(self) -> None:
        super().setUp()
        self.mirror = Mirror()
        self.addCleanup(self.mirror.close)
        folder = os.path.join(self.bench.scratch, "land-polygons-split-4326")
        os.makedirs(folder)
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(4326)
        source = ogr.GetDriverByName("ESRI Shapefile").CreateDataSource(os.path.join(folder, "land_polygons.shp"))
        layer = source.CreateLayer("land_polygons", reference, ogr.wkbPolygon)
        for wkt in LAND:
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetGeometry(ogr.CreateGeometryFromWkt(wkt))
            layer.CreateFeature(feature)
        del feature, layer, source
        archive = os.path.join(self.bench.scratch, "land.zip")
        with zipfile.ZipFile(archive, "w") as packed:
            for name in os.listdir(folder):
                packed.write(os.path.join(folder, name), f"land-polygons-split-4326/{name}")
        with open(archive, "rb") as file:
            self.mirror.files["/land.zip"] = file.read()
        shutil.rmtree(folder)
        os.unlink(archive)
        self.settings = {"LONGSHORE_CACHE": self.bench.cache, "OSM_MAPSFORGE_OSMDATA_URL": f"{self.mirror.address}/land.zip"}

    def test_it_is_fetched_once_and_kept_as_an_indexed_file(self):
        self.drop()
        for _ in range(2):
            ended = self.bench.run(**self.settings)
            self.assert_made(ended)
            self.assertEqual(ended.report["facts"]["land"]["island"]["source"], "osmdata")
            self.assertAlmostEqual(nosea(ended.path("island.map")), 0.32, delta=1e-5)
        self.assertEqual([path for path, _ in self.mirror.asked], ["/land.zip"])
        cached = os.path.join(self.bench.cache, "osm-mapsforge", "land-polygons-split-4326.fgb")
        layer_of = ogr.Open(cached)
        self.assertTrue(layer_of.GetLayer(0).TestCapability(ogr.OLCFastSpatialFilter), "has a spatial index")

    def test_without_a_cache_it_is_fetched_only_when_it_is_asked_for(self):
        self.drop()
        del self.settings["LONGSHORE_CACHE"]
        self.assertEqual(self.bench.run(**self.settings, SKIP_POI="true", OSM_MAPSFORGE_GSHHG="/nonexistent").report["facts"]["land"]["island"]["source"], "coastline")
        self.assertEqual(self.mirror.asked, [])
        self.assertEqual(self.bench.run(**self.settings, SKIP_POI="true", LAND="osmdata").report["facts"]["land"]["island"]["source"], "osmdata")

    def test_asked_for_and_down_means_try_again(self):
        self.drop()
        ended = self.bench.run(LAND="osmdata", SKIP_POI="true")
        self.assertEqual(ended.code, 75)
        self.assertIn("127.0.0.1:9", ended.reason)
