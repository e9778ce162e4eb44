"""What other writers do: none of it may matter."""

import h5py
import numpy as np

from .case import START, Case, sample


class Habits(Case):
    def test_dates_in_every_shape(self) -> None:
        for date in ("06Sep12", np.bytes_("06Sep12"), np.array([b"06Sep12"]), np.array([b"0", b"6", b"S", b"e", b"p", b"1", b"2"]),
                     np.array(["2012-09-06"], dtype=h5py.string_dtype()), "6-Sep-2012", np.bytes_("20120906\0\0")):
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
        self.granule({"1 odd/näme": np.ones(8), "ALTITUDE": np.ones(8)})
        made = self.convert()
        self.assertEqual(made["v_1_odd/n_me"].original_name, "1 odd/näme")
        self.assertIn("ALTITUDE_2", made.variables)

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
