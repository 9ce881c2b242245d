/** What the walk of S01 is walked with: real nuclei for the long form, drawn ones for the short one. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readImage, writePng } from 'lamella';
import { gaussianBlur, stream } from 'lamella/array';
import type { Walk } from './five-minutes.ts';
import type { Truth } from './oracle-user.ts';

export interface PreparedWalk {
  readonly walk: Walk;
  /** Deletes its files. */
  done(): Promise<void>;
}

const DATA = process.env.LAMELLA_DATA;

/** Why the long form cannot run; undefined when it can. */
export const whyNoNuclei = DATA === undefined ? 'LAMELLA_DATA is not set' : undefined;

interface Sample {
  readonly png: Uint8Array;
  readonly truth: Truth;
}

async function prepared(samples: readonly Sample[], rest: Omit<Walk, 'files' | 'truth'>): Promise<PreparedWalk> {
  const folder = await mkdtemp(join(tmpdir(), 'lamella-walk-'));
  const truth = new Map<string, Truth>();
  for (const [i, sample] of samples.entries()) {
    const name = `nuclei-${String(i + 1).padStart(2, '0')}`;
    await writeFile(join(folder, `${name}.png`), sample.png);
    truth.set(name, sample.truth);
  }
  const files = [...truth.keys()].map((name) => join(folder, `${name}.png`));
  return { walk: { files, truth, ...rest }, done: () => rm(folder, { recursive: true }) };
}

/**
 * The first twelve fluorescence images of 256 x 256 pixels and ten nuclei or more of the Data Science Bowl 2018. Two are
 * annotated, one of each kind that is to be seen: large and blurred, small and sharp; of each the part with most nuclei.
 */
export async function realNuclei(): Promise<PreparedWalk> {
  const folder = join(DATA ?? '', 'nuclei');
  const ids = (await readFile(join(folder, 'index.csv'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => line.split(','))
    .filter(
      ([, kind, width, height, n]) => kind === 'gray_dark' && `${width}x${height}` === '256x256' && Number(n) >= 10,
    )
    .slice(0, 12)
    .map(([id]) => id);
  const samples = ids.map(async (id): Promise<Sample> => {
    const label = await readImage(await readFile(join(folder, 'labels', `${id}.png`)), id);
    const truth = { width: 256, height: 256, data: Int32Array.from(label.data as Uint16Array) };
    return { png: await readFile(join(folder, 'images', `${id}.png`)), truth };
  });
  return prepared(await Promise.all(samples), {
    boxes: { 'nuclei-04': [128, 64, 128, 128], 'nuclei-10': [128, 120, 128, 128] },
    liveSteps: 40,
    mostStrokes: 90,
    strokesAtPlace: 6,
    minutes: 1,
  });
}

const SIDE = 128;

/** Bright discs, some of which touch, blurred and with noise. */
function drawn(seed: number): Sample {
  const random = stream(seed, 'drawn nuclei');
  const data = new Int32Array(SIDE * SIDE);
  const values = new Float32Array(SIDE * SIDE).fill(20);
  for (let label = 1; label <= 14; label++) {
    const [x, y, radius] = [random.uniform() * SIDE, random.uniform() * SIDE, 6 + 4 * random.uniform()];
    const inside = Array.from(data.keys()).filter(
      (p) => Math.hypot((p % SIDE) - x, Math.floor(p / SIDE) - y) <= radius,
    );
    // None covers another.
    if (inside.some((p) => data[p] > 0)) continue;
    const brightness = 120 + 80 * random.uniform();
    for (const p of inside) [data[p], values[p]] = [label, brightness];
  }
  gaussianBlur(values, SIDE, SIDE, 1);
  const pixels = Uint8Array.from(values, (value) => Math.min(255, Math.max(0, value + 6 * random.normal())));
  const png = writePng({ dtype: 'uint8', axes: 'yx', shape: [SIDE, SIDE], data: pixels, spacing: {} });
  return { png, truth: { width: SIDE, height: SIDE, data } };
}

/** Six drawn images and a quarter of a minute. */
export const drawnNuclei = (): Promise<PreparedWalk> =>
  prepared(
    Array.from({ length: 6 }, (_, i) => drawn(i)),
    {
      boxes: { 'nuclei-01': [16, 16, 96, 96], 'nuclei-02': [16, 16, 96, 96] },
      liveSteps: 25,
      mostStrokes: 40,
      strokesAtPlace: 3,
      minutes: 0.25,
    },
  );
