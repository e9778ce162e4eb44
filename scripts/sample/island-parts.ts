/** What an island is drawn of: coast, islet, lake, land use, roads, a village, ferries. */
import { names } from './names.ts';
import type { Member, Tags } from './osm-pbf.ts';
import { add, circle, rectangle, steps, TURN, type Point, type Sketch } from './sketch.ts';

export interface Shore {
  /** Half the island's width, km. */
  radius: number;
  /** The point at an angle (anticlockwise from east), at a fraction of the way from the middle to the coast. */
  at(angle: number, fraction: number): Point;
}

export function makeShore(radius: number, random: () => number): Shore {
  const phases = [random(), random(), random(), random()].map((number) => number * TURN);
  const waves = [
    [2, 0.12],
    [3, 0.07],
    [7, 0.03],
    [13, 0.015],
  ] as const;
  const reach = (angle: number): number =>
    radius *
    waves.reduce((sum, [turns, height], i) => sum + height * Math.sin(turns * angle + phases[i]!), 0.85);
  return {
    radius,
    at: (angle, fraction) => {
      const distance = fraction * reach(angle);
      return [distance * Math.cos(angle), distance * Math.sin(angle)];
    },
  };
}

/** Coastline runs with land on its left: anticlockwise. In two ways, as real coasts are in many. */
export function drawCoast(sketch: Sketch, shore: Shore): Point[] {
  const points = steps(180).map((angle) => shore.at(angle, 1));
  const refs = points.map((point) => sketch.node(point));
  sketch.way(refs.slice(0, 101), { natural: 'coastline' });
  sketch.way([...refs.slice(100), refs[0]!], { natural: 'coastline' });
  return [...points, points[0]!];
}

export function drawIslet(sketch: Sketch, middle: Point, radius: number, title: string): Point[] {
  const outline = circle(middle, radius, 40, 0.7);
  sketch.ring(outline, { natural: 'coastline' });
  sketch.line([add(middle, -0.9 * radius, 0), add(middle, 0.9 * radius, 0)], {
    highway: 'path',
    ...names(`${title} Skärsti`, 'Islet Path', 'Inselpfad'),
  });
  for (const side of [-1, 1]) {
    const spot = add(middle, (side * radius) / 2, radius / 4);
    sketch.ring(rectangle(spot, 0.03, 0.02), { building: 'yes' });
    sketch.node(spot, { amenity: 'shelter', ...names(side < 0 ? 'Vesterhytt' : 'Austerhytt') });
  }
  sketch.node(add(middle, -radius / 3, 0), {
    man_made: 'lighthouse',
    ...names('Fyrtorn', 'Lighthouse', 'Leuchtturm'),
  });
  return outline;
}

export function drawLake(sketch: Sketch, shore: Shore, word: string): void {
  const middle = shore.at(2.4, 0.45);
  const water = sketch.ring(circle(middle, 0.13 * shore.radius, 36, 0.8), {});
  const island = sketch.ring(circle(middle, 0.05 * shore.radius, 18, 0.9), { natural: 'wood' });
  sketch.relation(
    [
      ...water.map((ref): Member => ({ type: 'way', ref, role: 'outer' })),
      ...island.map((ref): Member => ({ type: 'way', ref, role: 'inner' })),
    ],
    { type: 'multipolygon', natural: 'water', ...names(`${word}vatn`, `${word} Lake`, `${word}see`) },
  );
}

export function drawLanduse(sketch: Sketch, shore: Shore): void {
  const sector = (from: number, to: number, inner: number, outer: number): Point[] => {
    const angles = Array.from({ length: 13 }, (_, i) => from + ((to - from) * i) / 12);
    const ring = [
      ...angles.map((angle) => shore.at(angle, outer)),
      ...angles.toReversed().map((angle) => shore.at(angle, inner)),
    ];
    return [...ring, ring[0]!];
  };
  sketch.ring(sector(0.9, 1.9, 0.25, 0.7), { landuse: 'forest' });
  sketch.ring(sector(3, 4, 0.2, 0.74), { landuse: 'farmland' });
  sketch.ring(sector(5.6, 6.1, 0.3, 0.7), { landuse: 'meadow' });
  sketch.ring(sector(0.1, 0.5, 0.96, 0.995), { natural: 'beach' });
}

/** A ring road, a village of square blocks, the ways up the hill and round it. Junctions are shared nodes. */
export function drawRoadsAndVillage(sketch: Sketch, shore: Shore, title: string, words: () => string): void {
  const ring = steps(48).map((angle) => sketch.node(shore.at(angle, 0.8)));
  sketch.way([...ring, ring[0]!], {
    highway: 'primary',
    ref: 'L1',
    ...names(`${title}vegen`, 'Ring Road', 'Ringstraße'),
  });

  const block = shore.radius / 28;
  const corner = shore.at(-TURN / 4, 0.55);
  const grid = Array.from({ length: 6 }, (_, row) =>
    Array.from({ length: 7 }, (__, column) =>
      sketch.node(
        add(corner, (column - 3) * block, (row - 2.5) * block),
        row === 2 && column === 3 ? { highway: 'crossing' } : {},
      ),
    ),
  );
  const street = (refs: number[], highway: string): void => {
    const word = words();
    sketch.way(refs, { highway, ...names(`${word}gata`, `${word} Street`, `${word}straße`) });
  };
  for (const row of grid) street(row, 'residential');
  for (let column = 0; column < 7; column++) {
    street(
      grid.map((row) => row[column]!),
      column === 3 ? 'tertiary' : 'residential',
    );
  }
  drawHouses(sketch, corner, block);
  sketch.ring(rectangle(corner, 3.4 * block, 2.9 * block), { landuse: 'residential' });

  const peak = sketch.node(shore.at(1.2, 0.4), {
    natural: 'peak',
    ele: '412',
    ...names(`${title}tind`, `${title} Peak`, `${title}spitze`),
  });
  const middle = sketch.node([0, 0]);
  const harbour = sketch.node(shore.at(-TURN / 4, 0.98), {
    amenity: 'ferry_terminal',
    ...names('Hamn', 'Harbour', 'Hafen'),
  });
  sketch.way([harbour, ring[36]!, grid[0]![3]!], {
    highway: 'secondary',
    ...names('Hamnvegen', 'Harbour Road', 'Hafenstraße'),
  });
  sketch.way([grid[5]![3]!, middle], {
    highway: 'secondary',
    oneway: 'no',
    ...names('Midtvegen', 'Middle Road', 'Mittelweg'),
  });
  sketch.way([ring[0]!, middle, ring[24]!], { highway: 'unclassified', surface: 'asphalt', maxspeed: '50' });
  sketch.way([middle, sketch.node(shore.at(0.9, 0.2)), peak], { highway: 'track', tracktype: 'grade3' });
  sketch.way([peak, sketch.node(shore.at(1.5, 0.6)), ring[12]!], {
    highway: 'path',
    sac_scale: 'mountain_hiking',
  });
  sketch.way(
    steps(48)
      .slice(0, 13)
      .map((angle) => sketch.node(shore.at(angle, 0.9))),
    {
      highway: 'cycleway',
      bicycle: 'designated',
      ...names('Strandsti', 'Shore Path', 'Uferweg'),
    },
  );
  sketch.line([shore.at(1.1, 0.42), shore.at(0.7, 0.6), shore.at(0.6, 1)], {
    waterway: 'stream',
    ...names('Bekken', 'Brook', 'Bach'),
  });
  drawPlaces(sketch, corner, block, title);
}

function drawHouses(sketch: Sketch, corner: Point, block: number): void {
  let number = 0;
  for (let row = 0; row < 5; row++) {
    for (let column = 0; column < 6; column++) {
      for (const [right, up] of [
        [0.25, 0.3],
        [0.7, 0.3],
        [0.3, 0.7],
        [0.75, 0.7],
      ] as const) {
        const middle = add(corner, (column - 3 + right) * block, (row - 2.5 + up) * block);
        number++;
        sketch.ring(rectangle(middle, 0.14 * block, 0.1 * block), {
          building: 'yes',
          'addr:housenumber': String(number),
        });
      }
    }
  }
}

function drawPlaces(sketch: Sketch, corner: Point, block: number, title: string): void {
  sketch.node(corner, {
    place: 'village',
    population: '840',
    ...names(`${title}by`, `${title} Village`, `${title}dorf`),
  });
  const places: [dx: number, dy: number, tags: Tags][] = [
    [-2.5, 0.5, { amenity: 'restaurant', cuisine: 'fish', ...names('Ved Sjøen', 'By the Sea', 'Am Meer') }],
    [-1.5, 1.2, { amenity: 'cafe', ...names('Kaffistova') }],
    [-0.5, -1.3, { amenity: 'pharmacy', ...names('Apotek', 'Pharmacy', 'Apotheke') }],
    [0.5, 0.4, { shop: 'bakery', ...names('Bakeri', 'Bakery', 'Bäckerei') }],
    [0.6, -0.6, { shop: 'bicycle', ...names('Sykkel', 'Bicycles', 'Fahrräder') }],
    [1.5, 1.6, { tourism: 'hotel', ...names('Holmen Hotell', 'Isle Hotel', 'Inselhotel') }],
    [1.6, -1.5, { amenity: 'fuel' }],
    [2.4, 0.5, { amenity: 'drinking_water' }],
    [2.6, 1.4, { tourism: 'camp_site', ...names('Leirplass', 'Camp Site', 'Zeltplatz') }],
    [-2.6, -1.6, { highway: 'bus_stop', ...names('Torget', 'Market Square', 'Marktplatz') }],
    [
      -1.4,
      -0.4,
      { amenity: 'place_of_worship', religion: 'christian', ...names('Kyrkje', 'Church', 'Kirche') },
    ],
  ];
  for (const [dx, dy, tags] of places) sketch.node(add(corner, dx * block, dy * block), tags);
}

/** One ferry to the islet, and one that ends far beyond the box: extracts contain such lines whole. */
export function drawFerries(sketch: Sketch, shore: Shore, islet: Point, title: string): void {
  const ferry = (to: string): Tags => ({ route: 'ferry', ...names(`${title} – ${to}`) });
  sketch.line([shore.at(0.3, 0.99), add(islet, -0.17 * shore.radius, -0.02)], ferry('Skär'));
  sketch.line(
    [shore.at(-TURN / 4, 0.98), [0, -2 * shore.radius], [0.5 * shore.radius, -6 * shore.radius]],
    ferry('Fastland'),
  );
}
