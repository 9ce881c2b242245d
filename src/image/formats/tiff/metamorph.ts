/**
 * MetaMorph's STK: one directory for all planes, which are stored consecutively; their meaning is in tags of Universal
 * Imaging Corporation. The axis that the planes form was compared with tifffile 2026.3.3.
 */
import { strFromU8 } from 'fflate';
import type { ByteSource } from '../../../files.ts';
import { normaliseUnit, spacingOf, spacingsOf } from '../../units.ts';
import { type Arrangement, type Described, gridOf, stack } from './arrangement.ts';
import { type Directory, type TiffFile, viewOf } from './directory.ts';

const PLANE_BYTES = 24;
/** Entries of UIC1: identifiers, each with a value or the offset of one. */
const CALIBRATED = 3;
const X_SIZE = 4;
const Y_SIZE = 5;
const UNIT = 6;
/** There are fewer, of shorter texts. */
const MAX_ENTRIES = 2 ** 16;
const MAX_TEXT_BYTES = 2 ** 12;

/** The number of planes is the count of UIC2. */
export function metamorphPages(first: Directory): number | undefined {
  return first.location('UIC2Tag')?.count;
}

export async function metamorphArrangement({ tiff, directories, held }: Described): Promise<Arrangement | undefined> {
  const [first] = directories;
  const planes = first.location('UIC2Tag');
  if (planes === undefined) return undefined;
  const size = await pixelSize(tiff, first);
  if (planes.count !== held) {
    return stack(
      held,
      `The file states ${planes.count} planes (MetaMorph) but contains ${held}; they are read as slices.`,
      size,
    );
  }
  const view = viewOf(await tiff.source.read(planes.offset, held * PLANE_BYTES));
  const facts = Array.from({ length: held }, (_, i) => {
    const at = i * PLANE_BYTES;
    const [day, ms] = [view.getUint32(at + 8, true), view.getUint32(at + 12, true)];
    return { distance: fraction(view, at), ms, time: day * 86_400_000 + ms };
  });
  const isZ = facts.every(({ distance }) => distance !== 0);
  const isTime = !isZ && facts.every(({ ms }, i) => i === 0 || ms !== facts[i - 1].ms);
  if (!isTime) {
    const step = isZ ? evenStep(facts.map(({ distance }) => distance)) : undefined;
    const z = step === undefined ? undefined : spacingOf(Math.abs(step), size.x?.unit);
    return stack(held, undefined, spacingsOf({ ...size, z }));
  }
  const interval = evenStep(facts.map(({ time }) => time));
  const t = interval === undefined ? undefined : spacingOf(interval / 1000, 's');
  return { ...gridOf('t', { t: held }), spacing: spacingsOf({ ...size, t }), notes: [] };
}

/** The step of values that are constant or evenly increasing. */
function evenStep(values: readonly number[]): number | undefined {
  const steps = values.slice(1).map((value, i) => value - values[i]);
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
  if (steps.every((step) => step === 0)) return values[0];
  return steps.every((step) => Math.abs(step - mean) <= 0.01 * Math.abs(mean)) ? mean : undefined;
}

async function pixelSize({ source }: TiffFile, first: Directory) {
  const list = first.location('UIC1Tag');
  const stated = new Map<number, number>();
  const offset = list?.offset ?? 0;
  const entries = Math.min(list?.count ?? 0, Math.floor((source.size - offset) / 8), MAX_ENTRIES);
  const view = viewOf(await source.read(offset, 8 * entries));
  for (let i = 0; i < entries; i++) stated.set(view.getUint32(8 * i, true), view.getUint32(8 * i + 4, true));
  const [x, y] = [stated.get(X_SIZE), stated.get(Y_SIZE)];
  if (stated.get(CALIBRATED) === 0 || x === undefined || y === undefined) return {};
  const textAt = stated.get(UNIT);
  const unit = textAt === undefined ? undefined : normaliseUnit(await text(source, textAt));
  const size = async (at: number) => spacingOf(fraction(viewOf(await source.read(at, 8)), 0), unit);
  return spacingsOf({ x: await size(x), y: await size(y) });
}

const fraction = (view: DataView, at: number): number => view.getUint32(at, true) / view.getUint32(at + 4, true);

/** A length-prefixed text. */
async function text(source: ByteSource, at: number): Promise<string> {
  const length = viewOf(await source.read(at, 4)).getUint32(0, true);
  const bytes = await source.read(at + 4, Math.min(length, MAX_TEXT_BYTES, source.size - at - 4));
  return strFromU8(bytes, true).replace(/\0.*$/s, '');
}
