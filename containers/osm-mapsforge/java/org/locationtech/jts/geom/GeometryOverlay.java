package org.locationtech.jts.geom;

import org.locationtech.jts.algorithm.Orientation;
import org.locationtech.jts.geom.util.GeometryCollectionMapper;
import org.locationtech.jts.operation.overlay.OverlayOp;
import org.locationtech.jts.operation.overlay.snap.SnapIfNeededOverlayOp;
import org.locationtech.jts.operation.union.UnaryUnionOp;
import org.locationtech.jts.operation.valid.IsSimpleOp;

/**
 * Stands before JTS's own class of this name on the class path, and short-cuts the cut that needs no cutting.
 *
 * <p>The map writer cuts every way to every tile it touches, as {@code tile.intersection(way)}, and most ways lie wholly
 * inside one tile: of Malta's 69,000 cuts 60,000. JTS then builds and takes apart a whole graph to give back the same
 * way. Here such a way is given back at once, exactly as JTS's classic overlay would (no repeated points, outer ring
 * clockwise from the same first point), so the map stays the same to the byte. Everything else goes to the classic
 * overlay: ways that touch or cross the tile's edge, polygons with holes, lines that cross themselves.
 *
 * <p>Limits. It belongs to JTS 1.18 and 1.19, whose Geometry calls this package-private class for every overlay
 * ({@code prepare.py} compiles it against the very jar it stands before). Polygons are taken for valid: the writer
 * repairs them just before it cuts them. Classic overlay only; for JTS's newer one ({@code jts.overlay=ng}) it is left
 * off the class path.
 */
final class GeometryOverlay {
    private GeometryOverlay() {}

    static Geometry intersection(Geometry a, Geometry b) {
        if (a.isEmpty() || b.isEmpty()) {
            return OverlayOp.createEmptyResult(OverlayOp.INTERSECTION, a, b, a.getFactory());
        }
        if (a.isRectangle() && isInside(b.getEnvelopeInternal(), a.getEnvelopeInternal())) {
            Geometry whole = asOverlayGivesIt(b);
            if (whole != null) return whole;
        }
        if (a.isGeometryCollection()) {
            return GeometryCollectionMapper.map((GeometryCollection) a, part -> part.intersection(b));
        }
        return SnapIfNeededOverlayOp.overlayOp(a, b, OverlayOp.INTERSECTION);
    }

    /** Strictly: a way that touches the tile's edge gets a node there. */
    private static boolean isInside(Envelope way, Envelope tile) {
        return way.getMinX() > tile.getMinX()
                && way.getMaxX() < tile.getMaxX()
                && way.getMinY() > tile.getMinY()
                && way.getMaxY() < tile.getMaxY();
    }

    /** Null when only the overlay knows: holes may touch the outer ring, and lines may cross themselves. */
    private static Geometry asOverlayGivesIt(Geometry way) {
        if (way instanceof Polygon polygon && polygon.getNumInteriorRing() == 0) {
            Coordinate[] ring = CoordinateArrays.removeRepeatedPoints(polygon.getExteriorRing().getCoordinates());
            if (Orientation.isCCW(ring)) {
                ring = ring.clone();
                CoordinateArrays.reverse(ring);
            }
            return way.getFactory().createPolygon(ring);
        }
        if (way.getClass() == LineString.class) {
            Coordinate[] line = CoordinateArrays.removeRepeatedPoints(way.getCoordinates());
            if (line.length < 2) return null;
            if (line.length > 2 && !new IsSimpleOp(way).isSimple()) return null;
            return way.getFactory().createLineString(line);
        }
        return null;
    }

    // The rest of what JTS's class offers, each by the classic overlay.

    static void setOverlayImpl(String name) {
        if (!"old".equalsIgnoreCase(name)) throw new UnsupportedOperationException("jts.overlay=" + name);
    }

    static Geometry union(Geometry a, Geometry b) {
        return SnapIfNeededOverlayOp.overlayOp(a, b, OverlayOp.UNION);
    }

    static Geometry difference(Geometry a, Geometry b) {
        return SnapIfNeededOverlayOp.overlayOp(a, b, OverlayOp.DIFFERENCE);
    }

    static Geometry symDifference(Geometry a, Geometry b) {
        return SnapIfNeededOverlayOp.overlayOp(a, b, OverlayOp.SYMDIFFERENCE);
    }

    static Geometry union(Geometry a) {
        return UnaryUnionOp.union(a);
    }
}
