/** Micro-Manager's image stacks: the position of each page is in a map at the start of the file, after a summary. */
import { strFromU8 } from 'fflate';
import { normaliseUnit, spacingOf, spacingsOf } from '../../units.ts';
import { type Arrangement, type Described, firstOf, gridOfPlaces, stack } from './arrangement.ts';
import type { TiffFile } from './directory.ts';

const INDEX_MARK = 54_773_648;
const MAP_MARK = 3_453_623;
const SUMMARY_MARK = 2_355_492;

export function micromanagerArrangement({ source, directories, held }: Described): Arrangement | undefined {
  const places = placesOf(source);
  if (places === undefined || !directories.some((one) => one.location('MicroManagerMetadata'))) return undefined;
  const summary = json(strFromU8(source.bytes.subarray(40, 40 + word(source, 36))));
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

const word = ({ view, littleEndian }: TiffFile, at: number) => view.getUint32(at, littleEndian);

/** The position of each directory by its offset in the file; undefined if there is no such map. */
function placesOf(source: TiffFile) {
  const { bytes } = source;
  if (bytes.length < 40 || word(source, 8) !== INDEX_MARK || word(source, 32) !== SUMMARY_MARK) return undefined;
  const map = word(source, 12);
  if (map + 8 > bytes.length || word(source, map) !== MAP_MARK) return undefined;
  const places = new Map<number, { c: number; z: number; t: number; position: number }>();
  for (let i = 0, at = map + 8; i < word(source, map + 4) && at + 20 <= bytes.length; i++, at += 20) {
    const [c, z, t, position, offset] = [0, 4, 8, 12, 16].map((step) => word(source, at + step));
    places.set(offset, { c, z, t, position });
  }
  return places;
}

function json(text: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
