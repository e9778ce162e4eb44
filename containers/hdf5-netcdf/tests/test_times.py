"""Times: past midnight, past New Year, in leap years, by a clock or by the day of the year."""

from datetime import datetime

import numpy as np

from .case import NAME, START, Case, sample


class Times(Case):
    def times(self) -> list[str]:
        told = self.told()
        return told["time"]

    def test_a_flight_past_midnight_goes_on(self) -> None:
        self.granule(base=sample.atb(datetime(2012, 9, 6, 23, 59, 57), 8))
        made = self.convert()
        self.assertEqual(np.diff(made["time"][:]).tolist(), [1.0] * 7)
        self.assertEqual(self.times(), ["2012-09-06T23:59:57.000Z", "2012-09-07T00:00:04.000Z"])

    def test_hours_may_go_on_past_24(self) -> None:
        hours = np.array([23, 24, 24, 24, 24, 24, 24, 25], "f4")
        self.granule({"Hour": hours, "Minute": np.arange(8, dtype="f4"), "Second": np.zeros(8, "f4")}, without=("Dec_JDay",))
        self.convert()
        self.assertEqual(self.times(), ["2012-09-06T23:00:00.000Z", "2012-09-07T01:07:00.000Z"])

    def test_a_granule_may_begin_on_the_day_after_its_date(self) -> None:
        night = sample.atb(datetime(2012, 9, 7, 1, 0), 8)
        self.granule({"Date": np.bytes_("06Sep12")}, base=night)
        self.convert()
        self.assertEqual(self.times()[0], "2012-09-07T01:00:00.000Z")
        self.assertRegex(" ".join(self.told()["notes"]), "day after Date")

    def test_new_year_and_leap_days(self) -> None:
        for start, end in ((datetime(2012, 12, 31, 23, 59, 58), "2013-01-01T00:00:05.000Z"),
                           (datetime(2012, 2, 28, 23, 59, 58), "2012-02-29T00:00:05.000Z"),
                           (datetime(2013, 2, 28, 23, 59, 58), "2013-03-01T00:00:05.000Z")):
            for without in ((), ("Hour", "Minute", "Second")):
                with self.subTest(start=start, without=without):
                    self.granule(base=sample.atb(start, 8), without=without)
                    self.convert()
                    self.assertEqual(self.times()[1][:19], end[:19])

    def test_the_day_of_the_year_may_go_on_past_new_year(self) -> None:
        dec = 366 + np.linspace(0.9, 1.1, 8)
        self.granule({"Dec_JDay": dec, "Date": "31Dec12"}, without=("Hour", "Minute", "Second"))
        self.convert()
        self.assertEqual(self.times(), ["2012-12-31T21:36:00.000Z", "2013-01-01T02:24:00.000Z"])

    def test_without_a_date_the_name_tells(self) -> None:
        self.granule(without=("Date",))
        self.convert()
        self.assertEqual(self.times()[0], "2012-09-06T14:30:00.000Z")

    def test_a_clock_that_repeats_gives_way_to_the_day_of_the_year(self) -> None:
        dec = 250 + (52200 + 0.1 * np.arange(8)) / 86400
        self.granule({"Second": np.zeros(8, "f4"), "Dec_JDay": dec})
        made = self.convert()
        np.testing.assert_allclose(np.diff(made["time"][:]), 0.1, atol=1e-6)

    def test_a_leap_second_has_a_time_of_its_own(self) -> None:
        clock = {"Hour": [23] * 4 + [0] * 4, "Minute": [59] * 4 + [0] * 4, "Second": [57, 58, 59, 60, 0, 1, 2, 3]}
        self.granule({"Date": "30Jun12", **{name: np.array(values, "f4") for name, values in clock.items()}}, without=("Dec_JDay",))
        made = self.convert()
        self.assertEqual((made["time"][:] - 86400).tolist(), [-3, -2, -1, -0.5, 0, 1, 2, 3])
        self.assertRegex(" ".join(self.told()["notes"]), "leap second")

    def test_what_is_no_time_of_day_is_no_time(self) -> None:
        base = sample.atb(START, 8)
        bad = {name: base[name].copy() for name in ("Hour", "Minute", "Second", "Dec_JDay")}
        for values in bad.values():
            values[0] = -999
        self.granule(bad)
        self.assert_refused("1 of 8 profiles have no time .* profile 0")
        self.granule({name: bad[name] for name in ("Hour", "Minute", "Second")})
        self.convert()
        self.assertEqual(self.times()[0], "2012-09-06T14:30:00.000Z")

    def test_bad_times_are_refused(self) -> None:
        seconds = np.arange(8, dtype="f4")
        gaps = seconds.copy()
        gaps[[3, 5]] = np.nan
        back = seconds.copy()
        back[4] = 1
        for changes, without, reason in (
            ({"Second": gaps}, ("Dec_JDay",), r"2 of 8 profiles have no time .* profile 3"),
            ({"Second": back}, ("Dec_JDay",), r"do not increase: profile 4 \(14:30:01\) comes after profile 3 \(14:30:03\)"),
            ({"Date": "99Foo12"}, (), r'Date is "99Foo12"'),
            ({}, ("Hour", "Dec_JDay"), r"no times: Hour and Dec_JDay are missing"),
            ({"Hour": np.full(5, 14, "f4")}, (), r"Hour, Minute and Second have 5, 8 and 8 values"),
        ):
            with self.subTest(reason=reason):
                self.granule(changes, without=without)
                self.assert_refused(f"{NAME}.*{reason}|{reason}")

    def test_without_any_date_there_is_nothing_to_go_by(self) -> None:
        self.granule(without=("Date",), name="ATB_granule")
        self.assert_refused("no Date, and its name has none")

    def test_fractions_of_seconds_stay(self) -> None:
        self.granule({"Second": 0.25 + np.arange(8)})
        self.assertEqual(self.convert()["time"][0], 52200.25)

    def test_dates_of_two_digits_are_of_this_century_or_the_last(self) -> None:
        self.granule({"Date": "06Sep94"}, without=("Dec_JDay",), base=sample.atb(START, 8), name="ATB_old")
        self.assertEqual(self.convert("ATB_old")["time"].units, "seconds since 1994-09-06 00:00:00")
