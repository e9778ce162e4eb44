"""Which land polygons to take, and the land of a box from them.

`auto` takes the best that can be had: osmdata's (OpenStreetMap's own coast, whole planet); else the extract's own
coastlines where all of them close; else GSHHG, which is coarser (tens of metres) but always there.
"""

from dataclasses import dataclass
from typing import Any

from . import coastline, osmdata
from .box import Box
from .closing import OpenCoast, Polygon
from .errors import BadInput, JobError, TryAgain
from .gshhg import Gshhg, gshhg_file
from .log import info, warn
from .pieces import area, clip, from_polygons
from .vector import VectorLand
from .workspace import Workspace

# The extract's coastlines are believed only when they hold nearly all the land that GSHHG knows in the box: an extract
# cut along a border lacks the neighbour's islands. Small islets differ between the two, hence the allowance.
LEAST_SHARE_OF_GSHHG = 0.8
ALLOWANCE = 1e-4


@dataclass(frozen=True)
class Land:
    """The land of one box and where it comes from."""

    source: str
    polygons: list[Polygon]
    facts: dict[str, Any]


class LandSource:
    """Chooses once per job, then answers box by box."""

    def __init__(self, wanted: str, extract: str, place: Workspace) -> None:
        self._wanted, self._extract, self._place = wanted, extract, place
        self._vector: VectorLand | None = None
        self._gshhg: Gshhg | None = None
        self._lines: list[coastline.Line] | None = None
        self._without_osmdata: str | None = None

    def land(self, box: Box) -> Land:
        """Land in the box. Raises BadInput, TryAgain or JobError when the wanted source can't be had."""
        if self._wanted == "auto":
            name, polygons = self._auto(box)
        elif self._wanted == "osmdata":
            name, polygons = "osmdata", self._from_osmdata(box)
        elif self._wanted == "gshhg":
            name, polygons = "gshhg", self._from_gshhg(box)
        elif self._wanted == "coastline":
            name, polygons = "coastline", self._from_own_coast(box)
        else:
            name, polygons = self._wanted, self._from_vector(self._wanted, box)
        share = round(area(polygons) / box.area, 6)
        facts = {"source": name, "asked": self._wanted, "polygons": len(polygons), "shareOfBox": share}
        info("Land:Clip:Done", f"land from {name}: {len(polygons)} polygons, {share:.1%} of the box", box=box.as_list(), **facts)
        return Land(name, polygons, facts)

    def _auto(self, box: Box) -> tuple[str, list[Polygon]]:
        polygons = self._osmdata_if_it_can_be_had(box)
        if polygons is not None:
            return "osmdata", polygons
        own = self._own_coast_if_whole(box)
        name = "gshhg" if own is None else "coastline"
        warn("Land:Source:Fallback", f"osmdata can't be had ({self._without_osmdata}): land from {name}", land=name)
        return name, self._from_gshhg(box) if own is None else own

    def _osmdata_if_it_can_be_had(self, box: Box) -> list[Polygon] | None:
        if self._without_osmdata is not None:
            return None
        try:
            if osmdata.have(self._place) is None:
                if self._place.cache is None:
                    raise osmdata.Unreachable("there is no LONGSHORE_CACHE to keep its 900 MB in")
                osmdata.reachable(self._place)
            return self._from_osmdata(box)
        except (osmdata.Unreachable, TryAgain) as error:
            self._without_osmdata = str(error)
            return None

    def _own_coast_if_whole(self, box: Box) -> list[Polygon] | None:
        """The extract's own coast, if it closes in this box and GSHHG knows of no more land there."""
        if not coastline.reaches(self._own_lines(), box):
            return None
        try:
            own = self._from_own_coast(box)
        except BadInput:
            return None
        if gshhg_file() is None:
            return own
        known = area(self._from_gshhg(box))
        return own if area(own) >= LEAST_SHARE_OF_GSHHG * known - ALLOWANCE * box.area else None

    def _own_lines(self) -> list[coastline.Line]:
        if self._lines is None:
            self._lines = coastline.coastlines(self._place, self._extract)
        return self._lines

    def _from_own_coast(self, box: Box) -> list[Polygon]:
        try:
            # A box without any coast is taken for inland: an extract of open sea has nothing to make a map of.
            polygons = coastline.land(self._own_lines(), box, land_without_coast=True)
        except OpenCoast as error:
            raise BadInput(f"LAND=coastline: {error}; take another LAND, or a BBOX inside the extract") from None
        return clip(from_polygons(polygons), box)

    def _from_gshhg(self, box: Box) -> list[Polygon]:
        path = gshhg_file()
        if path is None:
            raise JobError("no land polygons: osmdata can't be had, and GSHHG is not installed (gmt-gshhg-full)")
        self._gshhg = self._gshhg or Gshhg(path)
        try:
            return clip(from_polygons(self._gshhg.land(box)), box)
        except OpenCoast as error:
            raise JobError(f"GSHHG contradicts itself here ({error}); take another LAND") from None

    def _from_osmdata(self, box: Box) -> list[Polygon]:
        return self._from_vector(osmdata.have(self._place) or osmdata.fetch(self._place), box)

    def _from_vector(self, where: str, box: Box) -> list[Polygon]:
        if self._vector is None:
            self._vector = VectorLand(where, self._place.input)
        return clip(self._vector.geometries(box), box)
