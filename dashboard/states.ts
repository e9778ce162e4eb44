/**
 * How each state looks: its word, its sign, its pattern and its colour, so that none is told by colour alone. The colours
 * are those of Okabe and Ito, told apart by people who lack one kind of cone; style.css has them, for light and dark.
 */
import type { ViewState } from '../cli/dashboard/view.ts';

export type Pattern = 'plain' | 'dots' | 'stripes' | 'counter' | 'cross' | 'bars' | 'lines' | 'rings';

export interface StateLook {
  label: string;
  /** What it means, for the legend. */
  about: string;
  /** SVG path in a box of 16 × 16, drawn as a line of 2. */
  sign: string;
  pattern: Pattern;
}

export const STATES: Record<ViewState, StateLook> = {
  waiting: {
    label: 'Waiting',
    about: 'for a free slot, or for its next try',
    sign: 'M8 4v4l2.500 2.500',
    pattern: 'dots',
  },
  held: {
    label: 'Held by budget',
    about: 'the cost limit of the run is reached',
    sign: 'M6 4.500v7M10 4.500v7',
    pattern: 'bars',
  },
  running: {
    label: 'Running',
    about: 'in a container, or being checked and published',
    sign: 'M6.200 4.500 11 8l-4.800 3.500z',
    pattern: 'stripes',
  },
  published: {
    label: 'Published',
    about: 'checked, and in place',
    sign: 'M4.500 8.400 7 11l4.500-5.500',
    pattern: 'plain',
  },
  fresh: {
    label: 'Still fresh',
    about: 'published earlier, from the same source',
    sign: 'M4 9.200c1.400-2 2.600-2 4-.700s2.600 1.300 4-.700',
    pattern: 'rings',
  },
  failed: {
    label: 'Failed',
    about: 'given up, with the reason',
    sign: 'M5 5l6 6M11 5l-6 6',
    pattern: 'cross',
  },
  quarantined: {
    label: 'Quarantined',
    about: 'set aside: bad input, or outputs that fail their checks',
    sign: 'M8 4v5M8 11.300v.700',
    pattern: 'lines',
  },
  cancelled: {
    label: 'Cancelled',
    about: 'by a person, or overtaken by a newer file',
    sign: 'M4.500 8h7',
    pattern: 'counter',
  },
};
