"""What other writers do: none of it may matter."""

import os
from dataclasses import replace

import h5py
import numpy as np

from hdf5_netcdf.contents import Item
from hdf5_netcdf.values import blocks, values_of

from .case import START, Case, sample


class Habits(Case):
    def test_dates_in_every_shape(self) -> None:
        for date in ("06Sep12", np.bytes_("06Sep12"), np.array([b"06Sep12"]), np.array([b"0", b"6", b"S", b"e", b"p", b"1", b"2"]),
                     np.array(["2012-09-06"], dtype=h5py.string_dtype()), "6-Sep-2012", np.bytes_("20120906\0\0"), "Sep 06, 2012", "2012-09-06T14:30:00Z",
                     np.array([b"06Sep12"] * 8), np.array([list("06SEP12")] * 8, dtype="S1"), np.frombuffer(b"06sep12", "u1")[:, None],
                     np.array([20120906.0]), ""):
            with self.subTest(date=date):
                self.granule({"Date": date})
                self.assertEqual(self.convert()["time"].units, "seconds since 2012-09-06 00:00:00")

    def test_scalars_and_arrays_of_one_are_the_same(self) -> None:
        for value in (np.int32(900), np.array([900], "i4"), np.array([[900]], "i4")):
            with self.subTest(value=value):
                self.granule({"NumBins": value})
                self.assertEqual(self.convert()["NumBins"].shape, ())

    def test_byte_order_does_not_matter(self) -> None:
        plain = sample.atb(START, 8)
        for order in ("<", ">"):
            swapped = {name: value.astype(value.dtype.newbyteorder(order)) if getattr(value, "dtype", None) is not None
                       and value.dtype.kind in "if" else value for name, value in plain.items()}
            self.granule(base=swapped)
            made = self.convert()
            np.testing.assert_array_equal(made["ATB_355"][:].filled(-999), plain["ATB_355"])
            self.assertEqual(made["time"][0], 52200)

    def test_unknown_variables_groups_and_attributes_come_along(self) -> None:
        path = self.granule({
            "Temperature": np.linspace(200, 300, 900).astype("f4"),
            "Mole_Back": np.ones((900, 3), "f4"),
            "Saturate": np.arange(8, dtype="u1"),
            "counts": np.arange(8, dtype="i8") + 2**40,
            "Calibration/Cali_532": np.float64(1.25),
            "Calibration/deep er/Note": "über 13 km",
            "Notes": np.array([b"one", b"three"]),
            "Half": np.ones(8, "f2"),
            "Complex": np.array([1 + 2j] * 8),
            "Record": np.array([(1, 2.5)] * 8, dtype=[("index", "i4"), ("value", "f8")]),
        })
        with h5py.File(path, "r+") as file:
            file["Temperature"].attrs["units"] = np.bytes_("K")
            file["Calibration"].attrs["method"] = "Rayleigh"
            file.create_dataset("Phase", data=np.zeros(8, "i1"), dtype=h5py.enum_dtype({"WATER": 0, "ICE": 1}, "i1"))
            file.create_dataset("Reference", data=file["Latitude"].ref, dtype=h5py.ref_dtype)
            file.create_dataset("Nothing", shape=(0, 5), dtype="f4")
            file["Elsewhere"] = h5py.ExternalLink("nowhere.h5", "/x")
        made = self.convert()
        self.assertEqual((made["Temperature"].dimensions, made["Temperature"].units), (("altitude",), "K"))
        self.assertEqual(made["Mole_Back"].dimensions, ("altitude", "dim_3"))
        self.assertEqual((made["Saturate"].dtype, made["Saturate"][:].tolist()), (np.dtype("i2"), list(range(8))))
        self.assertEqual(made["counts"][:].tolist(), [2**40 + at for at in range(8)])
        self.assertEqual((made["Calibration/Cali_532"][...], made["Calibration"].method), (1.25, "Rayleigh"))
        self.assertEqual(str(made["Calibration/deep_er/Note"][...]), "über 13 km")
        self.assertEqual(made["Notes"][:].tolist(), ["one", "three"])
        self.assertEqual((made["Half"].dtype, made["Complex_imag"][:].tolist()), (np.dtype("f4"), [2.0] * 8))
        self.assertEqual((made["Record_index"][0], made["Record_value"][0]), (1, 2.5))
        self.assertEqual((made["Phase"].flag_meanings, made["Phase"].flag_values.tolist()), ("WATER ICE", [0, 1]))
        self.assertEqual(sorted(self.told()["notCarried"]), ["Elsewhere", "Nothing", "Reference"])

    def test_fill_values_declared_in_any_way_are_gaps(self) -> None:
        atb = sample.backscatter(532, 8, 1)
        atb[0, 0], atb[1, 1], atb[2, 2] = np.nan, np.inf, -7777
        path = self.granule({"ATB_532": atb, "Plane_Roll": np.array([-7777.0] + [1.0] * 7, "f8")})
        with h5py.File(path, "r+") as file:
            file["ATB_532"].attrs["missing_value"] = np.float32(-7777)
            file["Plane_Roll"].attrs["_FillValue"] = -7777.0
        made = self.convert()
        mask = np.ma.getmaskarray(made["ATB_532"][:])
        self.assertTrue(mask[0, 0] and mask[1, 1] and mask[2, 2])
        self.assertEqual(np.ma.getmaskarray(made["Plane_Roll"][:]).tolist(), [True] + [False] * 7)

    def test_metres_stay_metres(self) -> None:
        self.granule({"Bin_Alt": (26000.0 - 30 * np.arange(900)), "Plane_Alt": np.full(8, 18500.0)})
        made = self.convert()
        self.assertEqual((made["altitude"].units, made["Plane_Alt"].units), ("m", "m"))

    def test_units_that_the_granule_gives_go_before_those_of_the_description(self) -> None:
        path = self.granule({"Bin_Alt": (26 - 0.03 * np.arange(900)) * 3280.84})
        units = {"ATB_355": "1/(km sr)", "ATB_532": "m-1 sr-1", "ATB_1064": "see the manual", "Bin_Alt": "feet"}
        with h5py.File(path, "r+") as file:
            for name, unit in units.items():
                file[name].attrs["units"] = unit
        made = self.convert()
        self.assertEqual([made[name].units for name in ("ATB_532", "ATB_1064", "altitude")], ["m-1 sr-1", "km-1 sr-1", "feet"])
        self.assertEqual(made["ATB_1064"].original_units, "see the manual")

    def test_packed_positions_and_altitudes_are_unpacked(self) -> None:
        plain = sample.atb(START, 8)
        packed = {name: np.round(plain[name] * 1000).astype("i4") for name in ("Latitude", "Longitude", "Bin_Alt")}
        path = self.granule({**packed, "Counts": np.arange(8, dtype="i2")})
        with h5py.File(path, "r+") as file:
            for name in packed:
                file[name].attrs.update({"scale_factor": 0.001, "valid_min": np.int32(-360_000)})
            file["Counts"].attrs.update({"scale_factor": np.float32(0.5), "valid_range": "0-10", "valid_max": 7.0})
        made = self.convert()
        np.testing.assert_allclose(made["latitude"][:], plain["Latitude"], atol=1e-3)
        np.testing.assert_allclose(made["altitude"][:], plain["Bin_Alt"], atol=1e-3)
        counts = made["Counts"]
        self.assertEqual((counts[2], counts.original_valid_range, counts.valid_max.dtype), (1.0, "0-10", np.dtype("i2")))

    def test_altitudes_of_each_profile(self) -> None:
        plain = sample.atb(START, 8)["Bin_Alt"]
        self.granule({"Bin_Alt": np.tile(plain, (8, 1))})
        made = self.convert()
        np.testing.assert_array_equal(made["altitude"][:], plain)
        self.assertEqual(made["ATB_532"].dimensions, ("time", "altitude"))
        self.granule({"Bin_Alt": plain[None, :] + np.arange(8, dtype="f4")[:, None] / 100})
        made = self.convert()
        self.assertEqual((made["Bin_Alt"].dimensions, made["Bin_Alt"].standard_name), (("time", "bin"), "altitude"))
        self.assertEqual((made["ATB_532"].dimensions, made["ATB_532"].coordinates), (("time", "bin"), "latitude longitude Bin_Alt"))
        self.assertEqual([round(one, 2) for one in self.told()["altitude"][:2]], [-0.97, 26.07])
        metres = 1000 * plain[None, :] + np.arange(8, dtype="f4")[:, None]
        self.granule({"Bin_Alt": metres})
        made = self.convert()
        self.assertEqual((made["Bin_Alt"].units, made["Bin_Alt"][0, -1]), ("m", metres[0, -1]))

    def test_bins_first_stay_first(self) -> None:
        plain = sample.backscatter(532, 8, 1)
        self.granule({"ATB_532": plain.T})
        made = self.convert()
        self.assertEqual((made["ATB_532"].dimensions, made["ATB_532"].coordinates), (("altitude", "time"), "latitude longitude"))
        np.testing.assert_array_equal(made["ATB_532"][:].filled(-999), plain.T)
        self.assertIn("ATB_532 is 900 × 8: bins first, and is written so", self.told()["notes"])

    def test_links_in_circles_and_out_of_the_file(self) -> None:
        path = self.granule({"g/Gain": np.ones(8)})
        with h5py.File(path, "r+") as file:
            file["g/up"] = h5py.SoftLink("/")
            file["g/again"] = file["g"]
            file["self"] = h5py.SoftLink("/self")
            file["passwd"] = h5py.ExternalLink("/etc/passwd", "/x")
            file.create_dataset("Host", (8,), "u1", external=[("/etc/hostname", 0, 8)])
        made = self.convert()
        self.assertEqual(made["g/Gain"].dimensions, ("time",))
        self.assertEqual(sorted(self.told()["notCarried"]), ["Host", "g/again", "g/up", "passwd", "self"])

    def test_attributes_that_are_no_utf_8_or_no_netcdf(self) -> None:
        path = self.granule({"Unit": np.array([b"25 \xb0C", b"7 \xb0C"])})
        with h5py.File(path, "r+") as file:
            unit = np.empty((), dtype=h5py.string_dtype())
            unit[()] = b"\xb0C"
            for owner in (file, file["Plane_Roll"]):
                owner.attrs.create("said", unit, dtype=h5py.string_dtype())
                owner.attrs["where"] = file["Date"].ref
            for name in ("NumBins", "NumRecs"):
                file[name].attrs["_FillValue"] = {"NumBins": np.nan, "NumRecs": np.inf}[name]
        made = self.convert()
        self.assertEqual((made.said, made["Plane_Roll"].said, int(made["NumBins"][...])), ("°C", "°C", 900))
        self.assertEqual(made["Unit"][:].tolist(), ["25 °C", "7 °C"])
        self.assertEqual(sorted(self.told()["notCarried"]), ["@where", "Plane_Roll@where"])

    def test_records_arrays_and_rows_of_different_lengths_come_along(self) -> None:
        record = np.dtype([("name", "S5"), ("at", [("x", "f8"), ("y", "f8")]), ("three", "f4", (3,))])
        path = self.granule({"Record": np.array([(b"one", (1, 2), (3, 4, 5))] * 8, record), "Flag": np.array([b"Y", b" "] * 4)})
        with h5py.File(path, "r+") as file:
            ragged = file.create_dataset("Ragged", (8,), dtype=h5py.vlen_dtype("f4"))
            for at in range(8):
                ragged[at] = np.arange(at)
        made = self.convert()
        self.assertEqual((made["Record_name"][0], made["Record_at_y"][0], made["Record_three"][0].tolist()), ("one", 2, [3, 4, 5]))
        self.assertEqual((made["Ragged"][2].compressed().tolist(), made["Ragged"].dimensions), ([0, 1], ("time", "dim_7")))
        self.assertEqual((made["Flag"].dimensions, made["Flag"][:2].tolist()), (("time",), [b"Y", b" "]))
        self.assertEqual(self.told()["notCarried"], {})

    def test_whole_numbers_of_any_size_keep_their_type_in_newer_conventions(self) -> None:
        self.granule({"Pulses": np.full(8, 2**62 + 1, "i8"), "Flags": np.full(8, 255, "u1")})
        self.convert()
        self.assertRegex(self.told()["notCarried"]["Pulses"], "with conventions=CF-1.11 they do")
        made = self.convert(CONVENTIONS="CF-1.11")
        self.assertEqual((int(made["Pulses"][0]), made["Pulses"].dtype, made["Flags"].dtype), (2**62 + 1, np.dtype("i8"), np.dtype("u1")))

    def test_a_chunk_of_the_granule_is_unpacked_once(self) -> None:
        path = self.granule()
        with h5py.File(path, "r+") as file:
            file.create_dataset("Tall", data=np.ones((3000, 900), "f4"), chunks=(3000, 900), compression="gzip")
        with h5py.File(path) as file:
            (tall,), _ = values_of(Item("Tall", file["Tall"]), "CF-1.6")
            reads = []
            counted = replace(tall, read=lambda at: reads.append(at) or tall.read(at))
            sizes = [len(block) for _, block in blocks(counted)]
        self.assertEqual((len(reads), max(sizes), sum(sizes)), (1, 256, 3000))

    def test_tables_of_one_column_are_columns(self) -> None:
        plain = sample.atb(START, 8)
        tables = {name: plain[name][:, None] for name in ("Hour", "Minute", "Second", "Latitude", "Longitude", "Plane_Alt", "Bin_Alt")}
        self.granule({**tables, "Saturate": np.ones((8, 1), "i4")})
        made = self.convert()
        self.assertEqual((made["Plane_Alt"].dimensions, made["Saturate"].dimensions), (("time",), ("time",)))
        np.testing.assert_array_equal(made["Plane_Alt"][:], plain["Plane_Alt"])
        self.assertEqual(made["altitude"].shape, (900,))

    def test_of_several_positions_a_profile_the_middle_one_counts(self) -> None:
        plain = sample.op(START, 8)
        three = {name: np.stack([plain[name] - 0.1, plain[name], plain[name] + 0.1], axis=1) for name in ("Latitude", "Longitude")}
        name = "HS3_CPL_OP_12203a_20120906"
        self.granule(three, base=plain, name=name)
        made = self.convert(name)
        np.testing.assert_array_equal(made["latitude"][:], plain["Latitude"])
        self.assertEqual(made["Latitude_2"].dimensions, ("time", "dim_3"))
        self.assertRegex(self.told()["notes"][0], "Latitude has 8 × 3 values; the coordinate is the middle one")

    def test_optical_properties_of_other_names_come_along(self) -> None:
        base = sample.common(START, 8)
        self.granule({"Lay_Top": np.ones((8, 10), "f4"), "Ext_532": np.ones((8, 900), "f4")}, base=base, name="HS3_CPL_OP_x")
        made = self.convert("HS3_CPL_OP_x")
        self.assertEqual((made["Lay_Top"].dimensions, made["Ext_532"].dimensions), (("time", "dim_10"), ("time", "altitude")))

    def test_as_many_profiles_as_bins(self) -> None:
        self.granule(base=sample.atb(START, 900))
        made = self.convert()
        self.assertEqual(made["ATB_532"].dimensions, ("time", "altitude"))
        self.assertEqual(made["Plane_Alt"].dimensions, ("time",))

    def test_names_that_cf_does_not_allow_are_changed_and_kept(self) -> None:
        path = self.granule({"1 odd/näme": np.ones(8), "1_odd/Other": np.ones(8), "ALTITUDE": np.ones(8), "n" * 300: np.ones(8)})
        with h5py.File(path, "r+") as file:
            h5py.h5d.create(file.id, b"bad\xff", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple((8,)))
        made = self.convert()
        self.assertEqual(made["bad_"].dimensions, ("time",))
        self.assertEqual(made["n" * 240].original_name, "n" * 300)
        self.assertEqual(made["v_1_odd_2/Other"].dimensions, ("time",))
        self.assertEqual(made["v_1_odd/n_me"].original_name, "1 odd/näme")
        self.assertIn("ALTITUDE_2", made.variables)

    def test_a_file_may_have_any_name(self) -> None:
        for name in ("back\\slash_20120906", "HS3 'ä' \"$(x)\" %41 #1 ?a=b & <c>\n_20120906", "http:__x#mode=zarr"):
            with self.subTest(name=name):
                path = self.granule(name=name)
                self.assertEqual(self.run_handler(), (0, ""))
                self.assertEqual([one for one in os.listdir(self.output) if one != ".longshore"], [f"{name}.nc"])
                os.unlink(path)
                os.unlink(os.path.join(self.output, f"{name}.nc"))

    def test_a_file_with_a_user_block_is_read(self) -> None:
        path = self.granule()
        with open(path, "rb") as file:
            content = file.read()
        with open(path, "wb") as file:
            file.write(b"\0" * 512 + content)
        self.assertEqual(self.convert()["time"].shape, (8,))

    def test_variables_in_a_group_are_found(self) -> None:
        moved = {f"science/{name}": value for name, value in sample.atb(START, 8).items()}
        self.granule(base=moved)
        self.assertEqual(self.convert()["science/ATB_532"].dimensions, ("time", "altitude"))
