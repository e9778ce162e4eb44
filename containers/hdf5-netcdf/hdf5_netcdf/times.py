"""When each profile was measured: from the flight's date and the time of day, past midnight and New Year."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np

from .contents import Item
from .errors import BadInput
from .source import column, read, read_text

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAY = 86_400.0
# A time of day that falls by more than this is a new day, and no disorder.
HALF_DAY = DAY / 2
# Dec_JDay is often kept in single precision: a step of 3e-5 days is 2.6 s.
AGREES = 60.0
# A flight that is counted on past its first day, or past New Year, still ends.
MOST_HOURS = 240
MOST_DAYS = 400


@dataclass(frozen=True)
class Times:
    """`seconds` since `epoch` (midnight UTC of the flight's first day), strictly increasing. `notes` say what was odd."""

    epoch: datetime
    seconds: np.ndarray
    notes: list[str]

    def at(self, index: int) -> datetime:
        return self.epoch + timedelta(seconds=float(self.seconds[index]))


def read_times(found: dict[str, Item], granule: str) -> Times:
    notes: list[str] = []
    date = _flight_date(found, granule, notes)
    dec = column(found["Dec_JDay"]) if "Dec_JDay" in found else None
    clock = [name for name in ("Hour", "Minute", "Second") if name in found]
    if len(clock) == 3:
        seconds = _by_clock(granule, [column(found[name]) for name in clock], notes)
        seconds = seconds + DAY * _days_late(seconds, dec, date, notes)
        if dec is not None and dec.size == seconds.size and not _increases(seconds) and _increases(_by_day(dec, date)):
            notes.append("Hour, Minute and Second repeat or have gaps; the times are those of Dec_JDay")
            seconds = _by_day(dec, date)
    elif dec is not None:
        notes.append(f"without {_absent(clock)}; the times are those of Dec_JDay")
        seconds = _by_day(dec, date)
    else:
        raise BadInput(f"{granule} has no times: {_absent(clock)} and Dec_JDay are missing")
    _check(seconds, granule, date)
    return Times(date, seconds, notes)


def _absent(present: list[str]) -> str:
    return ", ".join(name for name in ("Hour", "Minute", "Second") if name not in present)


def _flight_date(found: dict[str, Item], granule: str, notes: list[str]) -> datetime:
    """Of `Date`, else of the granule's name."""
    named = _date_in_name(granule)
    text = first_text(found["Date"]) if "Date" in found else ""
    if text == "":
        if named is None:
            raise BadInput(f"{granule} has no Date, and its name has none (…_YYYYMMDD)")
        notes.append("without Date; the date is that of the name")
        return named
    date = parse_date(text)
    if date is None:
        raise BadInput(f'{granule}: Date is "{text[:40]}", which is no date such as 06Sep12 or 2012-09-06')
    if named is not None and abs((named - date).days) > 1:
        notes.append(f"Date is {date:%Y-%m-%d}, the name says {named:%Y-%m-%d}")
    return date


def first_text(item: Item) -> str:
    """The text; of one a profile the first. Characters may be an array, and bytes numbers."""
    if item.shape is None or item.dataset.size == 0:
        return ""
    values = read(item).squeeze()
    if values.dtype == np.uint8 and values.ndim:
        values = values.view("S1")
    if values.dtype.itemsize == 1 and values.ndim and values.dtype.kind == "S":
        return read_text(values.reshape(-1, values.shape[-1])[0])
    first = values.ravel()[0]
    return f"{first:.0f}" if values.dtype.kind == "f" else read_text(first)


def parse_date(text: str) -> datetime | None:
    """
    `06Sep12`, `6-Sep-2012`, `Sep 6, 2012`, `2012-09-06`, `20120906`; a time of day behind it does not matter. Two digits of a
    year are of 1970–2069.
    """
    month = r"(?P<month>[A-Za-z]{3})[A-Za-z]*"
    day_first = rf"(?P<day>\d{{1,2}})[-\s/]?{month}[-\s/]?(?P<year>\d{{4}}|\d{{2}})([T\s].*)?"
    month_first = rf"{month}\.?[-\s]*(?P<day>\d{{1,2}})[-,\s]+(?P<year>\d{{4}})([T\s].*)?"
    named = re.fullmatch(day_first, text) or re.fullmatch(month_first, text)
    if named and named["month"].lower() in MONTHS:
        year = int(named["year"])
        year += 0 if year > 99 else 1900 if year >= 70 else 2000
        return _date(year, MONTHS.index(named["month"].lower()) + 1, int(named["day"]))
    plain = re.fullmatch(r"(\d{4})[-/]?(\d{2})[-/]?(\d{2})([T\s].*)?", text)
    return _date(*(int(part) for part in plain.groups()[:3])) if plain else None


def _date_in_name(granule: str) -> datetime | None:
    for text in reversed(re.findall(r"(?<!\d)(\d{8})(?!\d)", granule)):
        date = parse_date(text)
        if date is not None:
            return date
    return None


def _date(year: int, month: int, day: int) -> datetime | None:
    try:
        return datetime(year, month, day, tzinfo=timezone.utc)
    except ValueError:
        return None


def _by_clock(granule: str, clock: list[np.ndarray], notes: list[str]) -> np.ndarray:
    """Seconds since midnight of the first day. Hours may go on past 24, or begin again at 0. What is no time of day is NaN."""
    hour, minute, second = clock
    if not hour.size == minute.size == second.size:
        raise BadInput(f"{granule}: Hour, Minute and Second have {hour.size}, {minute.size} and {second.size} values")
    with np.errstate(invalid="ignore"):
        fits = (hour >= 0) & (hour < MOST_HOURS) & (minute >= 0) & (minute < 60) & (second >= 0) & (second < 61)
        leap = (hour % 24 == 23) & (minute == 59) & (second >= 60)
    seconds = np.where(fits, hour * 3600.0 + minute * 60.0 + second, np.nan)
    with np.errstate(invalid="ignore"):
        falls = np.diff(seconds, prepend=seconds[:1]) < -HALF_DAY
    seconds = seconds + DAY * np.cumsum(falls)
    if leap.any() and not _increases(seconds):
        # 23:59:60 is a second that CF's calendars do not have: without this it would be the same as 00:00:00.
        notes.append("23:59:60 to 23:59:61, a leap second, is told as 23:59:59.5 to 24:00:00")
        seconds = np.where(leap, seconds - (seconds % DAY + 1) / 2, seconds)
    return seconds


def _by_day(dec: np.ndarray, date: datetime) -> np.ndarray:
    """
    Seconds since `date`; 1.0 is 1 January 00:00. Past New Year the count may go on (366.5) or begin again (1.5). What is no day of
    a year is NaN.
    """
    with np.errstate(invalid="ignore"):
        dec = np.where((dec >= 0) & (dec < MOST_DAYS), dec, np.nan)
    seconds = (dec - date.timetuple().tm_yday) * DAY
    year, before = (DAY * _days_of(one) for one in (date.year, date.year - 1))
    with np.errstate(invalid="ignore"):
        return np.where(seconds < -year / 2, seconds + year, np.where(seconds > before / 2, seconds - before, seconds))


def _days_of(year: int) -> int:
    return (datetime(year + 1, 1, 1) - datetime(year, 1, 1)).days


def _days_late(seconds: np.ndarray, dec: np.ndarray | None, date: datetime, notes: list[str]) -> int:
    """1 when Dec_JDay says that the first profile is of the day after Date (a granule of the flight's second half)."""
    if dec is None or not dec.size or not seconds.size:
        return 0
    difference = float(_by_day(dec, date)[0] - seconds[0])
    if not np.isfinite(difference):
        return 0
    days = round(difference / DAY)
    if abs(difference - days * DAY) > AGREES:
        notes.append(f"Dec_JDay and the time of day differ by {difference - days * DAY:.0f} s; the time of day counts")
        return 0
    if days == 1:
        notes.append("Dec_JDay says that the first profile is of the day after Date")
        return 1
    if days != 0:
        notes.append(f"Dec_JDay is {days} days from Date; Date counts")
    return 0


def _increases(seconds: np.ndarray) -> bool:
    return bool(np.all(np.diff(seconds) > 0))


def _check(seconds: np.ndarray, granule: str, date: datetime) -> None:
    if seconds.size == 0:
        raise BadInput(f"{granule} has no profiles")
    without = np.flatnonzero(~np.isfinite(seconds))
    if without.size:
        raise BadInput(
            f"{granule}: {without.size} of {seconds.size} profiles have no time (NaN or fill value in Hour, Minute, Second"
            f" or Dec_JDay), the first is profile {without[0]}"
        )
    back = np.flatnonzero(np.diff(seconds) <= 0)
    if back.size:
        at = int(back[0])
        first, then = (date + timedelta(seconds=float(seconds[one])) for one in (at, at + 1))
        raise BadInput(
            f"{granule}: the times do not increase: profile {at + 1} ({then:%H:%M:%S}) comes after profile {at}"
            f" ({first:%H:%M:%S}); {back.size} such places"
        )
