"""Units: the granule's own go before those of the product's description, as values are not changed."""

import re
from typing import Any

import numpy as np

from .contents import Item
from .source import attributes, packing

NONE = {"", "none", "unitless", "n/a", "na", "-"}
METRES = {"m", "meter", "meters", "metre", "metres"}
KILOMETRES = {"km", "kilometer", "kilometers", "kilometre", "kilometres"}
# What units of these quantities can be made of. A sentence ("counts per shot") is none that UDUNITS would know.
WORDS = METRES | KILOMETRES | {
    "sr", "steradian", "steradians", "cm", "mm", "nm", "ft", "foot", "feet", "per", "pa", "hpa", "kpa", "mb", "mbar", "millibar",
    "millibars", "k", "kelvin", "celsius", "percent", "deg", "degree", "degrees", "rad", "radian", "radians", "hour", "hours",
    "hr", "minute", "minutes", "min", "second", "seconds", "sec", "s", "day", "days",
}
# Higher than any aircraft flies: such altitudes are no kilometres.
HIGHEST_KM = 100


def said_units(item: Item) -> str:
    """What the granule says; empty when that is nothing."""
    said = str(attributes(item.dataset).get("units", "")).strip()
    return "" if said.lower() in NONE else said


def understood(said: str) -> bool:
    words = re.findall(r"[^\W\d_]+|%", said.lower())
    return bool(words) and all(word in WORDS or word == "%" for word in words)


def units_for(item: Item, ours: str, seen: Any) -> str:
    """`ours` unless the granule says another one that can be understood. `seen` are values, for lengths of no unit."""
    said = said_units(item)
    if understood(said) and _plain(said) != _plain(ours):
        lower = said.lower()
        return "m" if lower in METRES else "km" if lower in KILOMETRES else said
    values = np.asarray(seen, dtype=np.float64)
    values = values[np.isfinite(values)]
    in_metres = ours == "km" and not said and packing(item.dataset) is None and values.size and np.abs(values).max() > HIGHEST_KM
    return "m" if in_metres else ours


def _plain(units: str) -> str:
    return re.sub(r"[\s^*._()]", "", units.lower())
