import type { Spacings } from '../../image.ts';
import { normaliseUnit, spacingOf } from '../../units.ts';
import type { Arrangement } from './metadata.ts';

/** One element's attributes. OME's header is flat enough for this; element text is not needed. */
type Attributes = ReadonlyMap<string, string>;

interface Place {
  readonly z: number;
  readonly c: number;
  readonly t: number;
}

/**
 * Reads from OME-XML how `pages` pages of `samples` samples are arranged, the pixel size and the channels' names.
 * Where it describes other planes than the file holds (a set of several files), the pages are taken as slices.
 * Source: OME schema 2016-06, elements Pixels, Channel, TiffData.
 */
export function parseOme(xml: string, pages: number, samples: number): Omit<Arrangement, 'imagej'> {
  const stack = (note: string, spacing: Spacings = {}): Omit<Arrangement, 'imagej'> => ({
    t: 1,
    c: 1,
    z: pages,
    place: (page) => ({ t: 0, c: 0, z: page }),
    spacing,
    notes: [note],
  });
  const allPixels = elements(xml, 'Pixels');
  const pixels = allPixels[0];
  if (pixels === undefined) return stack('The OME description has no Pixels element: pages taken as slices.');
  const size = (axis: string) => Math.max(1, Math.trunc(Number(pixels.get(`Size${axis}`) ?? 1)) || 1);
  const spacing = omeSpacing(pixels);
  const firstImage = xml.slice(0, xml.search(/<\/(\w+:)?Pixels>/) + 1 || undefined);
  const channels = elements(firstImage, 'Channel');
  const names = channels.map((channel, i) => channel.get('Name') || `channel ${i}`);
  const z = size('Z');
  const t = size('T');
  // SizeC counts the samples of a pixel as channels too.
  const c = Math.max(1, Math.round(size('C') / samples));
  if (allPixels.length > 1)
    return stack(`The OME description has ${allPixels.length} images: pages taken as slices.`, spacing);
  if (z * t * c !== pages) {
    return stack(
      `The OME description has ${c} x ${z} x ${t} planes, this file ${pages}: pages taken as slices.`,
      spacing,
    );
  }
  const stated = (pixels.get('DimensionOrder') ?? 'XYZCT').slice(2).toLowerCase();
  const order = [...stated].filter((axis): axis is 'z' | 'c' | 't' => axis === 'z' || axis === 'c' || axis === 't');
  if (new Set(order).size !== 3 || order.length !== 3) {
    return stack(`The OME description has the dimension order "${stated}": pages taken as slices.`, spacing);
  }
  const sizes = { z, c, t };
  /** The place `steps` planes after `from`, counting in the stated order. */
  const inOrder = (steps: number, from: Place = { z: 0, c: 0, t: 0 }): Place => {
    let plane = steps;
    let stride = 1;
    for (const axis of order) {
      plane += stride * from[axis];
      stride *= sizes[axis];
    }
    const place = { z: 0, c: 0, t: 0 };
    for (const axis of order) {
      place[axis] = plane % sizes[axis];
      plane = Math.floor(plane / sizes[axis]);
    }
    return place;
  };
  const places = tiffDataPlaces(elements(firstImage, 'TiffData'), pages, samples, inOrder);
  return {
    t,
    c,
    z,
    place: (page) => places?.[page] ?? inOrder(page),
    spacing,
    ...(names.length === c * samples || names.length === c ? { channels: names } : {}),
    notes: [],
  };
}

/** Where TiffData elements put each page; undefined where they say nothing or contradict themselves. */
function tiffDataPlaces(
  blocks: readonly Attributes[],
  pages: number,
  samples: number,
  inOrder: (steps: number, from: Place) => Place,
): readonly Place[] | undefined {
  if (!blocks.some((block) => block.has('IFD'))) return undefined;
  const places: Place[] = [];
  const number = (block: Attributes, name: string) => Math.trunc(Number(block.get(name) ?? 0)) || 0;
  for (const block of blocks) {
    const ifd = number(block, 'IFD');
    const planes = block.has('PlaneCount') ? number(block, 'PlaneCount') : block.has('IFD') ? 1 : pages;
    const from = {
      z: number(block, 'FirstZ'),
      c: Math.floor(number(block, 'FirstC') / samples),
      t: number(block, 'FirstT'),
    };
    for (let i = 0; i < planes && ifd + i < pages; i++) places[ifd + i] = inOrder(i, from);
  }
  const taken = new Set(Array.from(places, (place) => place && `${place.t},${place.c},${place.z}`));
  return places.length === pages && taken.size === pages && !taken.has(undefined as never) ? places : undefined;
}

function omeSpacing(pixels: Attributes): Spacings {
  const spacing: { -readonly [axis in keyof Spacings]: Spacings[axis] } = {};
  for (const axis of ['x', 'y', 'z'] as const) {
    const name = `PhysicalSize${axis.toUpperCase()}`;
    const value = spacingOf(Number(pixels.get(name)), normaliseUnit(pixels.get(`${name}Unit`) ?? 'µm'));
    if (value !== undefined) spacing[axis] = value;
  }
  const interval = spacingOf(
    Number(pixels.get('TimeIncrement')),
    normaliseUnit(pixels.get('TimeIncrementUnit') ?? 's'),
  );
  if (interval !== undefined) spacing.t = interval;
  return spacing;
}

/** The attributes of every element of a name, with or without a namespace prefix, comments left out. */
function elements(xml: string, name: string): readonly Attributes[] {
  const text = xml.replace(/<!--[\s\S]*?-->/g, '');
  const out: Attributes[] = [];
  for (const [, inside] of text.matchAll(new RegExp(`<(?:\\w+:)?${name}(\\s[^<>]*?)?/?>`, 'g'))) {
    const attributes = new Map<string, string>();
    for (const [, key, double, single] of (inside ?? '').matchAll(/([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
      attributes.set(key, unescapeXml(double ?? single ?? ''));
    }
    out.push(attributes);
  }
  return out;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex, decimal, name) => {
    if (hex !== undefined || decimal !== undefined) {
      const code = Number.parseInt(hex ?? decimal, hex === undefined ? 10 : 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : all;
    }
    return ENTITIES[name] ?? all;
  });
}
