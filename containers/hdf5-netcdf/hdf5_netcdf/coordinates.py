"""The coordinates that CF asks for: time, latitude and longitude of each profile, altitude of each bin."""

from typing import Any

import netCDF4
import numpy as np

from .cf import FLOAT_FILL, LIMITS, cf_attributes, of_variable
from .contents import Item
from .examine import Granule
from .params import Params
from .products import ALTITUDE, LATITUDE, LONGITUDE
from .source import attributes, packing


def write_coordinates(granule: Granule, dataset: netCDF4.Dataset, params: Params) -> None:
    _write_time(granule, dataset, params)
    _write_position(granule.found[LATITUDE], granule.latitude, dataset, "latitude", "degrees_north")
    _write_position(granule.found[LONGITUDE], granule.longitude, dataset, "longitude", "degrees_east")
    if granule.altitude is not None:
        dataset.createDimension(granule.altitude.dimension, granule.altitude.bins)
        if granule.altitude.levels is not None:
            _write_levels(granule.found[ALTITUDE], granule.altitude.levels, granule.altitude.units, dataset)


def _write_time(granule: Granule, dataset: netCDF4.Dataset, params: Params) -> None:
    times = granule.times
    dataset.createDimension("time", times.seconds.size)
    time = dataset.createVariable("time", "f8", ("time",))
    time.setncatts({
        "standard_name": "time", "long_name": "Time of the profile, UTC", "axis": "T", "calendar": "standard",
        "units": f"seconds since {times.epoch:%Y-%m-%d %H:%M:%S}",
    })
    if params.conventions != "CF-1.6":
        # Asked for since 1.11: these seconds count every day as 86,400.
        time.units_metadata = "leap_seconds: none"
    time[:] = times.seconds


def _write_position(item: Item, degrees: np.ndarray, dataset: netCDF4.Dataset, name: str, units: str) -> None:
    variable = dataset.createVariable(name, _float_type(item), ("time",), fill_value=FLOAT_FILL)
    # Limits and the granule's own packing do not hide what is written here.
    variable.set_auto_maskandscale(False)
    variable.setncatts({**_carried(item, variable.dtype), "standard_name": name, "long_name": f"{item.name} of the aircraft",
                        "units": units, "original_name": item.path})
    variable[:] = np.where(np.isfinite(degrees), degrees, FLOAT_FILL)


def _write_levels(item: Item, levels: np.ndarray, units: str, dataset: netCDF4.Dataset) -> None:
    altitude = dataset.createVariable("altitude", _float_type(item), ("altitude",))
    altitude.set_auto_maskandscale(False)
    altitude.setncatts({
        **_carried(item, altitude.dtype), "standard_name": "altitude", "long_name": "Altitude of the bin above mean sea level",
        "units": units, "positive": "up", "axis": "Z", "original_name": item.path,
    })
    altitude[:] = levels


def _carried(item: Item, dtype: np.dtype) -> dict[str, Any]:
    """What was packed is written unpacked: then its limits and its packing are no longer those of the values."""
    found = of_variable(cf_attributes(attributes(item.dataset)), dtype)
    packed = packing(item.dataset) is not None
    return {name: value for name, value in found.items() if not (packed and name in LIMITS)}


def _float_type(item: Item) -> str:
    """The granule's own precision."""
    dtype = item.dataset.dtype
    return "f4" if dtype.kind == "f" and dtype.itemsize <= 4 and packing(item.dataset) is None else "f8"
