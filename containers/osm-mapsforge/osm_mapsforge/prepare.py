"""`python3 -m osm_mapsforge.prepare FOLDER`, run when the image is built: makes the writer's JVM start fast.

Two things cost it more than the map of a small area does. It reads its table of ocean tiles byte by byte, twice,
straight from the compressed jar: a million times faster from a file in a folder, which Java buffers. And it loads two
thousand classes: an archive of them (application class-data sharing) is mapped instead of parsed. Where it cuts ways to
tiles, a class of ours (`java/`) saves it most of the work; that one is compiled here, hence the JDK.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

from .jars import class_path

DEFAULT_FOLDER = "/usr/share/osm-mapsforge"
SHORTCUT = "tile-overlay.jar"
OCEAN_TILES = "oceantiles_12.dat"
MAIN = "org.openstreetmap.osmosis.core.Osmosis"

# A village with all that the writer has code for: roads, names, a multipolygon with a hole, land and sea, points.
VILLAGE = """n1 v1 x0.010 y0.010 Tamenity=cafe,name=A
n2 v1 x0.020 y0.010
n3 v1 x0.020 y0.020
n4 v1 x0.010 y0.020 Tnatural=peak,ele=100
n5 v1 x0.013 y0.013
n6 v1 x0.017 y0.013
n7 v1 x0.017 y0.017
n8 v1 x0.013 y0.017
n9 v1 x0.300 y0.300
w1 v1 Thighway=residential,name=B,surface=asphalt,ref=1 Nn1,n3,n9
w2 v1 T Nn1,n2,n3,n4,n1
w3 v1 T Nn5,n6,n7,n8,n5
w4 v1 Tbuilding=house,addr:housenumber=1 Nn5,n6,n7,n8,n5
w5 v1 Tnatural=sea,layer=-5 Nn1,n2,n3,n9,n1
r1 v1 Ttype=multipolygon,natural=water,name=C Mw2@outer,w3@inner
"""


def prepared_folder() -> str | None:
    """Where `prepare` left its work, if it did. OSM_MAPSFORGE_PREPARED names another place."""
    folder = os.environ.get("OSM_MAPSFORGE_PREPARED", DEFAULT_FOLDER)
    return folder if os.path.isfile(os.path.join(folder, "writer.jsa")) else None


def take_out_ocean_tiles(jars: list[str], folder: str) -> None:
    """Writes the table of ocean tiles to a folder, which then goes on the class path before the jars."""
    os.makedirs(folder, exist_ok=True)
    writer = next(jar for jar in jars if os.path.basename(jar).startswith("mapsforge-map-writer"))
    with zipfile.ZipFile(writer) as jar, open(os.path.join(folder, OCEAN_TILES), "wb") as file:
        file.write(jar.read(OCEAN_TILES))


def compile_shortcut(jts: str, target: str) -> None:
    """Compiles `java/` against the JTS that it stands before, into a jar. Raises CalledProcessError when it does not fit."""
    sources = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "java")
    files = [os.path.join(folder, name) for folder, _, names in os.walk(sources) for name in names]
    with tempfile.TemporaryDirectory() as classes:
        # -implicit:none: JTS's own classes stay in JTS's jar.
        subprocess.run(["javac", "-implicit:none", "-cp", jts, "-d", classes, *files], check=True)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as jar:
            for folder, _, names in os.walk(classes):
                for name in names:
                    path = os.path.join(folder, name)
                    jar.write(path, os.path.relpath(path, classes))


def prepare(folder: str) -> None:
    """Fills a folder with `jars/`, `ocean/`, `tile-overlay.jar` and `writer.jsa`. Needs a JDK.

    Raises CalledProcessError when the writer does not run.
    """
    jars, missing = class_path()
    if missing:
        raise SystemExit(f"jars are missing: {', '.join(missing)}")
    copies = [_copy(jar, os.path.join(folder, "jars")) for jar in jars]
    ocean = os.path.join(folder, "ocean")
    take_out_ocean_tiles(jars, ocean)
    shortcut = os.path.join(folder, SHORTCUT)
    compile_shortcut(next(jar for jar in copies if os.path.basename(jar).startswith("jts-core")), shortcut)
    jars_only = ":".join([shortcut, *copies])
    with tempfile.TemporaryDirectory() as scratch:
        village, extract, classes = (os.path.join(scratch, name) for name in ("a.opl", "a.osm.pbf", "classes"))
        with open(village, "w", encoding="ascii") as file:
            file.write(VILLAGE)
        subprocess.run(["osmium", "cat", "--no-progress", "-o", extract, village], check=True)
        styles = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "styles")
        arguments = [
            *("--read-pbf-fast", f"file={extract}", "workers=1"),
            *("--tag-transform", f"file={styles}/bike.transform.xml"),
            *("--mapfile-writer", f"file={scratch}/a.map", "bbox=0,0,0.4,0.4", "threads=2"),
            f"tag-conf-file={styles}/bike.mapping.xml",
        ]
        options = ["-XX:+UseSerialGC", f"-XX:DumpLoadedClassList={classes}"]
        subprocess.run(["java", *options, "-cp", f"{jars_only}:{ocean}", MAIN, *arguments], check=True)
        # An archive knows its class path, and takes jars only: the folder is added behind them when it is used.
        archive = os.path.join(folder, "writer.jsa")
        dump = ["-Xshare:dump", f"-XX:SharedClassListFile={classes}", f"-XX:SharedArchiveFile={archive}"]
        subprocess.run(["java", *dump, "-cp", jars_only], check=True)


def _copy(jar: str, folder: str) -> str:
    """A copy without the ocean tiles, so that the folder's are found."""
    os.makedirs(folder, exist_ok=True)
    target = os.path.join(folder, os.path.basename(jar))
    with zipfile.ZipFile(jar) as source:
        if OCEAN_TILES not in source.namelist():
            shutil.copyfile(jar, target)
            return target
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
            for item in source.infolist():
                if item.filename != OCEAN_TILES:
                    copy.writestr(item, source.read(item))
    return target


if __name__ == "__main__":
    prepare(sys.argv[1])
