import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.mapsforge.core.model.BoundingBox;
import org.mapsforge.core.model.LatLong;
import org.mapsforge.core.model.Tag;
import org.mapsforge.core.model.Tile;
import org.mapsforge.map.datastore.MapReadResult;
import org.mapsforge.map.datastore.PointOfInterest;
import org.mapsforge.map.datastore.Way;
import org.mapsforge.map.reader.MapFile;
import org.mapsforge.map.reader.header.MapFileInfo;
import org.mapsforge.map.reader.header.SubFileParameter;

/**
 * Reads a mapsforge map with mapsforge's own reader and prints what is in it as one JSON object.
 *
 * <p>Usage: {@code MapReader FILE.map} describes one map; {@code MapReader FIRST.map SECOND.map [EXAMPLES]} says how two
 * maps differ, object by object. Exit 0: read (or compared, equal or not); 1: a map could not be read; 64: bad usage.
 */
final class MapReader {
    private static final int TILE_SIZE = 256;
    private static final double KM_PER_DEGREE = 111.32;

    /** One tile's objects as comparable strings, with how much of it is covered by land and sea polygons. */
    private record TileContent(
            List<String> ways, List<String> pois, boolean water, double landKm2, double seaKm2, Map<String, String> shapes) {
        List<String> objects() {
            List<String> all = new ArrayList<>(ways);
            all.addAll(pois);
            Collections.sort(all);
            return all;
        }

        /** The objects with areas told by their shape: whichever corner a ring starts at, whichever way it runs. */
        List<String> shapesOf(List<String> objects) {
            return objects.stream().map(object -> shapes.getOrDefault(object, object)).sorted().toList();
        }
    }

    public static void main(String[] arguments) {
        if (arguments.length < 1 || arguments.length > 3) {
            System.err.println("Usage: MapReader FILE.map [SECOND.map [EXAMPLES]]");
            System.exit(64);
        }
        // The reader hides ways more than 20 m outside the asked tile: a judge wants all of them.
        MapFile.wayFilterEnabled = false;
        listenToTheReader();
        try {
            Map<String, Object> report = arguments.length == 1
                    ? describe(arguments[0])
                    : compare(arguments[0], arguments[1], arguments.length == 3 ? Integer.parseInt(arguments[2]) : 20);
            System.out.println(json(report));
        } catch (Exception e) {
            System.err.println("Cannot read " + String.join(", ", arguments) + ": " + e);
            System.exit(1);
        }
    }

    /** What the reader complained of: it logs damage, skips it and goes on. */
    private static final List<String> complaints = new ArrayList<>();

    private static void listenToTheReader() {
        Logger root = Logger.getLogger("");
        for (Handler handler : root.getHandlers()) root.removeHandler(handler);
        root.addHandler(new Handler() {
            @Override
            public void publish(LogRecord record) {
                if (record.getLevel().intValue() >= Level.WARNING.intValue()) complaints.add(record.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        });
    }

    private static Map<String, Object> describe(String path) throws Exception {
        MapFile map = new MapFile(new File(path));
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("file", path);
        report.put("header", header(map, path));
        List<Object> subFiles = new ArrayList<>();
        TreeMap<String, Integer> tags = new TreeMap<>();
        MessageDigest whole = MessageDigest.getInstance("SHA-256");
        long ways = 0;
        long pois = 0;
        Map<String, Object> land = null;
        List<SubFileParameter> parameters = subFiles(map);
        for (SubFileParameter sub : parameters) {
            boolean finest = sub == parameters.get(parameters.size() - 1);
            SubFileTotals totals = new SubFileTotals(sub);
            for (Tile tile : tiles(sub)) {
                TileContent content = read(map, sub, tile, finest ? tags : null);
                totals.add(tile, content);
                whole.update((name(tile) + " " + totals.lastDigest + "\n").getBytes(StandardCharsets.UTF_8));
            }
            ways += totals.ways;
            pois += totals.pois;
            subFiles.add(totals.json());
            if (finest) land = totals.landJson();
        }
        report.put("subFiles", subFiles);
        report.put("ways", ways);
        report.put("pois", pois);
        report.put("land", land);
        report.put("tags", tags);
        report.put("digest", hex(whole.digest()));
        map.close();
        return report;
    }

    /** What one sub-file (one range of zooms) holds, tile by tile. */
    private static final class SubFileTotals {
        private final SubFileParameter sub;
        private final Map<String, String> digests = new LinkedHashMap<>();
        private long withObjects;
        private long water;
        private long ways;
        private long pois;
        private double landKm2;
        private double seaKm2;
        private double tileKm2;
        private long allLand;
        private long noLand;
        private String lastDigest = "";

        SubFileTotals(SubFileParameter sub) {
            this.sub = sub;
        }

        void add(Tile tile, TileContent content) throws NoSuchAlgorithmException {
            ways += content.ways.size();
            pois += content.pois.size();
            if (!content.ways.isEmpty() || !content.pois.isEmpty()) withObjects++;
            if (content.water) water++;
            landKm2 += content.landKm2;
            seaKm2 += content.seaKm2;
            double area = km2(tile.getBoundingBox());
            tileKm2 += area;
            if (content.landKm2 > 0.999 * area) allLand++;
            if (content.landKm2 < 0.001 * area) noLand++;
            lastDigest = sha256(String.join("\n", content.objects()));
            digests.put(name(tile), lastDigest);
        }

        Map<String, Object> json() {
            Map<String, Object> out = new LinkedHashMap<>();
            out.put("baseZoom", (int) sub.baseZoomLevel);
            out.put("zoomMin", (int) sub.zoomLevelMin);
            out.put("zoomMax", (int) sub.zoomLevelMax);
            out.put("bytes", sub.subFileSize);
            out.put("tiles", digests.size());
            out.put("tilesWithObjects", withObjects);
            out.put("waterTiles", water);
            out.put("ways", ways);
            out.put("pois", pois);
            out.put("tileDigests", digests);
            return out;
        }

        Map<String, Object> landJson() {
            Map<String, Object> out = new LinkedHashMap<>();
            out.put("zoom", (int) sub.baseZoomLevel);
            out.put("tilesKm2", rounded(tileKm2));
            out.put("noseaKm2", rounded(landKm2));
            out.put("seaKm2", rounded(seaKm2));
            out.put("tilesAllLand", allLand);
            out.put("tilesWithoutLand", noLand);
            return out;
        }
    }

    private static Map<String, Object> compare(String first, String second, int examples) throws Exception {
        MapFile a = new MapFile(new File(first));
        MapFile b = new MapFile(new File(second));
        Map<String, Object> headerA = header(a, first);
        Map<String, Object> headerB = header(b, second);
        List<Object> headerDifferences = new ArrayList<>();
        // Date and size differ between two runs of the same program; they are no difference of the map.
        for (String field : headerA.keySet()) {
            if (Set.of("date", "fileSize", "createdBy").contains(field)) continue;
            if (!String.valueOf(headerA.get(field)).equals(String.valueOf(headerB.get(field)))) {
                headerDifferences.add(ordered("field", field, "first", headerA.get(field), "second", headerB.get(field)));
            }
        }

        TreeMap<Integer, SubFileParameter> subA = byBaseZoom(a);
        TreeMap<Integer, SubFileParameter> subB = byBaseZoom(b);
        Set<Integer> zooms = new java.util.TreeSet<>(subA.keySet());
        zooms.addAll(subB.keySet());
        long same = 0;
        long sameShape = 0;
        long onlyFirst = 0;
        long onlySecond = 0;
        long tilesCompared = 0;
        long tilesDifferent = 0;
        double landDifference = 0;
        String landDifferenceTile = null;
        List<Object> missingTiles = new ArrayList<>();
        List<Object> shown = new ArrayList<>();
        TreeMap<String, long[]> byTag = new TreeMap<>();
        Map<String, Object> byZoom = new LinkedHashMap<>();
        for (int zoom : zooms) {
            long before = onlyFirst + onlySecond;
            Set<String> tilesB = new HashSet<>();
            if (subB.containsKey(zoom)) for (Tile tile : tiles(subB.get(zoom))) tilesB.add(name(tile));
            if (subA.containsKey(zoom)) {
                for (Tile tile : tiles(subA.get(zoom))) {
                    if (!tilesB.remove(name(tile))) {
                        missingTiles.add(ordered("tile", name(tile), "only", "first"));
                        continue;
                    }
                    tilesCompared++;
                    TileContent contentA = read(a, subA.get(zoom), tile, null);
                    TileContent contentB = read(b, subB.get(zoom), tile, null);
                    double off = Math.abs(contentA.landKm2 - contentB.landKm2) / km2(tile.getBoundingBox());
                    if (off > landDifference) {
                        landDifference = off;
                        landDifferenceTile = name(tile);
                    }
                    List<String> left = contentA.objects();
                    List<String> right = contentB.objects();
                    List<String> missing = minus(left, right);
                    List<String> added = minus(right, left);
                    same += left.size() - missing.size();
                    List<String> missingShapes = contentA.shapesOf(missing);
                    List<String> addedShapes = contentB.shapesOf(added);
                    int sameHere = missing.size();
                    missing = minus(missingShapes, addedShapes);
                    added = minus(addedShapes, missingShapes);
                    sameHere -= missing.size();
                    sameShape += sameHere;
                    onlyFirst += missing.size();
                    onlySecond += added.size();
                    if (!missing.isEmpty() || !added.isEmpty() || contentA.water != contentB.water) tilesDifferent++;
                    count(byTag, missing, 0);
                    count(byTag, added, 1);
                    show(shown, examples, tile, "first", missing);
                    show(shown, examples, tile, "second", added);
                }
            }
            for (String tile : tilesB) missingTiles.add(ordered("tile", tile, "only", "second"));
            byZoom.put(String.valueOf(zoom), onlyFirst + onlySecond - before);
        }
        Map<String, Object> tags = new LinkedHashMap<>();
        byTag.forEach((tag, counts) -> tags.put(tag, ordered("onlyFirst", counts[0], "onlySecond", counts[1])));
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("first", first);
        report.put("second", second);
        report.put("equal", headerDifferences.isEmpty() && missingTiles.isEmpty() && tilesDifferent == 0);
        report.put("header", headerDifferences);
        report.put("tilesCompared", tilesCompared);
        report.put("tilesDifferent", tilesDifferent);
        report.put("tilesMissing", missingTiles.size());
        report.put("objectsSame", same);
        report.put("objectsSameShape", sameShape);
        report.put("objectsOnlyFirst", onlyFirst);
        report.put("objectsOnlySecond", onlySecond);
        report.put("differencesByZoom", byZoom);
        report.put("byTag", tags);
        report.put("landDifference", ordered("worstTileFraction", landDifference, "tile", landDifferenceTile));
        report.put("missingTiles", missingTiles.subList(0, Math.min(examples, missingTiles.size())));
        report.put("examples", shown);
        a.close();
        b.close();
        return report;
    }

    private static Map<String, Object> header(MapFile map, String path) throws IOException {
        MapFileInfo info = map.getMapFileInfo();
        Map<String, Object> out = new LinkedHashMap<>();
        out.put("bbox", List.of(info.boundingBox.minLongitude, info.boundingBox.minLatitude,
                info.boundingBox.maxLongitude, info.boundingBox.maxLatitude));
        out.put("zoomMin", (int) info.zoomLevelMin);
        out.put("zoomMax", (int) info.zoomLevelMax);
        out.put("date", java.time.Instant.ofEpochMilli(info.mapDate).toString());
        out.put("fileSize", info.fileSize);
        try (RandomAccessFile file = new RandomAccessFile(path, "r")) {
            if (file.length() != info.fileSize) {
                throw new IOException("the header says " + info.fileSize + " bytes, the file has " + file.length());
            }
        }
        out.put("fileVersion", info.fileVersion);
        out.put("languages", info.languagesPreference);
        out.put("comment", info.comment);
        out.put("createdBy", info.createdBy);
        out.put("projection", info.projectionName);
        out.put("tileSize", info.tilePixelSize);
        out.put("startPosition", info.startPosition == null
                ? null : List.of(info.startPosition.longitude, info.startPosition.latitude));
        out.put("startZoom", info.startZoomLevel == null ? null : info.startZoomLevel.intValue());
        // Their order in the header depends on how often each is used, which is not what makes two maps different.
        out.put("poiTags", sortedTags(info.poiTags));
        out.put("wayTags", sortedTags(info.wayTags));
        return out;
    }

    private static List<String> sortedTags(Tag[] tags) {
        return Arrays.stream(tags).map(MapReader::text).sorted().toList();
    }

    private static List<SubFileParameter> subFiles(MapFile map) {
        return new ArrayList<>(byBaseZoom(map).values());
    }

    private static TreeMap<Integer, SubFileParameter> byBaseZoom(MapFile map) {
        TreeMap<Integer, SubFileParameter> found = new TreeMap<>();
        MapFileInfo info = map.getMapFileInfo();
        for (int zoom = info.zoomLevelMin; zoom <= info.zoomLevelMax; zoom++) {
            SubFileParameter sub = map.getMapFileHeader().getSubFileParameter(zoom);
            if (sub != null) found.put((int) sub.baseZoomLevel, sub);
        }
        return found;
    }

    private static List<Tile> tiles(SubFileParameter sub) {
        List<Tile> out = new ArrayList<>();
        for (long y = sub.boundaryTileTop; y <= sub.boundaryTileBottom; y++) {
            for (long x = sub.boundaryTileLeft; x <= sub.boundaryTileRight; x++) {
                out.add(new Tile((int) x, (int) y, sub.baseZoomLevel, TILE_SIZE));
            }
        }
        return out;
    }

    /**
     * Everything stored in one base tile. A query at the base zoom would return only what shows at that zoom, so the
     * whole tile is asked for at the sub-file's last zoom, as the range from its first to its last small tile.
     */
    private static TileContent read(MapFile map, SubFileParameter sub, Tile base, Map<String, Integer> tags) {
        int steps = sub.zoomLevelMax - sub.baseZoomLevel;
        int last = (1 << steps) - 1;
        Tile upperLeft = new Tile(base.tileX << steps, base.tileY << steps, sub.zoomLevelMax, TILE_SIZE);
        Tile lowerRight = new Tile(
                (base.tileX << steps) + last, (base.tileY << steps) + last, sub.zoomLevelMax, TILE_SIZE);
        MapReadResult result = map.readMapData(upperLeft, lowerRight);
        if (result == null || !complaints.isEmpty()) {
            throw new IllegalStateException("tile " + name(base) + " is damaged: " + String.join("; ", complaints));
        }
        BoundingBox box = base.getBoundingBox();
        List<String> ways = new ArrayList<>();
        List<String> pois = new ArrayList<>();
        Map<String, String> shapes = new HashMap<>();
        double landKm2 = 0;
        double seaKm2 = 0;
        for (Way way : result.ways) {
            String exact = text(way, false);
            ways.add(exact);
            if (isArea(way)) shapes.put(exact, text(way, true));
            if (tags != null) histogram(tags, way.tags);
            if (hasTag(way.tags, "natural", "nosea")) landKm2 += km2(way, box);
            if (hasTag(way.tags, "natural", "sea")) seaKm2 += km2(way, box);
        }
        for (PointOfInterest poi : result.pointOfInterests) {
            pois.add("poi " + poi.layer + " " + text(poi.tags) + " " + text(poi.position));
            if (tags != null) histogram(tags, poi.tags);
        }
        return new TileContent(ways, pois, result.isWater, landKm2, seaKm2, shapes);
    }

    /** Closed, and not a road, rail or ferry: those have a direction. */
    private static boolean isArea(Way way) {
        if (way.tags.stream().anyMatch(tag -> Set.of("highway", "railway", "aerialway", "route").contains(tag.key))) {
            return false;
        }
        return Arrays.stream(way.latLongs).allMatch(ring -> ring.length > 3 && text(ring[0]).equals(text(ring[ring.length - 1])));
    }

    private static String text(Way way, boolean shapeOnly) {
        StringBuilder out = new StringBuilder("way ").append(way.layer).append(' ').append(text(way.tags));
        List<String> rings = new ArrayList<>();
        for (LatLong[] ring : way.latLongs) {
            List<String> points = Arrays.stream(ring).map(MapReader::text).toList();
            rings.add(String.join(" ", shapeOnly ? normal(points) : points));
        }
        // The first ring is the outer one; in which order the holes stand says nothing.
        if (shapeOnly) Collections.sort(rings.subList(1, rings.size()));
        for (String ring : rings) out.append(" | ").append(ring);
        if (way.labelPosition != null) out.append(" label ").append(text(way.labelPosition));
        return out.toString();
    }

    /** A closed ring from its least point on, towards the lesser of that point's neighbours. */
    private static List<String> normal(List<String> closed) {
        List<String> ring = new ArrayList<>(closed.subList(0, closed.size() - 1));
        Collections.rotate(ring, -ring.indexOf(Collections.min(ring)));
        if (ring.get(1).compareTo(ring.get(ring.size() - 1)) > 0) Collections.reverse(ring.subList(1, ring.size()));
        ring.add(ring.get(0));
        return ring;
    }

    /** Whole microdegrees: what the file stores; the reader's doubles carry rounding noise. */
    private static String text(LatLong point) {
        return Math.round(point.longitude * 1e6) + "," + Math.round(point.latitude * 1e6);
    }

    private static String text(Tag tag) {
        return tag.key + "=" + tag.value;
    }

    private static String text(List<Tag> tags) {
        return String.join(";", tags.stream().map(MapReader::text).sorted().toList());
    }

    /** Names, numbers and heights have a value each: they are counted by key. */
    private static void histogram(Map<String, Integer> counts, List<Tag> tags) {
        Set<String> free = Set.of("name", "ref", "ele", "addr:housenumber");
        for (Tag tag : tags) counts.merge(free.contains(tag.key) ? tag.key + "=*" : text(tag), 1, Integer::sum);
    }

    private static boolean hasTag(List<Tag> tags, String key, String value) {
        return tags.stream().anyMatch(tag -> tag.key.equals(key) && tag.value.equals(value));
    }

    private static double km2(Way way, BoundingBox box) {
        double area = 0;
        for (int i = 0; i < way.latLongs.length; i++) area += (i == 0 ? 1 : -1) * ringKm2(way.latLongs[i], box);
        return Math.max(0, area);
    }

    private static double km2(BoundingBox box) {
        double middle = Math.toRadians((box.minLatitude + box.maxLatitude) / 2);
        return (box.maxLongitude - box.minLongitude) * (box.maxLatitude - box.minLatitude)
                * KM_PER_DEGREE * KM_PER_DEGREE * Math.cos(middle);
    }

    /** Area of the part of a ring that lies in the box: Sutherland-Hodgman, one side after the other, then shoelace. */
    private static double ringKm2(LatLong[] ring, BoundingBox box) {
        List<double[]> points = new ArrayList<>();
        for (LatLong point : ring) points.add(new double[] {point.longitude, point.latitude});
        points = clip(points, 0, box.minLongitude, 1);
        points = clip(points, 0, box.maxLongitude, -1);
        points = clip(points, 1, box.minLatitude, 1);
        points = clip(points, 1, box.maxLatitude, -1);
        if (points.size() < 3) return 0;
        double[] origin = points.get(0);
        double twice = 0;
        for (int i = 0; i < points.size(); i++) {
            double[] a = points.get(i);
            double[] b = points.get((i + 1) % points.size());
            twice += (a[0] - origin[0]) * (b[1] - origin[1]) - (b[0] - origin[0]) * (a[1] - origin[1]);
        }
        double middle = Math.toRadians((box.minLatitude + box.maxLatitude) / 2);
        return Math.abs(twice) / 2 * KM_PER_DEGREE * KM_PER_DEGREE * Math.cos(middle);
    }

    private static List<double[]> clip(List<double[]> points, int axis, double limit, int sign) {
        List<double[]> out = new ArrayList<>();
        for (int i = 0; i < points.size(); i++) {
            double[] from = points.get(i);
            double[] to = points.get((i + 1) % points.size());
            double fromSide = sign * (from[axis] - limit);
            double toSide = sign * (to[axis] - limit);
            if (fromSide >= 0) out.add(from);
            if ((fromSide > 0 && toSide < 0) || (fromSide < 0 && toSide > 0)) {
                double t = fromSide / (fromSide - toSide);
                out.add(new double[] {from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1])});
            }
        }
        return out;
    }

    /** Multiset difference of two sorted lists. */
    private static List<String> minus(List<String> left, List<String> right) {
        List<String> out = new ArrayList<>();
        int j = 0;
        for (String item : left) {
            while (j < right.size() && right.get(j).compareTo(item) < 0) j++;
            if (j < right.size() && right.get(j).equals(item)) j++;
            else out.add(item);
        }
        return out;
    }

    private static void count(Map<String, long[]> byTag, List<String> objects, int side) {
        for (String object : objects) {
            String[] parts = object.split(" ", 4);
            // The object's kind and first tag that is not a name: enough to see which step of a pipeline differs.
            String tag = Arrays.stream(parts[2].split(";")).filter(t -> !t.matches("(name|ref|ele|addr:.*)=.*"))
                    .findFirst().orElse("");
            byTag.computeIfAbsent(parts[0] + " " + tag, k -> new long[2])[side]++;
        }
    }

    private static void show(List<Object> shown, int examples, Tile tile, String side, List<String> objects) {
        for (String object : objects) {
            if (shown.size() >= examples) return;
            shown.add(ordered("tile", name(tile), "only", side,
                    "object", object.length() > 400 ? object.substring(0, 400) + " …" : object));
        }
    }

    private static String name(Tile tile) {
        return tile.zoomLevel + "/" + tile.tileX + "/" + tile.tileY;
    }

    private static double rounded(double value) {
        return Math.round(value * 1000) / 1000.0;
    }

    private static String sha256(String text) throws NoSuchAlgorithmException {
        return hex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static String hex(byte[] bytes) {
        return java.util.HexFormat.of().formatHex(bytes);
    }

    private static Map<String, Object> ordered(Object... pairs) {
        Map<String, Object> out = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) out.put((String) pairs[i], pairs[i + 1]);
        return out;
    }

    private static String json(Object value) {
        if (value == null) return "null";
        if (value instanceof Map<?, ?> map) {
            return "{" + String.join(",", map.entrySet().stream()
                    .map(entry -> json(entry.getKey()) + ":" + json(entry.getValue())).toList()) + "}";
        }
        if (value instanceof List<?> list) return "[" + String.join(",", list.stream().map(MapReader::json).toList()) + "]";
        if (value instanceof Number || value instanceof Boolean) return value.toString();
        StringBuilder out = new StringBuilder("\"");
        for (char c : value.toString().toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < ' ') out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }
}
