/**
 * The dashboard's page in a real browser, over a pipeline in memory whose containers are scripted. Skipped where there is no
 * Chromium (scripts/browser.sh installs it).
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Browser, Page } from 'puppeteer-core';
import { startDashboard, type Dashboard } from '../../cli/dashboard/server.ts';
import { planKeys } from '../../lib/pipeline/plan.ts';
import { findChromium, startChromium } from '../tools/chromium.ts';
import type { GranuleRule } from '../../lib/tasks/granule-rule.ts';
import { textTask, World } from '../doubles/world.ts';

jest.setTimeout(60_000);

const chromium = findChromium(process.env);
if (chromium === undefined)
  console.warn('There is no Chromium here: the page is not tested. bash scripts/browser.sh  installs it.');
const withChromium = chromium === undefined ? describe.skip : describe;

const RUN = 'world-1';
/** A job's name is whatever a file's is. */
const HOSTILE = `<img src=x onerror="window.hacked=1">'"&amp;</script>`;

let browser: Browser;
let world: World;
let dashboard: Dashboard;
let page: Page;

/** Two files a granule. */
const byParts: GranuleRule = {
  pattern: /^(?<granule>.+)\.(?<part>txt|xml)$/,
  complete: { parts: ['txt', 'xml'] },
  deadlineSeconds: 3600,
};

/** Ends at once: `good…` published, `broken…` failed, `bad…` quarantined, `slow…` runs on. */
function makeWorld(): World {
  return new World({
    settings: { maxTasks: 8 },
    tasks: [textTask, { ...textTask, name: 'parts', granule: byParts }],
    script: ({ env }) => {
      const area = env.AREA ?? '';
      if (area.startsWith('bad')) return { exitCode: 65, lastLine: 'line 3 is no text' };
      if (area.startsWith('broken')) return { exitCode: 1, lastLine: 'the mirror closed the connection' };
      if (area.startsWith('slow')) return { hangs: true };
      return { seconds: 10 };
    },
  });
}

const box = (west: number, south: number, size = 10): object => ({
  type: 'Polygon',
  coordinates: [
    [
      [west, south],
      [west, south + size],
      [west + size, south + size],
      [west + size, south],
      [west, south],
    ],
  ],
});

/** From west to east. */
const AREAS: Record<string, object> = {
  'good-a': box(0, 0),
  'slow-b': box(20, 0),
  'broken-c': box(40, 0),
  'bad-d': box(60, 0),
  'wait-e': box(80, 0),
};

async function putAreas(): Promise<void> {
  const features = Object.entries(AREAS).map(([name, geometry]) => ({
    type: 'Feature',
    properties: { task: 'text', name },
    geometry,
  }));
  await world.stores.output.put(planKeys.areas(RUN), JSON.stringify({ type: 'FeatureCollection', features }));
}

async function work(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) {
    while (await world.deliver());
    world.clock.advance(11_000);
    await world.tellStops();
  }
  while (await world.deliver());
}

/** One job in each state, each with an area. */
async function oneOfEach(): Promise<void> {
  await putAreas();
  for (const area of ['good-a', 'slow-b', 'broken-c', 'bad-d', HOSTILE]) await world.ask(RUN, { area });
  await work();
  const { id } = world.job('broken-c');
  const log = [
    { level: 'info', message: 'asking the mirror' },
    { level: 'error', message: HOSTILE },
  ];
  await world.stores.staging.put(
    `${id}/3/control/log.jsonl`,
    log.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
  const progress = { event: 'Progress', stage: 'download', percent: 42 };
  const running = world.job('slow-b').id;
  await world.stores.staging.put(`${running}/1/control/log.jsonl`, `${JSON.stringify(progress)}\n`);
  world.context.settings.maxTasks = 1;
  await world.ask(RUN, { area: 'wait-e' });
  while (await world.deliver());
}

async function serve(port = 0): Promise<void> {
  dashboard = await startDashboard({
    ctx: world.context,
    host: '127.0.0.1',
    port,
    everyMs: 50,
    liveLogs: true,
    memoryOf: async () => 1024 ** 3,
    page: { backend: 'local', place: '/somewhere' },
  });
}

async function open(width = 1280, height = 900): Promise<void> {
  page = await browser.newPage();
  await page.setViewport({ width, height });
  await page.goto(dashboard.url);
  await page.waitForSelector('#list tbody tr');
}

/** Resolves once the page says so; the test's own time is the limit. */
const expectSoon = async (expression: string): Promise<unknown> =>
  await page.waitForFunction(expression, { polling: 50, timeout: 20_000 });
const textOf = async (selector: string): Promise<string> =>
  String(await page.evaluate(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ''`));
const focused = async (): Promise<string> =>
  String(await page.evaluate(`document.activeElement.innerText || document.activeElement.ariaLabel || ''`));
const row = (name: string): string => `tr[data-job="${world.job(name).id}"]`;
const stateOf = async (name: string): Promise<string> => await textOf(`${row(name)} .column-state`);

beforeAll(async () => {
  if (chromium !== undefined) browser = await startChromium(chromium);
});
afterAll(async () => {
  await browser?.close();
});
beforeEach(() => {
  world = makeWorld();
});
afterEach(async () => {
  await page?.close();
  await dashboard?.close();
});

withChromium('the page', () => {
  test('shows an area around a pole where it is, also one that is a single box', async () => {
    const ring = [
      [-180, -90],
      [180, -90],
      [180, -60],
      [-180, -60],
      [-180, -90],
    ];
    const features = [
      {
        type: 'Feature',
        properties: { task: 'text', name: 'good-south' },
        geometry: { type: 'Polygon', coordinates: [ring] },
      },
      { type: 'Feature', properties: { task: 'text', name: 'good-a' }, geometry: AREAS['good-a'] },
    ];
    await world.stores.output.put(
      planKeys.areas(RUN),
      JSON.stringify({ type: 'FeatureCollection', features }),
    );
    await world.ask(RUN, { area: 'good-south' });
    await world.ask(RUN, { area: 'good-a' });
    while (await world.deliver());
    await serve();
    await open();
    const canvas = (await page.$('.map-areas canvas'))!;
    const { x, y, width, height } = (await canvas.boundingBox())!;
    const met: number[] = [];
    for (let right = 0.05; right < 1; right += 0.05)
      for (let down = 0.05; down < 1; down += 0.1) {
        await page.mouse.move(x + right * width, y + down * height);
        const tip = `new Promise((done) => setTimeout(() => done(document.querySelector('.tip')?.innerText ?? ''), 20))`;
        if (String(await page.evaluate(tip)).startsWith('good-south')) met.push(right);
      }
    // Not a spot, but as wide as the continent.
    expect(Math.max(...met) - Math.min(...met)).toBeGreaterThan(0.4);
  });

  test('of a run without areas has no map, until an area is known', async () => {
    await world.ask(RUN, { area: 'good-a' });
    while (await world.deliver());
    await serve();
    await open();
    expect(await textOf('#map')).toContain('No job of this run has an area that is known');
    expect(await page.$('#map .map-box')).toBeNull();
    expect(await textOf('#map .legend')).toContain('Waiting');
    await page.close();
    await dashboard.close();
    await putAreas();
    await serve();
    await open();
    expect(await page.$('#map .map-box canvas')).not.toBeNull();
  });

  test('says each job’s state in words, and why the failed ones failed', async () => {
    await oneOfEach();
    await serve();
    await open();
    const states = ['good-a', 'slow-b', 'broken-c', 'bad-d', 'wait-e'];
    expect(await Promise.all(states.map(stateOf))).toEqual([
      'Published',
      'Running',
      'Failed',
      'Quarantined',
      'Waiting',
    ]);
    expect(await textOf('#failures')).toMatch(/Bad input 1 job\s+line 3 is no text/);
    expect(await textOf('#failures')).toMatch(/The container failed 1 job\s+.*mirror closed the connection/);
    expect(await textOf('#running')).toMatch(/slow-b\s+download 42 %/);
    expect(await textOf('#running')).toMatch(/1\.00 GiB of 2\.00 GiB/);
    expect(await textOf('.overview')).toMatch(/2 of 6 jobs published/);
  });

  test('paints each area in its state’s own colour, and none in a colour that no job has', async () => {
    await oneOfEach();
    await serve();
    await open();
    // Of the pixels in the middle row of the canvas, where the areas are: which states’ colours are there, west to east.
    const painted = `(() => {
      const canvas = document.querySelector('.map-areas canvas');
      const style = getComputedStyle(canvas);
      const states = ['waiting', 'held', 'running', 'published', 'fresh', 'failed', 'quarantined', 'cancelled'];
      const probe = document.createElement('canvas').getContext('2d');
      const colours = states.map((state) => {
        probe.fillStyle = style.getPropertyValue('--sea');
        probe.fillRect(0, 0, 1, 1);
        probe.globalAlpha = 0.88;
        probe.fillStyle = style.getPropertyValue('--' + state);
        probe.fillRect(0, 0, 1, 1);
        probe.globalAlpha = 1;
        return probe.getImageData(0, 0, 1, 1).data;
      });
      const context = canvas.getContext('2d');
      const first = new Map();
      for (let y = 0; y < canvas.height; y += 3) {
        const { data } = context.getImageData(0, y, canvas.width, 1);
        for (let x = 0; x < canvas.width; x++) {
          colours.forEach((colour, at) => {
            const near = [0, 1, 2].every((channel) => Math.abs(data[4 * x + channel] - colour[channel]) < 2);
            if (near) first.set(states[at], Math.min(first.get(states[at]) ?? Infinity, x));
          });
        }
      }
      return [...first].sort((a, b) => a[1] - b[1]).map(([state]) => state).join(' ');
    })()`;
    await expectSoon(`${painted} === 'published running failed quarantined waiting'`);
  });

  test('opens an area that is pressed, and moves under a pointer that drags', async () => {
    await oneOfEach();
    await serve();
    await open();
    const canvas = (await page.$('.map-areas canvas'))!;
    const { x, y, width, height } = (await canvas.boundingBox())!;
    // The third of five areas in a row is in the middle.
    await page.mouse.move(x + width / 2, y + height / 2);
    await expectSoon(`/^broken-c/.test(document.querySelector('.tip')?.innerText)`);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 + width / 5, y + height / 2, { steps: 5 });
    await page.mouse.up();
    expect(await page.$('dialog[open]')).toBeNull();
    await page.mouse.click(x + width / 2 + width / 5, y + height / 2);
    await page.waitForSelector('dialog[open]');
    expect(await textOf('dialog h2')).toBe('broken-c');
  });

  test('changes as the run does, without being loaded again', async () => {
    await oneOfEach();
    await serve();
    await open();
    await page.evaluate('window.marker = 1');
    world.context.settings.maxTasks = 8;
    await world.jobs.send(['{"kind":"wake"}']);
    await work();
    const waited = row('wait-e');
    await expectSoon(`document.querySelector('${waited} .column-state').innerText === 'Published'`);
    await expectSoon(`/wait-e/.test(document.querySelector('#announcements').textContent)`);
    expect(await page.evaluate('window.marker')).toBe(1);
    expect(await textOf('.overview')).toMatch(/3 of 6 jobs published/);
  });

  test('says when the connection is lost, and goes on by itself when it is back', async () => {
    await oneOfEach();
    await serve();
    await open();
    const { port } = new URL(dashboard.url);
    await dashboard.close();
    await expectSoon(
      `/connection to longshore is lost/.test(document.querySelector('[role=alert]')?.innerText)`,
    );
    expect(await textOf('.connection')).toBe('not connected');
    await serve(Number(port));
    await expectSoon(`document.querySelector('.connection').innerText === 'live'`);
    expect(await page.$('[role=alert]')).toBeNull();
  });

  test('retries a job: it waits again in the ledger, and the page shows it', async () => {
    await oneOfEach();
    await serve();
    await open();
    await page.click(`${row('broken-c')} .job-name`);
    await page.waitForSelector('dialog[open]');
    await page.click('dialog .actions .strong');
    await expectSoon(`document.querySelector('${row('broken-c')} .column-state').innerText === 'Waiting'`);
    expect(world.job('broken-c')).toMatchObject({ state: 'waiting' });
    await expectSoon(`document.querySelector('dialog .said')?.innerText === '1 job waits again'`);
    expect(await textOf('#failures')).not.toMatch(/mirror closed/);
    // The button is gone with what it did; the focus is where it was.
    await expectSoon(`document.activeElement.closest('dialog') !== null`);
  });

  test('retries all failed jobs of the run at once, and leaves the others as they are', async () => {
    for (const area of ['broken-a', 'broken-b', 'bad-c', 'good-d']) await world.ask(RUN, { area });
    await work();
    await serve();
    await open();
    world.context.settings.maxTasks = 0;
    await page.click('#failures .card-head button');
    await expectSoon(`document.querySelector('${row('broken-b')} .column-state').innerText === 'Waiting'`);
    await expectSoon(`document.querySelector('${row('broken-a')} .column-state').innerText === 'Waiting'`);
    expect(
      world
        .allJobs()
        .map(({ name, state }) => `${name} ${state}`)
        .sort(),
    ).toEqual(['bad-c quarantined', 'broken-a waiting', 'broken-b waiting', 'good-d published']);
  });

  test('cancels a job that runs', async () => {
    await oneOfEach();
    await serve();
    await open();
    await page.click(`${row('slow-b')} .job-name`);
    await page.waitForSelector('dialog[open]');
    await page.click('dialog .actions .quiet');
    await expectSoon(`document.querySelector('dialog .said')?.innerText === 'It is being stopped'`);
    await work();
    await expectSoon(`document.querySelector('${row('slow-b')} .column-state').innerText === 'Cancelled'`);
  });

  test('shows names and logs as they are, whatever is in them, and runs nothing of it', async () => {
    await oneOfEach();
    await serve();
    const messages: string[] = [];
    await open();
    page.on('console', (message) => messages.push(message.text()));
    expect(await textOf(`${row(HOSTILE)} .column-name`)).toBe(HOSTILE);
    await page.click(`${row('broken-c')} .job-name`);
    await expectSoon(`document.querySelector('dialog pre.log')?.innerText.includes('onerror')`);
    expect(await textOf('dialog pre.log')).toBe(`info  asking the mirror\nerror  ${HOSTILE}`);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(await page.$$('#page img')).toHaveLength(0);
    expect(messages.filter((message) => message.includes('Content Security Policy'))).toEqual([]);
  });

  test('finds jobs by name or reason, hides states, and sorts', async () => {
    await oneOfEach();
    await serve();
    await open();
    const names = async (): Promise<string[]> =>
      (await page.evaluate(
        `[...document.querySelectorAll('#list .job-name')].map((one) => one.innerText)`,
      )) as string[];
    await page.click('th.column-name button');
    expect((await names()).at(-1)).toBe(HOSTILE);
    await page.type('#list input', 'no text');
    await expectSoon(`document.querySelectorAll('#list tbody tr').length === 1`);
    expect(await names()).toEqual(['bad-d']);
    await page.$eval('#list input', (input) => {
      (input as { value: string }).value = '';
      input.dispatchEvent(new Event('input', { bubbles: true }));
    });
    await expectSoon(`document.querySelectorAll('#list tbody tr').length === 6`);
    await page.click('.legend button:first-child');
    await expectSoon(`document.querySelectorAll('#list tbody tr').length === 5`);
    expect(await names()).not.toContain('wait-e');
  });

  test('says so when there is no run, and shows the first one when it comes', async () => {
    await serve();
    page = await browser.newPage();
    await page.goto(dashboard.url);
    await expectSoon(`/There are no runs yet/.test(document.body.innerText)`);
    await world.ask(RUN, { area: 'slow-a' });
    while (await world.deliver());
    await expectSoon(`document.querySelectorAll('#list tbody tr').length === 1`);
  });

  test('shows what granules of several files wait for, also before there is any run', async () => {
    await world.drop('parts/flight.txt', 'hello');
    while (await world.deliver());
    await serve();
    page = await browser.newPage();
    await page.goto(dashboard.url);
    await expectSoon(`/flight parts; has 1 file; missing xml; given up at/.test(document.body.innerText)`);
  });

  test('shows the newest run first, and any other when it is chosen', async () => {
    await world.ask('older', { area: 'good-old' });
    await work();
    await world.ask('newer', { area: 'good-new' });
    await work();
    await serve();
    await open();
    expect(await textOf('#list .job-name')).toBe('good-new');
    await page.select('.runs select', 'older');
    await expectSoon(`document.querySelector('#list .job-name')?.innerText === 'good-old'`);
    expect(page.url()).toContain('run=older');
    await page.goBack();
    await expectSoon(`document.querySelector('#list .job-name')?.innerText === 'good-new'`);
  });
});

withChromium('by keyboard', () => {
  test('the first stop is the way past everything else', async () => {
    await oneOfEach();
    await serve();
    await open();
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the map');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the list of jobs');
    await page.keyboard.press('Enter');
    await expectSoon(`document.activeElement.id === 'list'`);
  });

  test('arrow keys go from area to area, Enter opens one, Escape goes back to where it was', async () => {
    await oneOfEach();
    await serve();
    await open();
    await page.focus('.map-areas');
    const said = async (): Promise<string> => await textOf('[role=option]');
    await page.keyboard.press('Home');
    for (const name of ['slow-b', 'broken-c', 'bad-d', 'wait-e']) {
      // Whichever of the five equal areas comes first: then from the west on.
      if (name === 'slow-b') for (let step = 0; step < 5; step++) await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('ArrowRight');
      await expectSoon(`document.querySelector('#map-area').innerText.startsWith('${name}')`);
    }
    await page.keyboard.press('ArrowLeft');
    await expectSoon(`document.querySelector('#map-area').innerText.startsWith('bad-d')`);
    expect(await said()).toBe('bad-d: Quarantined, line 3 is no text');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog[open]');
    expect(await textOf('dialog h2')).toBe('bad-d');
    await page.keyboard.press('Escape');
    await expectSoon(`!document.querySelector('dialog[open]')`);
    expect(await page.evaluate(`document.activeElement.className`)).toBe('map-areas');
  });

  test('what has the focus is seen to have it', async () => {
    await oneOfEach();
    await serve();
    await open();
    const plain: string[] = [];
    // Every stop of the page, once around.
    for (let stop = 0; stop < 80; stop++) {
      await page.keyboard.press('Tab');
      const outline = (await page.evaluate(`(() => {
        const element = document.activeElement;
        if (element === document.body) return 'end';
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        return outlineStyle === 'none' || parseFloat(outlineWidth) < 2 ? element.outerHTML.slice(0, 80) : '';
      })()`)) as string;
      if (outline === 'end') break;
      if (outline !== '') plain.push(outline);
    }
    expect(plain).toEqual([]);
  });
});

withChromium('for everybody', () => {
  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ])('nothing to object to by axe: %s, %i pixels wide', async (scheme, width) => {
    await oneOfEach();
    await serve();
    await open(width);
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    const require = createRequire(import.meta.url);
    await page.evaluate(await readFile(require.resolve('axe-core/axe.min.js'), 'utf8'));
    const objections = async (): Promise<unknown> =>
      await page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
        violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' | ')))`);
    await page.click('details.failure summary');
    await page.waitForSelector('.failure-body');
    expect(await objections()).toEqual([]);
    await page.click(`${row('broken-c')} .job-name`);
    await page.waitForSelector('dialog[open] pre.log');
    expect(await objections()).toEqual([]);
  });

  test.each([320, 390, 768])('nothing to be scrolled sideways at %i pixels', async (width) => {
    await oneOfEach();
    await world.ask(RUN, { area: `good-${'very-long-name-'.repeat(10)}` });
    await work();
    await serve();
    await open(width, 800);
    const beyond = `document.scrollingElement.scrollWidth - document.documentElement.clientWidth`;
    expect(await page.evaluate(beyond)).toBe(0);
    await page.click(`${row('broken-c')} .job-name`);
    await page.waitForSelector('dialog[open]');
    expect(await page.evaluate(beyond)).toBe(0);
  });
});
