"""What is known of the Cloud Physics Lidar's variables: their CF attributes, and what a product cannot be without."""

from dataclasses import dataclass, field

# What producers write for "no value", declared or not; no quantity below comes near it.
SENTINELS_BELOW = -900.0


@dataclass(frozen=True)
class Known:
    """A variable that the product's description names. `dims` are the netCDF dimensions, in order."""

    dims: tuple[str, ...]
    long_name: str
    units: str | None = None
    standard_name: str | None = None
    # Least and most that a value can be: what lies outside is no measurement, but a producer's "no value".
    valid: tuple[float, float] | None = None
    attributes: dict[str, object] = field(default_factory=dict)


PROFILE = ("time",)
CURTAIN = ("time", "altitude")
LAYERS = ("time", "layer")
BACKSCATTER = "volume_attenuated_backwards_scattering_coefficient_of_radiative_flux_in_air"
MEASURED = (SENTINELS_BELOW, 1e30)


def _curtain(long_name: str, units: str, standard_name: str | None = None, wavelength: int | None = None) -> Known:
    wave = {} if wavelength is None else {"radiation_wavelength": float(wavelength), "wavelength_units": "nm"}
    return Known(CURTAIN, long_name, units, standard_name, MEASURED, wave)


def _profile(long_name: str, units: str | None = None, standard_name: str | None = None,
             valid: tuple[float, float] | None = None) -> Known:
    return Known(PROFILE, long_name, units, standard_name, valid)


def _layer(long_name: str, units: str | None = None) -> Known:
    return Known(LAYERS, long_name, units, None, MEASURED)


KNOWN: dict[str, Known] = {
    **{f"ATB_{nm}": _curtain(f"Total attenuated backscatter at {nm} nm", "km-1 sr-1", BACKSCATTER, nm)
       for nm in (355, 532, 1064)},
    "ATB_1064_PERP": _curtain("Perpendicular attenuated backscatter at 1064 nm", "km-1 sr-1", None, 1064),
    **{f"Extinction_{nm}": _curtain(f"Extinction coefficient at {nm} nm", "km-1", None, nm) for nm in (355, 532, 1064)},
    "Depol_Ratio_1sec": _curtain("Volume depolarization ratio at 1064 nm, one-second mean", "1", None, 1064),
    "Pressure": _curtain("Air pressure of the meteorological profile", "hPa", "air_pressure"),
    "RH": _curtain("Relative humidity of the meteorological profile", "percent", "relative_humidity"),
    "Plane_Alt": Known(PROFILE, "Altitude of the aircraft above mean sea level", "km", "altitude", MEASURED,
                       {"positive": "up"}),
    "Plane_Roll": _profile("Roll of the aircraft", "degree", "platform_roll", MEASURED),
    "Plane_Pitch": _profile("Pitch of the aircraft", "degree", "platform_pitch", MEASURED),
    "Plane_Heading": _profile("Heading of the aircraft, clockwise from true north", "degree", "platform_orientation",
                              MEASURED),
    "Solar_Azimuth_Angle": _profile("Solar azimuth angle", "degree", "solar_azimuth_angle", MEASURED),
    "Solar_Elevation_Angle": _profile("Solar elevation angle", "degree", "solar_elevation_angle", MEASURED),
    "Hour": _profile("Hour of the day as recorded, UTC", "hour"),
    "Minute": _profile("Minute of the hour as recorded, UTC", "minute"),
    "Second": _profile("Second of the minute as recorded, UTC", "second"),
    "Dec_JDay": _profile("Decimal day of the year as recorded, 1.0 is 1 January 00:00 UTC", "day"),
    "Saturate": _profile("Saturation flag"),
    "Num_Layers": _profile("Number of layers found in the profile", "1"),
    "Layer_Top_Alt": _layer("Altitude of the top of the layer", "km"),
    "Layer_Bot_Alt": _layer("Altitude of the bottom of the layer", "km"),
    "Layer_Type": _layer("Type of the layer"),
    **{f"Layer_OD_{nm}": _layer(f"Optical depth of the layer at {nm} nm", "1") for nm in (355, 532, 1064)},
    **{f"Lidar_Ratio_{nm}": _layer(f"Extinction-to-backscatter ratio of the layer at {nm} nm", "sr")
       for nm in (355, 532, 1064)},
    # In metres, bins below sea level are where other quantities have no values.
    "Bin_Alt": Known(CURTAIN, "Altitude of the bin above mean sea level", "km", "altitude", None, {"positive": "up"}),
    "NumBins": Known((), "Number of altitude bins", "1"),
    "NumRecs": Known((), "Number of profiles", "1"),
    "NumChans": Known((), "Number of channels", "1"),
    "NumWave": Known((), "Number of wavelengths", "1"),
    "Start_JDay": Known((), "Day of the year on which the flight began"),
    "End_JDay": Known((), "Day of the year on which the flight ended"),
    "Bin_Width": Known((), "Vertical extent of a bin", "m"),
    "Hori_Res": Known((), "Distance between profiles", "m"),
    "Frame_Top": Known((), "Altitude of the top of the data frame", "km"),
    "Date": Known((), "Date on which the flight began, as recorded"),
    "Project": Known((), "Field campaign"),
}

# What carries the coordinates, under whatever product.
LATITUDE = "Latitude"
LONGITUDE = "Longitude"
ALTITUDE = "Bin_Alt"

# Names of the OP product differ from campaign to campaign: whatever is there is carried over.
REQUIRED: dict[str, tuple[str, ...]] = {"ATB": ("ATB_355", "ATB_532", "ATB_1064"), "OP": ()}
# By which a product is known when the file's name does not tell.
MARKS: dict[str, tuple[str, ...]] = {"ATB": REQUIRED["ATB"], "OP": ("Layer_Top_Alt", "Layer_Bot_Alt", "Num_Layers")}
# A granule of no known product must still say where it was.
COORDINATES = (LATITUDE, LONGITUDE)

TITLES = {
    "ATB": "Cloud Physics Lidar: attenuated total backscatter profiles",
    "OP": "Cloud Physics Lidar: optical properties of clouds and aerosols",
}


def product_of(name: str, variables: set[str]) -> str:
    """`ATB` or `OP`, by the granule's name, else by what is in it; `unknown` when neither tells."""
    parts = name.upper().split("_")
    for product in REQUIRED:
        if product in parts:
            return product
    for product, marks in MARKS.items():
        if variables.intersection(marks):
            return product
    return "unknown"
