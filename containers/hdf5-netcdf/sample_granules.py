#!/usr/bin/python3 -B
"""Writes granules of the Cloud Physics Lidar's layout with plausible values: `sample-granules FOLDER --count 20`.

No measurements: molecular scattering that falls with height, an aerosol layer, a cirrus cloud, noise. Equal arguments give
equal granules. `write_granule` takes what a test wants to be different.
"""

import argparse
import os
from datetime import datetime, timedelta
from typing import Any

import h5py
import numpy as np

BINS = 900
TOP_KM = 26.0
BIN_KM = 0.03
WAVELENGTHS = (355, 532, 1064)
# Molecular backscatter at sea level, km-1 sr-1.
MOLECULAR = {355: 8.0e-3, 532: 1.5e-3, 1064: 9.0e-5}
LAYERS = 10


def granule_name(product: str, start: datetime, flight: int) -> str:
    return f"HS3_CPL_{product}_12{flight % 1000:03d}a_{start:%Y%m%d}.hdf5"


def profile_times(start: datetime, profiles: int, step: float = 1.0) -> list[datetime]:
    return [start + timedelta(seconds=step * at) for at in range(profiles)]


def common(start: datetime, profiles: int, west: float = -75.0) -> dict[str, Any]:
    """What both products have: times, positions, attitude, altitude bins."""
    times = profile_times(start, profiles)
    turn = np.linspace(0, 2 * np.pi, profiles)
    dec_jday = [time.timetuple().tm_yday + (time.hour * 3600 + time.minute * 60 + time.second) / 86400 for time in times]
    return {
        "Bin_Alt": (TOP_KM - BIN_KM * np.arange(BINS)).astype("f4"),
        "NumBins": np.array([BINS], "i4"),
        "NumRecs": np.array([profiles], "i4"),
        "Date": np.bytes_(start.strftime("%d%b%y")),
        "Project": np.bytes_("HS3"),
        "Hour": np.array([time.hour for time in times], "f4"),
        "Minute": np.array([time.minute for time in times], "f4"),
        "Second": np.array([time.second for time in times], "f4"),
        "Dec_JDay": np.array(dec_jday, "f8"),
        "Start_JDay": np.array([start.timetuple().tm_yday], "f4"),
        "Latitude": (25 + 4 * np.sin(turn)).astype("f4"),
        "Longitude": ((west + 0.002 * np.arange(profiles) + 180) % 360 - 180).astype("f4"),
        "Plane_Alt": (18.5 + 0.2 * np.sin(turn)).astype("f4"),
        "Plane_Roll": (2 * np.sin(3 * turn)).astype("f4"),
        "Plane_Pitch": np.full(profiles, 2.5, "f4"),
        "Plane_Heading": np.full(profiles, 92.0, "f4"),
    }


def backscatter(wavelength: int, profiles: int, seed: int) -> np.ndarray:
    """Profiles × bins, km-1 sr-1; three digits, as noise of more would be incompressible for nothing."""
    random = np.random.default_rng(seed * 1000 + wavelength)
    altitude = TOP_KM - BIN_KM * np.arange(BINS)
    column = MOLECULAR[wavelength] * np.exp(-altitude / 8.0)
    curtain = np.repeat(column[None, :], profiles, axis=0)
    wave = np.sin(np.linspace(0, 4, profiles))[:, None]
    cirrus = 0.02 * np.exp(-(((altitude[None, :] - 13 - wave) / 0.5) ** 2))
    aerosol = 0.004 * np.exp(-((altitude[None, :] / 1.5) ** 2))
    signal = (curtain + cirrus + aerosol) * (1 + 0.05 * random.standard_normal((profiles, BINS)))
    signal[:, altitude < 0] = -999.0
    return np.where(signal == -999.0, signal, _three_digits(signal)).astype("f4")


def _three_digits(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 10.0 ** (2 - np.floor(np.log10(np.abs(values))))
        return np.nan_to_num(np.round(values * scale) / scale)


def atb(start: datetime, profiles: int, seed: int = 1, west: float = -75.0) -> dict[str, Any]:
    curtains = {f"ATB_{nm}": backscatter(nm, profiles, seed) for nm in WAVELENGTHS}
    return {**common(start, profiles, west), **curtains, "NumWave": np.array([3], "i4"), "NumChans": np.array([4], "i4")}


def op(start: datetime, profiles: int, seed: int = 1, west: float = -75.0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    tops = np.full((profiles, LAYERS), -999.0, "f4")
    bottoms = tops.copy()
    kinds = np.zeros((profiles, LAYERS), "i4")
    depth = tops.copy()
    number = random.integers(0, 3, profiles)
    for at, count in enumerate(number):
        for layer in range(count):
            tops[at, layer] = round(14.0 - 11 * layer + 0.01 * at, 2)
            bottoms[at, layer] = round(12.5 - 11 * layer, 2)
            kinds[at, layer] = 1 + layer
            depth[at, layer] = round(0.3 / (1 + layer), 3)
    return {
        **common(start, profiles, west),
        "Num_Layers": number.astype("i4"),
        "Layer_Top_Alt": tops,
        "Layer_Bot_Alt": bottoms,
        "Layer_Type": kinds,
        **{f"Layer_OD_{nm}": depth for nm in WAVELENGTHS},
        "Extinction_532": np.where(backscatter(532, profiles, seed) > 0.005, 0.25, 0.0).astype("f4"),
    }


MAKERS = {"ATB": atb, "OP": op}


def write_granule(path: str, variables: dict[str, Any], attributes: dict[str, Any] | None = None) -> None:
    """Names with slashes go into groups. Whole or not at all: under another name first, so that no watcher takes a half."""
    partial = f"{path}.part"
    with h5py.File(partial, "w") as file:
        file.attrs.update(attributes or {})
        for name, value in variables.items():
            large = getattr(value, "size", 1) > 64 and value.dtype.kind in "iuf"
            file.create_dataset(name, data=value, **({"compression": "gzip", "shuffle": True} if large else {}))
    os.replace(partial, path)


def write_samples(folder: str, count: int, profiles: int, products: list[str], start: datetime) -> list[str]:
    os.makedirs(folder, exist_ok=True)
    paths = []
    for at in range(count):
        product = products[at % len(products)]
        begin = start + timedelta(days=at // 1000)
        path = os.path.join(folder, granule_name(product, begin, at // len(products)))
        write_granule(path, MAKERS[product](begin, profiles, at))
        paths.append(path)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description="Write sample granules of the Cloud Physics Lidar's layout.")
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=2)
    parser.add_argument("--profiles", type=int, default=40)
    parser.add_argument("--product", choices=[*MAKERS, "both"], default="both")
    parser.add_argument("--start", type=datetime.fromisoformat, default=datetime(2012, 9, 6, 14, 30))
    asked = parser.parse_args()
    products = list(MAKERS) if asked.product == "both" else [asked.product]
    paths = write_samples(asked.folder, asked.count, asked.profiles, products, asked.start)
    print(f"{len(paths)} granules of {asked.profiles} profiles in {asked.folder}, {sum(map(os.path.getsize, paths))} bytes")


if __name__ == "__main__":
    main()
