/** Paths over a round Earth, as GeoJSON (RFC 7946) writes them: cut at the 180th meridian (3.1.9). */

type Position = readonly [longitude: number, latitude: number];

export type TrackGeometry =
  | { type: 'Point'; coordinates: Position }
  | { type: 'LineString'; coordinates: Position[] }
  | { type: 'MultiLineString'; coordinates: Position[][] };

/** A line needs two positions: a track of one is a point, and beside others it is left out. Undefined without any. */
export function tracksGeometry(tracks: readonly (readonly Position[])[]): TrackGeometry | undefined {
  const lines = tracks.flatMap(cut).filter((line) => line.length > 1);
  const [first] = lines;
  if (!first) {
    const position = tracks.flat()[0];
    return position && { type: 'Point', coordinates: position };
  }
  return lines.length === 1
    ? { type: 'LineString', coordinates: first }
    : { type: 'MultiLineString', coordinates: lines };
}

/** A step of more than half the Earth is one over the 180th meridian; both sides get the point where it crosses. */
function cut(track: readonly Position[]): Position[][] {
  const lines: Position[][] = [];
  let line: Position[] = [];
  for (const position of track) {
    const last = line.at(-1);
    if (last && Math.abs(position[0] - last[0]) > 180) {
      const side = last[0] > 0 ? 180 : -180;
      const latitude = crossing(last, position, side);
      lines.push([...line, [side, latitude]]);
      line = [[-side, latitude]];
    }
    line.push(position);
  }
  return [...lines, line];
}

/** Latitude at the meridian, on the straight line in degrees. */
function crossing(from: Position, to: Position, side: number): number {
  const step = to[0] + 2 * side - from[0];
  const share = step === 0 ? 0 : (side - from[0]) / step;
  return Number((from[1] + share * (to[1] - from[1])).toFixed(6));
}
