"""What is said of a granule as a whole: in the attributes of the file, and in the report."""

import hashlib
import os
from datetime import datetime, timezone
from typing import Any

import h5py
import netCDF4
import numpy as np

from . import VERSION
from .cf import cf_attributes
from .examine import Granule
from .params import Params
from .products import TITLES
from .source import attributes
from .times import first_text
from .track import boxes, track

VOCABULARY = "CF Standard Name Table v93"


def global_attributes(granule: Granule, params: Params) -> dict[str, Any]:
    now = _now()
    carried = cf_attributes(attributes(granule.file))
    line = f"{now:%Y-%m-%dT%H:%M:%SZ} hdf5-netcdf {VERSION}: converted from {os.path.basename(granule.path)}"
    before = str(carried.pop("history", ""))
    valid = np.isfinite(granule.latitude) & np.isfinite(granule.longitude)
    places = boxes(granule.latitude[valid], granule.longitude[valid])
    times = granule.times
    altitude = granule.altitude
    project = first_text(granule.found["Project"]) if "Project" in granule.found else ""
    vertical = {} if altitude is None else {
        "geospatial_vertical_min": round(altitude.lowest, 6),
        "geospatial_vertical_max": round(altitude.highest, 6),
        "geospatial_vertical_units": altitude.units,
        "geospatial_vertical_positive": "up",
    }
    job = os.environ.get("LONGSHORE_JOB")
    return {
        "title": TITLES.get(granule.product, "Airborne profile measurements"),
        "institution": "NASA Goddard Space Flight Center",
        "source": "airborne elastic backscatter lidar observation",
        "platform": "Global Hawk",
        "instrument": "Cloud Physics Lidar (CPL)",
        "project": project or "Hurricane and Severe Storm Sentinel (HS3)",
        "references": "https://cpl.gsfc.nasa.gov/",
        **carried,
        "Conventions": params.conventions,
        "history": f"{line}\n{before}" if before else line,
        "id": granule.name,
        "standard_name_vocabulary": VOCABULARY,
        "time_coverage_start": iso(times.at(0)),
        "time_coverage_end": iso(times.at(-1)),
        "geospatial_lat_min": min(box[1] for box in places),
        "geospatial_lat_max": max(box[3] for box in places),
        # West is greater than east across the 180th meridian.
        "geospatial_lon_min": places[0][0],
        "geospatial_lon_max": places[-1][2],
        **vertical,
        "input_file": os.path.basename(granule.path),
        "input_sha256": sha256(granule.path),
        "processing_software": f"longshore hdf5-netcdf {VERSION}, h5py {h5py.__version__}, netCDF {netCDF4.__netcdf4libversion__}",
        **({"processing_job": job} if job else {}),
    }


def _now() -> datetime:
    """SOURCE_DATE_EPOCH makes two runs of one granule equal to the byte."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(epoch), timezone.utc) if epoch else datetime.now(timezone.utc)


def iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def told(granule: Granule, dimensions: dict[str, int], written: dict[str, Any], left: dict[str, str],
         params: Params) -> dict[str, Any]:
    valid = np.isfinite(granule.latitude) & np.isfinite(granule.longitude)
    latitude, longitude = granule.latitude[valid], granule.longitude[valid]
    times = granule.times
    altitude = granule.altitude
    notes = [*times.notes, *granule.notes]
    if not valid.all():
        notes.append(f"{int((~valid).sum())} of {valid.size} profiles have no position")
    return {
        "file": f"{granule.name}.nc",
        "input": os.path.basename(granule.path),
        "product": granule.product,
        "conventions": params.conventions,
        "dimensions": dimensions,
        "time": [iso(times.at(0)), iso(times.at(-1))],
        "boxes": boxes(latitude, longitude),
        "track": track(latitude, longitude),
        **({} if altitude is None else {
            "altitude": [round(altitude.lowest, 6), round(altitude.highest, 6), altitude.units]}),
        "variables": written,
        "missing": granule.missing,
        "notCarried": left,
        "notes": notes,
    }
