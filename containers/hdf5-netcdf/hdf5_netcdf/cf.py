"""What CF allows: names, types and attributes. https://cfconventions.org/Data/cf-conventions/cf-conventions-1.6/build/cf-conventions.html"""

import re
from typing import Any

import numpy as np

FLOAT_FILL = -9999.0
# Of netCDF's 256 bytes: room for what tells equal names apart.
LONGEST_NAME = 240
# Rewritten by the packing rules of netCDF or wrong after the move to another file.
DROPPED = {"_FillValue", "missing_value", "FillValue", "fill_value", "Fill_Value", "coordinates", "Conventions"}
# Attributes that readers compute with, and how many numbers each is.
PACKING = {"scale_factor", "add_offset"}
LIMITS = {"valid_min": 1, "valid_max": 1, "valid_range": 2, **dict.fromkeys(PACKING, 1)}


def safe_name(name: str) -> str:
    """Letters, digits, underscores, beginning with a letter (CF 2.3); no longer than netCDF takes."""
    safe = re.sub(r"[^A-Za-z0-9_]", "_", name)[:LONGEST_NAME]
    return safe if re.match(r"[A-Za-z]", safe) else f"v_{safe}"


def unique(name: str, taken: set[str]) -> str:
    """The name, with a number when CF, which does not tell capitals apart (2.3), has it already."""
    candidate, number = name, 2
    while candidate.lower() in taken:
        candidate, number = f"{name}_{number}", number + 1
    taken.add(candidate.lower())
    return candidate


def cf_dtype(dtype: np.dtype, least: float = 0, most: float = 0, conventions: str = "CF-1.6") -> np.dtype | None:
    """
    The type of CF 1.6 (char, byte, short, int, float, double) that holds values from `least` to `most` of this type; whole numbers
    keep theirs since CF 1.9.
    """
    kind, size = dtype.kind, dtype.itemsize
    if kind == "b":
        return np.dtype("i1")
    if kind == "f":
        return np.dtype("f4") if size <= 4 else np.dtype("f8")
    if kind in "iu" and conventions != "CF-1.6":
        return np.dtype(f"{kind}{size}")
    if kind == "i" and size <= 4:
        return np.dtype(f"i{size}")
    if kind == "u" and size <= 2:
        return np.dtype(f"i{size * 2}")
    if kind in "iu":
        if -(2**31) <= least and most < 2**31:
            return np.dtype("i4")
        # Whole numbers up to 2^53 are exact in a double.
        return np.dtype("f8") if max(abs(least), abs(most)) <= 2**53 else None
    return None


def cf_attributes(given: dict[str, Any]) -> dict[str, Any]:
    """Attributes of the source that go along, under names that CF allows."""
    return {safe_name(name): _plain_type(value) for name, value in given.items() if name not in DROPPED}


def of_variable(given: dict[str, Any], dtype: np.dtype) -> dict[str, Any]:
    """
    The attributes of a variable of this type: limits in its own type (CF 2.5.1), packing in a floating one (CF 8.1). What cannot be
    such an attribute (a range as text) is kept as `original_…`.
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        length = LIMITS.get(name)
        if length is None:
            found[name] = value
            continue
        fitting = _fitting(value, dtype, name in PACKING) if np.size(value) == length else None
        found[name if fitting is not None else f"original_{name}"] = value if fitting is None else fitting
    return found


def _fitting(value: Any, dtype: np.dtype, packing: bool) -> Any:
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or dtype.kind not in "iuf":
        return None
    if packing and dtype.kind != "f":
        return array if array.dtype.kind == "f" else array.astype("f8")
    if dtype.kind == "f":
        return array.astype(dtype)
    limits = np.iinfo(dtype)
    fits = np.all(np.isfinite(array)) and np.all(array == np.trunc(array)) and limits.min <= array.min() and array.max() <= limits.max
    return array.astype(dtype) if fits else None


def _plain_type(value: Any) -> Any:
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    wanted = cf_dtype(array.dtype, float(array.min()), float(array.max()))
    return array.astype(wanted or np.dtype("f8"))
