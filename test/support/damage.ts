/** Files that are cut or changed: what reading them gives must be right or be refused, in time. */
import { expect } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import type { ReadOptions } from '../../src/image/formats/format.ts';
import type { Image } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { stopwatch } from './timing.ts';

export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What reading is refused with. */
export async function refusalOf(bytes: Uint8Array, name: string, options: ReadOptions = {}): Promise<FormatError> {
  const error = await readImage(bytes, name, options).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(FormatError);
  return error as FormatError;
}

const bytesOf = ({ data }: Image) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Cut after each share of its length a file is refused, or gives the whole image: what was cut off was no part of it. */
export async function expectCutsRefused(files: readonly NamedBytes[], shares: readonly number[]): Promise<void> {
  const wrong: string[] = [];
  for (const { name, bytes } of files) {
    const whole = await readImage(bytes, name).catch(() => undefined);
    for (const share of shares) {
      try {
        const image = await readImage(bytes.slice(0, Math.floor(share * bytes.length)), name);
        if (whole === undefined || Buffer.compare(bytesOf(image), bytesOf(whole)) !== 0)
          wrong.push(`${name} at ${share}: another image`);
      } catch (error) {
        if (!(error instanceof FormatError)) wrong.push(`${name} at ${share}: ${error}`);
      }
    }
  }
  expect(wrong).toEqual([]);
}

/** Small multiplicative generator: the same damage in every run. */
function stream(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/** With some bytes changed a file gives an image of the size that it says, or is refused; within 5 s. */
export async function expectChangesRefused(
  files: readonly NamedBytes[],
  {
    seed,
    rounds,
    place,
  }: {
    readonly seed: number;
    readonly rounds: number;
    /** Where every other change falls: where headers and directories are. Others fall anywhere. */
    readonly place: (length: number, random: () => number) => number;
  },
): Promise<void> {
  const wrong: string[] = [];
  const random = stream(seed);
  for (const { name, bytes } of files) {
    for (let round = 0; round < rounds; round++) {
      const damaged = bytes.slice();
      for (let k = 0; k < 1 + round; k++) {
        const at = k % 2 === 0 ? Math.floor(random() * bytes.length) : place(bytes.length, random);
        damaged[at] = Math.floor(random() * 256);
      }
      const taken = stopwatch();
      try {
        const image = await readImage(damaged, name, { maxBytes: 2 ** 28 });
        const size = image.shape.reduce((product, length) => product * length, 1);
        if (image.data.length !== size) wrong.push(`${name} round ${round}: ${image.data.length} values for ${size}`);
      } catch (error) {
        if (!(error instanceof FormatError)) wrong.push(`${name} round ${round}: ${error}`);
      }
      const tookMs = taken();
      if (tookMs > 5000) wrong.push(`${name} round ${round}: took ${tookMs} ms`);
    }
  }
  expect(wrong).toEqual([]);
}
