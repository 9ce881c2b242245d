import { strFromU8 } from 'fflate';
import { type Image, labelKindOf, type Spacings } from '../../image.ts';
import { isPrintDensity, normaliseUnit, spacingOf } from '../../units.ts';
import type { Directory } from './directory.ts';
import { parseOme } from './ome.ts';

/** What the pages of a file are. Page i stands at `place(i)` of an array of `t` x `c` x `z` pages. */
export interface Arrangement {
  readonly t: number;
  readonly c: number;
  readonly z: number;
  place(page: number): { readonly t: number; readonly c: number; readonly z: number };
  readonly spacing: Spacings;
  readonly channels?: readonly string[];
  readonly notes: readonly string[];
  readonly labelKind?: Image['labelKind'];
  /** The file is ImageJ's: palettes are look-up tables for the screen. */
  readonly imagej: boolean;
}

/** Pages as the file's own description states them; a stack along z when it states nothing. */
export function arrangementOf(first: Directory, pages: number, samples: number): Arrangement {
  const description = descriptionOf(first);
  if (description.startsWith('ImageJ=')) return imagejArrangement(description, first, pages);
  if (/<OME[\s>]/.test(description.slice(0, 4000)) || /<\/(\w+:)?OME>\s*$/.test(description)) {
    const ome = parseOme(description, pages, samples);
    return { ...ome, spacing: { ...resolutionSpacing(first), ...ome.spacing }, imagej: false };
  }
  return plainArrangement(pages, { spacing: resolutionSpacing(first), notes: [], imagej: false });
}

/** How many pages an ImageJ file holds: it lists only the first of a stack that is larger than 4 GiB. */
export function imagejPages(first: Directory): number {
  const description = descriptionOf(first);
  return description.startsWith('ImageJ=') ? count(properties(description).get('images')) : 1;
}

function descriptionOf(directory: Directory): string {
  const bytes = directory.bytes('ImageDescription');
  if (bytes === undefined) return '';
  // UTF-8, as OME has it; else Latin 1, as ImageJ has it.
  const text = strFromU8(bytes);
  return text.includes('�') ? strFromU8(bytes, true) : text;
}

function plainArrangement(pages: number, rest: Pick<Arrangement, 'spacing' | 'notes' | 'imagej'>): Arrangement {
  return { t: 1, c: 1, z: pages, place: (page) => ({ t: 0, c: 0, z: page }), ...rest };
}

/** ImageJ's description: a line a property; pages in the order channel, slice, frame, channel fastest. */
function imagejArrangement(description: string, first: Directory, pages: number): Arrangement {
  const property = properties(description);
  const c = count(property.get('channels'));
  const t = count(property.get('frames'));
  // A plain stack states neither; `slices` may be missing with `images` alone.
  const z = property.has('slices') || c * t > 1 ? count(property.get('slices')) : pages;

  const unit = normaliseUnit(property.get('unit') ?? '');
  const unitOf = (axis: string) => normaliseUnit(property.get(`${axis}unit`) ?? property.get('unit') ?? '') ?? unit;
  const spacing = spacings({
    x: spacingOf(first.inverse('XResolution') ?? 0, unit),
    y: spacingOf(first.inverse('YResolution') ?? 0, unitOf('y')),
    z: spacingOf(Number(property.get('spacing')), unitOf('z')),
    t: spacingOf(Number(property.get('finterval')), normaliseUnit(property.get('tunit') ?? 's')),
  });
  if (c * z * t !== pages) {
    const note = `The ImageJ description states ${c} channels x ${z} slices x ${t} frames, the file holds ${pages} pages: taken as slices.`;
    return plainArrangement(pages, { spacing, notes: [note], imagej: true });
  }
  const names = channelNames(property.get('channel_names'), c);
  return {
    t,
    c,
    z,
    place: (page) => ({ c: page % c, z: Math.floor(page / c) % z, t: Math.floor(page / (c * z)) }),
    spacing,
    channels: names,
    labelKind: labelKindOf(property.get('label_kind')),
    notes: [],
    imagej: true,
  };
}

function properties(description: string): Map<string, string> {
  return new Map(
    description.split('\n').flatMap((line) => {
      const at = line.indexOf('=');
      return at < 0 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()] as const];
    }),
  );
}

function count(text: string | undefined): number {
  const value = Number(text ?? 1);
  return Number.isInteger(value) && value > 0 ? value : 1;
}

/** Our own line in ImageJ's description, a JSON list of names; ImageJ passes over it. */
function channelNames(json: string | undefined, c: number): readonly string[] | undefined {
  if (json === undefined) return undefined;
  try {
    const names: unknown = JSON.parse(json);
    return Array.isArray(names) && names.length === c ? names.map(String) : undefined;
  } catch {
    return undefined;
  }
}

/** Pixel size from the resolution tags, in micrometres, unless it is a density of print. */
function resolutionSpacing(first: Directory): Spacings {
  // 2 inch (also the default), 3 centimetre; 1 states a ratio only.
  const unit = first.first('ResolutionUnit') ?? 2;
  const x = first.inverse('XResolution');
  const y = first.inverse('YResolution');
  if (x === undefined || y === undefined || (unit !== 2 && unit !== 3)) return {};
  const um = unit === 2 ? 25_400 : 10_000;
  if (isPrintDensity(25_400 / (um * x))) return {};
  return spacings({ x: spacingOf(um * x, 'µm'), y: spacingOf(um * y, 'µm') });
}

/** Leaves out the axes that have none. */
function spacings(of: { readonly [axis in keyof Spacings]: Spacings[axis] | undefined }): Spacings {
  return Object.fromEntries(Object.entries(of).filter(([, spacing]) => spacing !== undefined));
}
