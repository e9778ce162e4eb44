"""Where the aircraft was: boxes that know the 180th meridian, and a track of few points."""

import numpy as np

MOST_POINTS = 64


def boxes(latitude: np.ndarray, longitude: np.ndarray) -> list[list[float]]:
    """`[west, south, east, north]` in degrees, WGS84, from positions without NaN; two boxes across the 180th meridian."""
    south, north = _digits(latitude.min()), _digits(latitude.max())
    unrolled = unroll(longitude)
    west, east = float(unrolled.min()), float(unrolled.max())
    if east - west >= 360:
        return [[-180.0, south, 180.0, north]]
    shift = 360 * np.floor((west + 180) / 360)
    west, east = _digits(west - shift), _digits(east - shift)
    if east <= 180:
        return [[west, south, east, north]]
    return [[west, south, 180.0, north], [-180.0, south, _digits(east - 360), north]]


def unroll(longitude: np.ndarray) -> np.ndarray:
    """Longitudes that go on past ±180° as the aircraft does: no step is longer than half the Earth."""
    return np.unwrap(np.asarray(longitude, dtype=np.float64), period=360)


def track(latitude: np.ndarray, longitude: np.ndarray) -> list[list[float]]:
    """At most 64 `[longitude, latitude]`, evenly picked, the first and the last among them."""
    picked = np.unique(np.linspace(0, latitude.size - 1, min(MOST_POINTS, latitude.size)).round().astype(int))
    wrapped = (np.asarray(longitude, dtype=np.float64)[picked] + 180) % 360 - 180
    return [[_digits(lon), _digits(lat)] for lon, lat in zip(wrapped, latitude[picked])]


def _digits(degrees: float) -> float:
    """Six digits are a tenth of a metre."""
    return round(float(degrees), 6) + 0.0
