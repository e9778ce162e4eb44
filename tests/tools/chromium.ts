/** The browser that the page is tried in: Debian's Chromium, or the one that CHROMIUM names. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { launch, type Browser } from 'puppeteer-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** `undefined` when there is none. Throws for a CHROMIUM that cannot be started. */
export function findChromium(env: NodeJS.ProcessEnv): string | undefined {
  if (env.CHROMIUM) {
    if (!isProgram(env.CHROMIUM)) throw new Error(`CHROMIUM names ${env.CHROMIUM}, which is no program`);
    return env.CHROMIUM;
  }
  const folders = (env.PATH ?? '').split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function startChromium(executablePath: string): Promise<Browser> {
  const args = ['--disable-dev-shm-usage', '--force-color-profile=srgb', '--hide-scrollbars'];
  // Chromium's sandbox refuses root. The pages are our own.
  if (process.getuid?.() === 0) args.push('--no-sandbox');
  return await launch({ executablePath, args, headless: true });
}
