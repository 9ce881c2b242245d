/** Micro-Manager's image stacks: the position of each page is in a map at the start of the file, after a summary. */
import { strFromU8 } from 'fflate';
import { normaliseUnit, spacingOf, spacingsOf } from '../../units.ts';
import { type Arrangement, type Described, firstOf, gridOfPlaces, stack } from './arrangement.ts';
import { type TiffFile, viewOf } from './directory.ts';

const INDEX_MARK = 54_773_648;
const MAP_MARK = 3_453_623;
const SUMMARY_MARK = 2_355_492;
const HEADER_BYTES = 40;
const ENTRY_BYTES = 20;

export async function micromanagerArrangement({
  tiff,
  directories,
  held,
}: Described): Promise<Arrangement | undefined> {
  if (!directories.some((one) => one.location('MicroManagerMetadata'))) return undefined;
  const map = await mapOf(tiff);
  if (map === undefined) return undefined;
  const { places, summary } = map;
  const page = json(strFromU8(directories[0].bytes('MicroManagerMetadata') ?? new Uint8Array(0)));
  const um = (value: unknown) => spacingOf(Number(value), 'µm');
  const pixel = um(page.PixelSizeUm ?? summary.PixelSize_um);
  const spacing = spacingsOf({
    x: pixel,
    y: pixel,
    z: um(Math.abs(Number(summary['z-step_um']))),
    t: spacingOf(Number(summary.Interval_ms) / 1000, normaliseUnit('s')),
  });
  const listed = directories.map(({ offset }, i) => ({ i, place: places.get(offset) }));
  const known = listed.flatMap(({ i, place }) => (place === undefined ? [] : [{ i, ...place }]));
  if (known.length < held)
    return stack(held, 'Its map of pages is damaged (Micro-Manager): its pages are read as slices.', spacing);
  const positions = [...new Set(known.map(({ position }) => position))];
  const ofFirst = known.filter(({ position }) => position === positions[0]);
  // A recording may have been stopped in the middle of a time point.
  const planes = (time: number) => ofFirst.filter(({ t }) => t === time).length;
  const most = Math.max(...ofFirst.map(({ t }) => planes(t)));
  const first = ofFirst.filter(({ t }) => planes(t) === most);
  const grid = gridOfPlaces(first);
  if (grid === undefined)
    return stack(held, 'Planes are missing (Micro-Manager): the pages are read as slices.', spacing);
  const notes = positions.length > 1 ? [firstOf(positions.length, 'positions of Micro-Manager')] : [];
  if (first.length < ofFirst.length) notes.push('Time points with missing planes are ignored.');
  const names = Array.isArray(summary.ChNames) ? summary.ChNames.map(String) : [];
  return {
    ...grid,
    pages: first.map(({ i }) => i),
    spacing,
    channels: names.length === 0 ? undefined : grid.kept('c').map((c) => names[c] ?? `channel ${c}`),
    notes,
  };
}

/** The position of each directory by its offset in the file, and the summary; undefined if there is no such map. */
async function mapOf({ source, littleEndian }: TiffFile) {
  const { size } = source;
  if (size < HEADER_BYTES) return undefined;
  const words = async (offset: number, count: number): Promise<readonly number[]> => {
    const view = viewOf(await source.read(offset, 4 * count));
    return Array.from({ length: count }, (_, i) => view.getUint32(4 * i, littleEndian));
  };
  const header = await words(0, HEADER_BYTES / 4);
  const [mark, at, summaryMark, summaryBytes] = [2, 3, 8, 9].map((i) => header[i]);
  if (mark !== INDEX_MARK || summaryMark !== SUMMARY_MARK || at + 8 > size) return undefined;
  const [mapMark, count] = await words(at, 2);
  if (mapMark !== MAP_MARK) return undefined;
  const entries = Math.min(count, Math.floor((size - at - 8) / ENTRY_BYTES));
  const all = await words(at + 8, (entries * ENTRY_BYTES) / 4);
  const places = new Map<number, { c: number; z: number; t: number; position: number }>();
  for (let i = 0; i < all.length; i += ENTRY_BYTES / 4) {
    const [c, z, t, position, offset] = all.slice(i, i + 5);
    places.set(offset, { c, z, t, position });
  }
  const text = await source.read(HEADER_BYTES, Math.min(summaryBytes, size - HEADER_BYTES));
  return { places, summary: json(strFromU8(text)) };
}

function json(text: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
