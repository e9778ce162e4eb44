"""A granule as it should be."""

import hashlib
import os

import h5py
import numpy as np

from .case import START, Case, sample


class Convert(Case):
    def test_values_are_carried_over_unchanged(self) -> None:
        path = self.granule()
        made = self.convert()
        with h5py.File(path) as source:
            for name in ("ATB_355", "ATB_532", "ATB_1064"):
                there = source[name][()]
                read = made[name][:]
                np.testing.assert_array_equal(read.mask, there == -999)
                np.testing.assert_array_equal(read.compressed(), there[there != -999])
            np.testing.assert_array_equal(made["altitude"][:], source["Bin_Alt"][()].astype("f8"))
            np.testing.assert_array_equal(made["latitude"][:], source["Latitude"][()])
            np.testing.assert_array_equal(made["Plane_Roll"][:], source["Plane_Roll"][()])
        self.assertEqual(made["NumBins"][...], 900)

    def test_coordinates_are_those_of_cf(self) -> None:
        self.granule()
        made = self.convert()
        self.assertEqual({name: dim.size for name, dim in made.dimensions.items() if not name.startswith("string")},
                         {"time": 8, "altitude": 900})
        self.assertEqual(made["time"].units, "seconds since 2012-09-06 00:00:00")
        self.assertEqual(made["time"][:].tolist(), [52200.0 + at for at in range(8)])
        self.assertEqual((made["altitude"].units, made["altitude"].positive, made["altitude"].axis), ("km", "up", "Z"))
        atb = made["ATB_532"]
        self.assertEqual(atb.dimensions, ("time", "altitude"))
        self.assertEqual((atb.units, atb.coordinates), ("km-1 sr-1", "latitude longitude"))
        self.assertEqual(atb.standard_name, "volume_attenuated_backwards_scattering_coefficient_of_radiative_flux_in_air")
        self.assertEqual((made["longitude"].standard_name, made["longitude"].units), ("longitude", "degrees_east"))

    def test_variables_are_chunked_and_compressed(self) -> None:
        self.granule(base=sample.atb(START, 300))
        atb = self.convert()["ATB_532"]
        self.assertEqual(atb.chunking(), [256, 900])
        self.assertTrue(atb.filters()["zlib"] and atb.filters()["shuffle"])

    def test_the_file_says_where_it_comes_from(self) -> None:
        path = self.granule(attributes={"history": "made by an instrument", "PI": np.bytes_("M. McGill")})
        made = self.convert(SOURCE_DATE_EPOCH="1353542400", LONGSHORE_JOB="job-1")
        self.assertEqual(made.Conventions, "CF-1.6")
        self.assertEqual(made.history,
                         "2012-11-22T00:00:00Z hdf5-netcdf 1.0: converted from HS3_CPL_ATB_12203a_20120906.hdf5\n"
                         "made by an instrument")
        self.assertEqual((made.PI, made.instrument, made.processing_job), ("M. McGill", "Cloud Physics Lidar (CPL)", "job-1"))
        with open(path, "rb") as file:
            self.assertEqual(made.input_sha256, hashlib.sha256(file.read()).hexdigest())
        self.assertEqual((made.time_coverage_start, made.time_coverage_end),
                         ("2012-09-06T14:30:00.000Z", "2012-09-06T14:30:07.000Z"))

    def test_the_same_granule_gives_the_same_bytes(self) -> None:
        self.granule()
        files = []
        for _ in range(2):
            self.convert(SOURCE_DATE_EPOCH="0")
            with open(os.path.join(self.output, "HS3_CPL_ATB_12203a_20120906.nc"), "rb") as file:
                files.append(file.read())
        self.assertEqual(*files)

    def test_optical_properties_have_layers(self) -> None:
        name = "HS3_CPL_OP_12203a_20120906"
        self.granule(name=name, base=sample.op(START, 8))
        made = self.convert(name)
        self.assertEqual(made["Layer_Top_Alt"].dimensions, ("time", "layer"))
        self.assertEqual(made["Extinction_532"].dimensions, ("time", "altitude"))
        told = self.told()
        self.assertEqual((told["product"], told["dimensions"]), ("OP", {"time": 8, "altitude": 900, "layer": 10}))
        self.assertLessEqual(told["variables"]["Layer_Top_Alt"]["missing"], 80)

    def test_the_newest_conventions_can_be_asked_for(self) -> None:
        self.granule()
        made = self.convert(CONVENTIONS="CF-1.11")
        self.assertEqual((made.Conventions, made["time"].units_metadata), ("CF-1.11", "leap_seconds: none"))

    def test_the_report_tells_what_was_made(self) -> None:
        self.granule()
        self.convert()
        told = self.told()
        self.assertEqual((told["file"], told["product"], told["dimensions"]),
                         ("HS3_CPL_ATB_12203a_20120906.nc", "ATB", {"time": 8, "altitude": 900}))
        self.assertEqual(told["time"], ["2012-09-06T14:30:00.000Z", "2012-09-06T14:30:07.000Z"])
        self.assertEqual(told["variables"]["ATB_532"]["dimensions"], ["time", "altitude"])
        # Bins below sea level have no values.
        self.assertEqual(told["variables"]["ATB_532"]["missing"], 8 * 33)
        self.assertEqual((told["missing"], told["notCarried"], told["notes"]), ([], {}, []))
        (box,) = told["boxes"]
        self.assertEqual(self.report()["boxes"], [{"name": "HS3_CPL_ATB_12203a_20120906", "bbox": box}])

    def test_several_granules_become_several_files(self) -> None:
        self.granule()
        name = "HS3_CPL_OP_12203a_20120906"
        self.granule(name=name, base=sample.op(START, 8))
        with open(os.path.join(self.input, "list.cnm.json"), "w", encoding="utf-8") as file:
            file.write("{}")
        self.convert()
        self.assertEqual([one["file"] for one in self.report()["facts"]["granules"]],
                         ["HS3_CPL_ATB_12203a_20120906.nc", f"{name}.nc"])
        self.assertEqual(self.report()["facts"]["companions"], ["list.cnm.json"])
