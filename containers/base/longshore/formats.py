"""What a file is, told by its first bytes. Names are in small letters: `hdf5`, `netcdf`, `sqlite`, `gzip`, …"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

#: The superblock of HDF5 may stand at 0, 512, 1024, 2048, …: whatever is before it is the user's own.
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_OFFSETS = (0, 512, 1024, 2048, 4096, 8192)
_HEAD_BYTES = 16384
_NETCDF4_MARKS = (b"_NCProperties", b"_Netcdf4Dimid", b"_Netcdf4Coordinates")
#: They stand in the header of the file, before the data.
_MARK_BYTES = 1 << 20

#: Format, and the signatures that begin it.
_SIGNATURES: dict[str, tuple[bytes, ...]] = {
    "sqlite": (b"SQLite format 3\x00",),
    "gzip": (b"\x1f\x8b",),
    "bzip2": (b"BZh",),
    "xz": (b"\xfd7zXZ\x00",),
    "zstd": (b"\x28\xb5\x2f\xfd",),
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "tiff": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    "pdf": (b"%PDF-",),
    "parquet": (b"PAR1",),
    "hdf4": (b"\x0e\x03\x13\x01",),
    "grib": (b"GRIB",),
}


def known() -> list[str]:
    """The names that `is_format` takes."""
    return sorted([*_SIGNATURES, *_BY_CONTENT])


def is_format(path: Path | str, format: str) -> bool:
    """Whether the file is of this format. Raises ValueError for a name that is not in `known()`."""
    name = format.lower()
    path = Path(path)
    if name in _BY_CONTENT:
        return _BY_CONTENT[name](path)
    if name not in _SIGNATURES:
        raise ValueError(f'there is no format "{format}": known are {", ".join(known())}')
    return _head(path, 64).startswith(_SIGNATURES[name])


def format_of(path: Path | str) -> str | None:
    """The format that the first bytes tell, or None. Text formats are tried last: json, xml."""
    path = Path(path)
    for name in ("netcdf", "hdf5", "mp4"):
        if _BY_CONTENT[name](path):
            return name
    head = _head(path, 64)
    for name, signatures in _SIGNATURES.items():
        if head.startswith(signatures):
            return name
    return next((name for name in ("json", "xml") if _BY_CONTENT[name](path)), None)


def _head(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count)


def _is_hdf5(path: Path) -> bool:
    head = _head(path, _HEAD_BYTES)
    return any(head[offset : offset + 8] == _HDF5 for offset in _HDF5_OFFSETS)


def _is_netcdf(path: Path) -> bool:
    """Classic (CDF 1, 2, 5), or netCDF-4: HDF5 whose first group says so."""
    head = _head(path, _HEAD_BYTES)
    if head[:3] == b"CDF" and head[3:4] in (b"\x01", b"\x02", b"\x05"):
        return True
    # The library writes _NCProperties since 4.4.1; dimension scales carry the other names since the beginning.
    return _is_hdf5(path) and any(mark in _head(path, _MARK_BYTES) for mark in _NETCDF4_MARKS)


def _is_mp4(path: Path) -> bool:
    return _head(path, 12)[4:8] == b"ftyp"


def _is_json(path: Path) -> bool:
    # Not read whole: a GeoJSON file may have gigabytes. What is small is parsed.
    if path.stat().st_size <= 1 << 24:
        try:
            json.loads(path.read_bytes())
        except ValueError:
            return False
        return True
    return _head(path, 256).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _is_xml(path: Path) -> bool:
    return _head(path, 256).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def _is_text(path: Path) -> bool:
    head = _head(path, _HEAD_BYTES)
    if b"\x00" in head:
        return False
    # Incremental: a character may be cut at the end of what was read.
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < _HEAD_BYTES)
    except UnicodeDecodeError:
        return False
    return True


def _is_csv(path: Path) -> bool:
    """Text whose first lines have the same number of columns, two or more; one column is any text."""
    if not _is_text(path):
        return False
    head = _head(path, _HEAD_BYTES)
    lines = head.decode("utf-8-sig", errors="replace").splitlines()
    whole = lines if len(head) < _HEAD_BYTES else lines[:-1]
    for delimiter in (",", ";", "\t"):
        rows = [row for row in csv.reader(io.StringIO("\n".join(whole[:50])), delimiter=delimiter) if row]
        if rows and len(rows[0]) > 1 and all(len(row) == len(rows[0]) for row in rows):
            return True
    return False


_BY_CONTENT: dict[str, Callable[[Path], bool]] = {
    "hdf5": _is_hdf5,
    "netcdf": _is_netcdf,
    "mp4": _is_mp4,
    "json": _is_json,
    "xml": _is_xml,
    "csv": _is_csv,
    "text": _is_text,
}
