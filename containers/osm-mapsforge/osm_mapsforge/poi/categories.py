"""The tree of categories, numbered as readers need it."""

import os
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from ..styles import styles_folder


@dataclass(frozen=True)
class Categories:
    """`rows` for the table (id, title, id of the parent or None), and the categories of each `key=value`."""

    rows: list[tuple[int, str, int | None]]
    by_tag: dict[str, list[int]]

    def of(self, tags: dict[str, str]) -> list[int]:
        """The categories that these tags belong to, each once."""
        return sorted({one for tag in tags.items() for one in self.by_tag.get("=".join(tag), ())})


def read_categories() -> Categories:
    """The categories shipped with the handler.

    Children before their parents: readers take the highest id for the root. With the root at 0 they would hang it under
    itself, as they read its missing parent as 0, and walk that circle for ever.
    """
    titles: list[str] = []
    parents: dict[int, int] = {}
    by_tag: dict[str, list[int]] = {}

    def visit(element: ElementTree.Element) -> int:
        children = [visit(child) for child in element if child.tag.endswith("category")]
        identity = len(titles)
        titles.append(element.attrib["title"])
        parents.update((child, identity) for child in children)
        for child in element:
            if child.tag.endswith("mapping"):
                by_tag.setdefault(child.attrib["tag"], []).append(identity)
        return identity

    visit(ElementTree.parse(os.path.join(styles_folder(), "bike.poi.xml")).getroot())
    return Categories([(identity, title, parents.get(identity)) for identity, title in enumerate(titles)], by_tag)
