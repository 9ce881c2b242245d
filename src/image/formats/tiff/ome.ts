import { FormatError } from '../../../errors.ts';
import { labelKindOf, type Spacings } from '../../image.ts';
import { normaliseUnit, spacingOf, spacingsOf } from '../../units.ts';
import {
  type Arrangement,
  type Described,
  firstOf,
  gridOf,
  gridOfPlaces,
  type OrderedGrid,
  type Place,
  stack,
} from './arrangement.ts';

/** One element's attributes. OME's header is flat enough for this. */
type Attributes = ReadonlyMap<string, string>;

/**
 * The first image of OME-XML: the arrangement of its pages, the pixel size and the channel names. For a set of several
 * files, the part in this file. Source: OME schema 2016-06, elements Image, Pixels, Channel, TiffData, UUID.
 * @throws FormatError if the pages belong to a set and form no array on their own
 */
export function omeArrangement({ description, held, layout, file }: Described): Arrangement | undefined {
  if (!/<(\w+:)?OME[\s>]/.test(description.slice(0, 4000)) && !/<\/(\w+:)?OME>\s*$/.test(description)) return undefined;
  const xml = description.replace(/<!--[\s\S]*?-->/g, '');
  const { samples } = layout;
  const partOfSet = (what: string): never => {
    throw new FormatError(`${what}, which is not supported.`, {
      file,
      remedy: 'Open the whole set in Fiji with Bio-Formats and save it as one file.',
    });
  };
  const allPixels = elements(xml, 'Pixels');
  const pixels = allPixels[0];
  if (pixels === undefined) {
    if (held > 1 && elements(xml, 'BinaryOnly').length > 0)
      partOfSet('what its pages are stands in another file of its OME-TIFF set');
    return stack(
      held,
      held > 1 ? 'The OME description has no Pixels element: its pages are read as slices.' : undefined,
    );
  }
  const size = (axis: string) => Math.max(1, Math.trunc(Number(pixels.get(`Size${axis}`) ?? 1)) || 1);
  const spacing = omeSpacing(pixels);
  const firstImage = xml.slice(0, xml.search(/<\/(\w+:)?Pixels>/) + 1 || undefined);
  const allNames = elements(firstImage, 'Channel').map((channel, i) => channel.get('Name') || `channel ${i}`);
  // SizeC also counts the samples of a pixel as channels.
  const sizes = { z: size('Z'), t: size('T'), c: Math.max(1, Math.round(size('C') / samples)) };
  const planes = sizes.z * sizes.t * sizes.c;
  const order = (pixels.get('DimensionOrder') ?? 'XYZCT').slice(2).toLowerCase();
  if ([...order].sort().join('') !== 'ctz') {
    return stack(
      held,
      `The OME description has the dimension order "${order}": its pages are read as slices.`,
      spacing,
    );
  }
  const grid = gridOf([...order].reverse().join(''), sizes);
  const names = (kept: readonly number[]) =>
    allNames.length === sizes.c * samples && samples > 1
      ? kept.flatMap((c) => allNames.slice(c * samples, (c + 1) * samples))
      : allNames.length === sizes.c
        ? kept.map((c) => allNames[c])
        : undefined;
  const all = Array.from({ length: sizes.c }, (_, c) => c);
  const several = allPixels.length > 1;
  const labelKind = labelKindOf(/<Description>label_kind=(\w+)</.exec(firstImage)?.[1]);
  const notes = several ? [firstOf(allPixels.length, 'OME')] : [];

  const { stated, others } = tiffData(xml, firstImage, grid, samples, held, file);
  const used = stated && stated.size > 0 ? gridOfPlaces([...stated.values()]) : undefined;
  if (stated !== undefined && used !== undefined && (stated.size === planes || others)) {
    if (stated.size < planes) {
      const cut = used.z < sizes.z ? ` Objects and volumes end at its ${used.z} of ${sizes.z} slices.` : '';
      notes.push(`It is one file of an OME-TIFF set of ${planes} planes: only its own ${stated.size} are read.${cut}`);
    }
    return { ...used, pages: [...stated.keys()], spacing, channels: names(used.kept('c')), notes, labelKind };
  }
  if (others) partOfSet('its pages are some of those of an OME-TIFF set of several files');
  if (planes === held || (several && planes < held))
    return { ...grid, spacing, channels: names(all), notes, labelKind };
  if (several) partOfSet(`its OME description has ${allPixels.length} images that do not fit its ${held} pages`);
  return stack(
    held,
    `The OME description has ${sizes.c} x ${sizes.z} x ${sizes.t} planes, but this file contains ${held} pages: they are read as slices.`,
    spacing,
  );
}

/**
 * The positions that TiffData elements assign to the pages of this file, by their numbers; undefined if none names a
 * page or one is missing. `others`: planes of the image in other files.
 */
function tiffData(
  xml: string,
  firstImage: string,
  grid: OrderedGrid,
  samples: number,
  held: number,
  file: string,
): { readonly stated: ReadonlyMap<number, Place> | undefined; readonly others: boolean } {
  const own = /<(?:\w+:)?OME\s[^>]*?\bUUID\s*=\s*["']([^"']*)["']/.exec(xml)?.[1];
  const pattern = /<(?:\w+:)?TiffData(\s[^<>]*?)?(?:\/>|>([\s\S]*?)<\/(?:\w+:)?TiffData>)/g;
  const blocks = [...firstImage.matchAll(pattern)].map(([, inside, content]) => {
    const [, inUuid, uuid] = /<(?:\w+:)?UUID(\s[^>]*)?>\s*([^<\s]*)/.exec(content ?? '') ?? [];
    const name = attributesOf(inUuid ?? '').get('FileName');
    const isOwn =
      own === undefined
        ? name === undefined || /[^/\\]*$/.exec(file)?.[0] === name
        : uuid === undefined || uuid === own;
    return { attributes: attributesOf(inside ?? ''), isOwn };
  });
  const others = blocks.some(({ isOwn }) => !isOwn);
  if (!blocks.some(({ attributes }) => attributes.has('IFD'))) return { stated: undefined, others };
  const stated = new Map<number, Place>();
  const planes = grid.t * grid.c * grid.z;
  for (const { attributes } of blocks.filter(({ isOwn }) => isOwn)) {
    const number = (name: string) => Math.trunc(Number(attributes.get(name) ?? 0)) || 0;
    const count = attributes.has('PlaneCount') ? number('PlaneCount') : attributes.has('IFD') ? 1 : planes;
    const from = grid.index({ z: number('FirstZ'), c: Math.floor(number('FirstC') / samples), t: number('FirstT') });
    for (let i = 0; i < count; i++) {
      const page = number('IFD') + i;
      if (page >= held || from + i >= planes) return { stated: undefined, others };
      stated.set(page, grid.place(from + i));
    }
  }
  return { stated, others };
}

function omeSpacing(pixels: Attributes): Spacings {
  const of = (name: string, unit: string) =>
    spacingOf(Number(pixels.get(name)), normaliseUnit(pixels.get(`${name}Unit`) ?? unit));
  const [x, y, z] = ['X', 'Y', 'Z'].map((axis) => of(`PhysicalSize${axis}`, 'µm'));
  return spacingsOf({ x, y, z, t: of('TimeIncrement', 's') });
}

/** The attributes of every element of a name, with or without a namespace prefix. */
function elements(xml: string, name: string): readonly Attributes[] {
  return [...xml.matchAll(new RegExp(`<(?:\\w+:)?${name}(\\s[^<>]*?)?/?>`, 'g'))].map(([, inside]) =>
    attributesOf(inside ?? ''),
  );
}

function attributesOf(inside: string): Attributes {
  const found = inside.matchAll(/([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g);
  return new Map([...found].map(([, key, double, single]) => [key, unescapeXml(double ?? single ?? '')]));
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
