"""Tag mapping and tag transform: which tags become part of the map."""

import os
import xml.etree.ElementTree as ElementTree

from .errors import BadInput
from .http import NotThere, download
from .workspace import Workspace

# The writer's own mapping is in its jar; `none` leaves the tags as they are.
BUILT_IN = {"mapping": "default", "transform": "none"}
ROOTS = {"mapping": "tag-mapping", "transform": "translations"}


def styles_folder() -> str:
    """The styles shipped with the handler. OSM_MAPSFORGE_STYLES names another folder."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.environ.get("OSM_MAPSFORGE_STYLES", os.path.join(here, "styles"))


def find_style(kind: str, value: str, place: Workspace) -> str | None:
    """The file of a `mapping` or `transform`: a shipped name, a file of the input folder, or an http(s) address.

    None for the built-in one. Raises BadInput when there is no such file or it is not what it should be.
    """
    parameter = f"TAG_{kind.upper()}"
    if value == BUILT_IN[kind]:
        return None
    if value.startswith(("http://", "https://")):
        path = os.path.join(place.scratch, f"{kind}.xml")
        try:
            download(value, path, stage=f"tag-{kind}")
        except NotThere:
            raise BadInput(f"bad parameter {parameter}=“{value}”: there is no such file") from None
    else:
        shipped = os.path.join(styles_folder(), f"{value}.{kind}.xml")
        path = shipped if os.path.isfile(shipped) else os.path.join(place.input, value)
    if not os.path.isfile(path):
        raise BadInput(f"bad parameter {parameter}=“{value}”: give one of {', '.join(_names(kind))}, a file or an address")
    _check(path, kind, f"{parameter}={value}")
    return path


def _names(kind: str) -> list[str]:
    suffix = f".{kind}.xml"
    shipped = [name[: -len(suffix)] for name in os.listdir(styles_folder()) if name.endswith(suffix)]
    return sorted([BUILT_IN[kind], *shipped])


def _check(path: str, kind: str, what: str) -> None:
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise BadInput(f"{what} is no XML ({error}); mend the file") from None
    name = root.tag.rsplit("}", 1)[-1]
    if name != ROOTS[kind]:
        raise BadInput(f"{what} is no tag {kind}: its root is <{name}>, should be <{ROOTS[kind]}>")
