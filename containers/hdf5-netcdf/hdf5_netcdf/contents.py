"""What is in a granule, each thing once: groups can be linked in circles, and links can lead out of the file."""

import os
from dataclasses import dataclass, field

import h5py

from .errors import BadInput


@dataclass(frozen=True)
class Item:
    """A dataset of the granule; `path` has no leading slash, groups are parted by slashes."""

    path: str
    dataset: h5py.Dataset

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def group(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.dataset.shape


@dataclass
class Contents:
    """`groups` has parents before their children, and not the root. `left` says why a path is not in `items` or `groups`."""

    items: list[Item] = field(default_factory=list)
    groups: list[tuple[str, h5py.Group]] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)


def contents_of(file: h5py.File) -> Contents:
    """Raises BadInput when a group or a dataset is damaged."""
    contents = Contents()
    _look_into(file, "", contents, {_address(file)})
    return contents


def _look_into(group: h5py.Group, prefix: str, contents: Contents, seen: set[tuple[int, int]]) -> None:
    for raw in _names(group, prefix):
        path = prefix + raw.decode("utf-8", "replace")
        child = _child(group, raw, path, contents)
        if isinstance(child, h5py.Dataset):
            reason = _unreadable(child)
            if reason is None:
                contents.items.append(Item(path, child))
            else:
                contents.left[path] = reason
        elif isinstance(child, h5py.Group):
            if _address(child) in seen:
                contents.left[path] = "a link to a group that is there already"
                continue
            seen.add(_address(child))
            contents.groups.append((path, child))
            _look_into(child, f"{path}/", contents, seen)


def _names(group: h5py.Group, prefix: str) -> list[bytes]:
    """In bytes, as not all are UTF-8."""
    try:
        return list(group.id)
    except (OSError, RuntimeError) as error:
        raise BadInput(f"the group /{prefix} cannot be read, the granule is damaged: {error}") from error


def _child(group: h5py.Group, name: bytes, path: str, contents: Contents) -> h5py.HLObject | None:
    """None for a link out of the file or to nothing, which is noted."""
    kind = None
    try:
        kind = group.id.links.get_info(name).type
        if kind == h5py.h5l.TYPE_EXTERNAL:
            other = group.id.links.get_val(name)[0].decode("utf-8", "replace")
            contents.left[path] = f"a link to another file ({other}), and a granule is one file"
            return None
        child = group[name]
    except (OSError, RuntimeError, KeyError) as error:
        if kind == h5py.h5l.TYPE_SOFT:
            contents.left[path] = "a link to something that is not there"
            return None
        raise BadInput(f"{path} cannot be opened, the granule is damaged: {error}") from error
    if _address(child)[0] != _address(group)[0]:
        contents.left[path] = "a link into another file, and a granule is one file"
        return None
    return child


def _unreadable(dataset: h5py.Dataset) -> str | None:
    """Why it is not carried over: its values are not in this file, or of a type that Python has no word for."""
    files = [name for name, _, _ in dataset.external or []]
    if dataset.is_virtual:
        files += [source.file_name for source in dataset.virtual_sources() if source.file_name != "."]
    if files:
        return f"its values are in another file ({', '.join(sorted(set(files)))}), and a granule is one file"
    try:
        dataset.dtype  # noqa: B018
    except (TypeError, ValueError) as error:
        return f"CF has no type for it: {error}"
    return None


def _address(thing: h5py.HLObject) -> tuple[int, int]:
    try:
        info = h5py.h5o.get_info(thing.id)
    except (OSError, RuntimeError) as error:
        raise BadInput(f"{os.path.basename(thing.file.filename)} is damaged: {error}") from error
    return info.fileno, info.addr
