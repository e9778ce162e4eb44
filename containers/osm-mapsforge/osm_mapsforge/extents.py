"""NAME.extents.txt: what the maps cover, for people who copy maps to a bike computer by hand.

Lines of `key: value`; one block a map, blocks parted by an empty line. Degrees are WGS84.
"""

from .box import Box


def extents_text(maps: list[tuple[str, Box]], source: str, data_time: str | None) -> str:
    """`maps` gives each map's name and box; `data_time` is when the data left OpenStreetMap (ISO 8601, UTC)."""
    blocks = []
    for name, box in maps:
        lines = [
            f"map: {name}.map",
            f"west: {box.west:.6f}",
            f"south: {box.south:.6f}",
            f"east: {box.east:.6f}",
            f"north: {box.north:.6f}",
            f"center: {(box.south + box.north) / 2:.6f},{(box.west + box.east) / 2:.6f}",
            f"source: {source}",
        ]
        if data_time:
            lines.append(f"data: {data_time}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"
