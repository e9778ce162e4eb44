import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.mapsforge.core.model.BoundingBox;
import org.mapsforge.core.model.Tag;
import org.mapsforge.poi.storage.AbstractPoiPersistenceManager;
import org.mapsforge.poi.storage.DoubleLinkedPoiCategory;
import org.mapsforge.poi.storage.PoiCategory;
import org.mapsforge.poi.storage.PointOfInterest;
import org.mapsforge.poi.storage.WhitelistPoiCategoryFilter;

/**
 * Reads a mapsforge POI file (format 3) with mapsforge's own categories, filters and parting of tags, and prints what a
 * user of a reader would find as one JSON object.
 *
 * <p>Debian's mapsforge-poi (0.17) has these, yet its statements are those of format 2; and the part that opens a
 * database (mapsforge-poi-awt, -android) is on no registry. So the statements of format 3 (unchanged since 0.20) and the
 * rules of that part stand here: the root is the category with the highest id; a missing parent reads as 0; every other
 * category is hung under its parent by id.
 *
 * <p>Usage: {@code PoiReader FILE.poi [LANGUAGE]}. Exit 0: read; 1: it can't be read; 64: bad usage.
 */
final class PoiReader {
    private static final String VALID = "SELECT count(name) FROM sqlite_master WHERE name IN "
            + "('metadata', 'poi_categories', 'poi_data', 'poi_index', 'poi_category_map');";
    private static final int TABLES = 5;
    private static final String METADATA = "SELECT name, value FROM metadata;";
    private static final String CATEGORIES = "SELECT * FROM poi_categories ORDER BY id ASC;";
    private static final String FIND = "SELECT poi_index.id, poi_index.lat, poi_index.lon, poi_data.data FROM poi_index "
            + "JOIN poi_category_map ON poi_index.id = poi_category_map.id JOIN poi_data ON poi_index.id = poi_data.id "
            + "WHERE poi_index.lat <= ? AND poi_index.lon <= ? AND poi_index.lat >= ? AND poi_index.lon >= ?"
            + " AND (poi_category_map.category IN (%s)) LIMIT ?;";
    /** The reader's searches take a limit; this is none. */
    private static final int NO_LIMIT = Integer.MAX_VALUE;

    /** Opens the reader's own way of parting tags, which only its subclasses may call. */
    private abstract static class Tags extends AbstractPoiPersistenceManager {
        static Set<Tag> of(String data) {
            return stringToTags(data);
        }
    }

    public static void main(String[] arguments) {
        if (arguments.length < 1 || arguments.length > 2) {
            System.err.println("Usage: PoiReader FILE.poi [LANGUAGE]");
            System.exit(64);
        }
        try (Connection database = DriverManager.getConnection("jdbc:sqlite:file:" + arguments[0] + "?mode=ro&immutable=1")) {
            System.out.println(json(describe(database, arguments.length == 2 ? arguments[1] : null)));
        } catch (Exception e) {
            System.err.println("Cannot read " + arguments[0] + ": " + e);
            System.exit(1);
        }
    }

    private static Map<String, Object> describe(Connection database, String language) throws SQLException {
        if (number(database, VALID) != TABLES) {
            throw new IllegalStateException("the reader calls it no valid POI database: a table is missing");
        }
        Map<String, String> metadata = metadata(database);
        BoundingBox box = BoundingBox.fromString(metadata.get("bounds"));
        PoiCategory root = categories(database);
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("metadata", metadata);
        report.put("bbox", List.of(box.minLongitude, box.minLatitude, box.maxLongitude, box.maxLatitude));
        report.put("root", root.getTitle());
        report.put("tree", tree(root));
        List<PointOfInterest> all = find(database, box, root);
        report.put("found", all.stream().map(PointOfInterest::getId).distinct().count());
        report.put("stored", number(database, "SELECT count(*) FROM poi_index"));
        Map<String, Object> byCategory = new TreeMap<>();
        for (PoiCategory category : root.deepChildren()) {
            byCategory.put(category.getTitle(), find(database, box, category).stream().map(PointOfInterest::getId).distinct().count());
        }
        report.put("byCategory", byCategory);
        report.put("names", all.stream().map(poi -> language == null ? poi.getName("") : poi.getName(language))
                .filter(name -> name != null).distinct().sorted().toList());
        return report;
    }

    private static Map<String, String> metadata(Connection database) throws SQLException {
        Map<String, String> found = new TreeMap<>();
        try (Statement statement = database.createStatement(); ResultSet rows = statement.executeQuery(METADATA)) {
            while (rows.next()) found.put(rows.getString(1), rows.getString(2));
        }
        return found;
    }

    /** The root, with all others hung under it. */
    private static PoiCategory categories(Connection database) throws SQLException {
        TreeMap<Integer, PoiCategory> byId = new TreeMap<>();
        Map<Integer, Integer> parents = new TreeMap<>();
        try (Statement statement = database.createStatement();
                ResultSet rows = statement.executeQuery(CATEGORIES)) {
            while (rows.next()) {
                byId.put(rows.getInt(1), new DoubleLinkedPoiCategory(rows.getString(2), null, rows.getInt(1)));
                parents.put(rows.getInt(1), rows.getInt(3));
            }
        }
        if (byId.isEmpty()) throw new IllegalStateException("it has no categories");
        int root = byId.lastKey();
        parents.remove(root);
        for (Map.Entry<Integer, Integer> entry : parents.entrySet()) {
            PoiCategory parent = byId.get(entry.getValue());
            if (parent == null) throw new IllegalStateException("category " + entry.getKey() + " has no parent");
            // Walked by a reader, a circle never ends.
            if (isItsOwnAncestor(entry.getKey(), parents)) {
                throw new IllegalStateException("category " + byId.get(entry.getKey()).getTitle() + " is its own ancestor");
            }
            byId.get(entry.getKey()).setParent(parent);
        }
        return byId.get(root);
    }

    private static boolean isItsOwnAncestor(int category, Map<Integer, Integer> parents) {
        Integer at = parents.get(category);
        for (int steps = 0; at != null && steps <= parents.size(); steps++) {
            if (at == category) return true;
            at = parents.get(at);
        }
        return false;
    }

    /** All categories under one, as {@code Food/Cafes}. */
    private static List<String> tree(PoiCategory root) {
        List<String> names = new ArrayList<>();
        for (PoiCategory category : root.deepChildren()) {
            String name = category.getTitle();
            for (PoiCategory at = category.getParent(); at != null && at != root; at = at.getParent()) name = at.getTitle() + "/" + name;
            names.add(name);
        }
        return names.stream().sorted().toList();
    }

    private static List<PointOfInterest> find(Connection database, BoundingBox box, PoiCategory category) throws SQLException {
        WhitelistPoiCategoryFilter filter = new WhitelistPoiCategoryFilter();
        filter.addCategory(category);
        List<PointOfInterest> found = new ArrayList<>();
        String accepted = String.join(", ", filter.getAcceptedCategories().stream().map(one -> String.valueOf(one.getID())).sorted().toList());
        try (PreparedStatement statement = database.prepareStatement(String.format(FIND, accepted))) {
            statement.setDouble(1, box.maxLatitude);
            statement.setDouble(2, box.maxLongitude);
            statement.setDouble(3, box.minLatitude);
            statement.setDouble(4, box.minLongitude);
            statement.setInt(5, NO_LIMIT);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    found.add(new PointOfInterest(rows.getLong(1), rows.getDouble(2), rows.getDouble(3), Tags.of(rows.getString(4)), Set.of(category)));
                }
            }
        }
        return found;
    }

    private static long number(Connection database, String select) throws SQLException {
        try (Statement statement = database.createStatement(); ResultSet row = statement.executeQuery(select)) {
            row.next();
            return row.getLong(1);
        }
    }

    private static String json(Object value) {
        if (value == null) return "null";
        if (value instanceof Map<?, ?> map) {
            return "{" + String.join(",", map.entrySet().stream().map(entry -> json(entry.getKey()) + ":" + json(entry.getValue())).toList()) + "}";
        }
        if (value instanceof List<?> list) return "[" + String.join(",", list.stream().map(PoiReader::json).toList()) + "]";
        if (value instanceof Number) return value.toString();
        StringBuilder out = new StringBuilder("\"");
        for (char c : value.toString().toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < ' ') out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }
}
