/**
 * Which images were pushed for a stage, by digest: `longshore image push` writes it, the template of the stack reads it. A tag
 * can be moved to another image at any time, also while tasks start; a digest cannot.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';

export const PushedImage = z.strictObject({
  /** Host and path, as `--registry` has it. */
  registry: z.string().min(1),
  tag: z.string().min(1),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  /** ISO 8601. */
  pushedAt: z.string(),
});
export type PushedImage = z.infer<typeof PushedImage>;

/** By the image's repository name: `longshore/osm-mapsforge`. */
export const PushedImages = z.record(z.string(), PushedImage);
export type PushedImages = z.infer<typeof PushedImages>;

/** From the project's root. It belongs to a deployment, and not to the sources: git does not take it. */
export const pushedImagesFile = (stage: string): string => `.longshore/images.${stage}.json`;

/** Nothing where there is no file. Throws when it cannot be understood: deploying another image than was meant is worse. */
export async function readPushedImages(path: string): Promise<PushedImages> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  try {
    return PushedImages.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(
      `${path} cannot be understood: push the images again (longshore image push), or remove it`,
      {
        cause: error,
      },
    );
  }
}

export async function recordPush(path: string, image: string, pushed: PushedImage): Promise<void> {
  const images = { ...(await readPushedImages(path)), [image]: pushed };
  const sorted = Object.fromEntries(Object.entries(images).sort(([a], [b]) => (a < b ? -1 : 1)));
  await mkdir(dirname(path), { recursive: true });
  const temp = `${path}.${process.pid}.part`;
  await writeFile(temp, `${JSON.stringify(sorted, null, 2)}\n`);
  await rename(temp, path);
}
