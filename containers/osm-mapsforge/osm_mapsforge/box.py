"""A box on the globe, in degrees."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """West < east and south < north, in WGS84 degrees; never across the 180th meridian."""

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        if not (-180 <= self.west < self.east <= 180 and -90 <= self.south < self.north <= 90):
            raise ValueError(f"not a box: {self.as_list()}")

    @property
    def width(self) -> float:
        return self.east - self.west

    @property
    def height(self) -> float:
        return self.north - self.south

    @property
    def area(self) -> float:
        """Square degrees."""
        return self.width * self.height

    def as_list(self) -> list[float]:
        return [self.west, self.south, self.east, self.north]

    def __str__(self) -> str:
        return ",".join(f"{value:.7f}".rstrip("0").rstrip(".") for value in self.as_list())


def boxes(west: float, south: float, east: float, north: float) -> list[Box]:
    """One box, or two when `west` lies east of `east`: the box then crosses the 180th meridian.

    Raises ValueError for what is no box.
    """
    if west <= east:
        return [Box(west, south, east, north)]
    return [Box(west, south, 180, north), Box(-180, south, east, north)]
