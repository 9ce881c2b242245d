/** The metadata of OME-Zarr (NGFF 0.4 and 0.5): what the arrays of a group are. */

import { FormatError, option } from '../../../errors.ts';
import { joinPath } from '../../../files.ts';
import { type Image, labelKindOf, type Spacing, type Spacings } from '../../image.ts';
import { normaliseUnit, spacingOf } from '../../units.ts';
import { type Json, objects, ownAttributes, readNode, type ZarrNode } from './metadata.ts';
import type { ZarrStore } from './store.ts';

/** An axis of an array: one of the product's, and its unit. */
export interface OmeAxis {
  readonly letter: 't' | 'c' | 'z' | 'y' | 'x';
  readonly unit: string | undefined;
}

export interface OmeLevel {
  /** The path of its array within the store. */
  readonly path: string;
  /** The step between pixels along each axis, in the axis' unit. */
  readonly scale: readonly number[];
  /** The centre of the first pixel along each axis, in the axis' unit. */
  readonly translation: readonly number[];
}

/** An image as its group describes it. */
export interface OmeImage {
  readonly version: string;
  /** In the order of the arrays. */
  readonly axes: readonly OmeAxis[];
  /** The full resolution first. */
  readonly levels: readonly OmeLevel[];
  readonly channels: readonly string[] | undefined;
  /** Whether it is labels of another image. */
  readonly isLabel: boolean;
  /** What Lamella wrote beside. */
  readonly labelKind: Image['labelKind'];
  readonly valueUnit: string | undefined;
  readonly notes: readonly string[];
}

/** What a group says of OME-Zarr: 0.5 has it under a key of its own. */
export function omeOf({ attributes }: ZarrNode): Json {
  const { ome } = attributes;
  return typeof ome === 'object' && ome !== null ? (ome as Json) : attributes;
}

export const isImage = (node: ZarrNode): boolean => objects(omeOf(node).multiscales).length > 0;

/** Up to 0.5; what comes next changes how places are described. */
const VERSIONS = /^0\.[1-5](\D|$)/;

/**
 * The image of a group.
 * @throws FormatError if there is none, or its metadata contradict themselves
 */
export function parseImage(node: ZarrNode, store: ZarrStore): OmeImage {
  const file = joinPath(store.name, node.path);
  const ome = omeOf(node);
  const own = ownAttributes(node.attributes);
  const [image, ...others] = objects(ome.multiscales);
  const wrong = (problem: string): FormatError =>
    new FormatError(problem, { file, remedy: 'Write the store again, for instance with ome-zarr-py.' });
  if (image === undefined && node.array !== undefined) {
    throw new FormatError('this is one array of a Zarr store.', {
      file,
      remedy: `Use the folder of its image, which has the metadata of OME-Zarr, with ${option('level')}.`,
    });
  }
  if (own.unfinished === true) {
    throw new FormatError('this OME-Zarr store was not written to its end.', { file, remedy: 'Write it again.' });
  }
  if (image === undefined) {
    throw new FormatError('this Zarr store has no image: its metadata are not those of OME-Zarr.', {
      file,
      remedy: 'Write it with ome-zarr-py, or save its image as OME-TIFF.',
      facts: { code: 'unsupported-format', what: 'a Zarr store without the metadata of OME-Zarr' },
    });
  }
  const version = String(ome.version ?? image.version ?? (node.format === 3 ? '0.5' : '0.4'));
  if (!VERSIONS.test(version)) {
    const what = `OME-Zarr ${version}`;
    throw new FormatError(`this is ${what}, which is not supported.`, {
      file,
      remedy: 'Write it as OME-Zarr 0.4 or 0.5.',
      facts: { code: 'unsupported-format', what },
    });
  }
  const axes = axesOf(image.axes, wrong);
  const datasets = objects(image.datasets);
  if (datasets.length === 0) throw wrong('the image lists no array.');
  const common = transform(image.coordinateTransformations, axes.length, wrong);
  const levels = datasets.map(({ path, coordinateTransformations }): OmeLevel => {
    if (typeof path !== 'string' || path.split('/').includes('..')) throw wrong('an array of the image has no path.');
    const own = transform(coordinateTransformations, axes.length, wrong);
    return {
      path: node.path === '' ? path : `${node.path}/${path}`,
      scale: own.scale.map((step, i) => step * common.scale[i]),
      translation: own.translation.map((at, i) => at * common.scale[i] + common.translation[i]),
    };
  });
  const unitless = axes.filter(
    ({ letter, unit }, i) => 'zyx'.includes(letter) && unit === undefined && levels[0].scale[i] !== 1,
  );
  return {
    version,
    axes,
    levels,
    channels: channelNames(ome),
    isLabel: ome['image-label'] !== undefined,
    labelKind: labelKindOf(String(own.labelKind)),
    valueUnit: typeof own.valueUnit === 'string' ? own.valueUnit : undefined,
    notes: [
      ...(others.length > 0 ? [`It has ${others.length + 1} pyramids; only the first is read.`] : []),
      ...(unitless.length > 0
        ? [`Its pixel size along ${unitless.map(({ letter }) => letter).join(', ')} has no unit, and is ignored.`]
        : []),
    ],
  };
}

function axesOf(given: unknown, wrong: (problem: string) => FormatError): readonly OmeAxis[] {
  // Up to 0.2 an image has these five axes; 0.3 has their names only.
  const listed: readonly unknown[] = given === undefined ? [...'tczyx'] : Array.isArray(given) ? given : [];
  const axes = listed.map((axis): OmeAxis => {
    const { name, type, unit }: Json = typeof axis === 'string' ? { name: axis } : ((axis ?? {}) as Json);
    const letter = { channel: 'c', time: 't' }[String(type)] ?? String(name).toLowerCase();
    if (!/^[tczyx]$/.test(letter)) throw wrong(`the axis ${JSON.stringify(name)} is not t, c, z, y or x.`);
    return { letter: letter as OmeAxis['letter'], unit: typeof unit === 'string' ? normaliseUnit(unit) : undefined };
  });
  const letters = axes.map(({ letter }) => letter).join('');
  if (new Set(letters).size === axes.length && letters.includes('y') && letters.includes('x')) return axes;
  throw wrong(`the axes are "${letters}", where y and x are expected, and no axis twice.`);
}

/** The product of the scales of a list of transformations, and the translation after them. */
function transform(
  given: unknown,
  rank: number,
  wrong: (problem: string) => FormatError,
): Pick<OmeLevel, 'scale' | 'translation'> {
  let scale: readonly number[] = new Array<number>(rank).fill(1);
  let translation: readonly number[] = new Array<number>(rank).fill(0);
  for (const one of objects(given)) {
    if (one.type === 'identity') continue;
    const values = one.type === 'scale' || one.type === 'translation' ? one[one.type] : undefined;
    const fits = Array.isArray(values) && values.length === rank && values.every((value) => Number.isFinite(value));
    if (!fits) throw wrong(`the transformation ${JSON.stringify(one)} does not fit to ${rank} axes.`);
    if (one.type === 'scale') {
      if (!values.every((step) => step > 0)) throw wrong(`the scale ${JSON.stringify(values)} is not above 0.`);
      scale = scale.map((step, i) => step * values[i]);
      translation = translation.map((at, i) => at * values[i]);
    } else translation = translation.map((at, i) => at + values[i]);
  }
  return { scale, translation };
}

/** The names of the channels, if each has one. */
function channelNames({ omero }: Json): readonly string[] | undefined {
  const labels = objects((omero as Json | undefined)?.channels).map(({ label }) => label);
  const named = labels.length > 0 && labels.every((label) => typeof label === 'string' && label !== '');
  return named ? (labels as readonly string[]) : undefined;
}

/** The spacing of the axes whose unit is known. */
export function spacingsOf(axes: readonly OmeAxis[], { scale }: OmeLevel): Spacings {
  const known = axes.flatMap(({ letter, unit }, i): (readonly [string, Spacing])[] => {
    const spacing = letter === 'c' ? undefined : spacingOf(scale[i], unit);
    return spacing === undefined ? [] : [[letter, spacing]];
  });
  return Object.fromEntries(known);
}

/** An image of a store, by the path of its group: '' for the store itself. */
export interface StoredImage {
  readonly path: string;
  readonly description: string;
}

/** The most images of a store that are looked for by number. */
const MOST_SERIES = 10_000;

/**
 * The images of a store: the one of its root with the labels below it, or those of a collection or of a plate.
 * @throws FormatError if it has none
 */
export async function listImages(store: ZarrStore): Promise<readonly StoredImage[]> {
  const root = await readNode(store, '');
  if (root === undefined) throw new FormatError('there is no Zarr store here.', { file: store.name });
  const found: StoredImage[] = [];
  const add = async (path: string, known?: ZarrNode): Promise<boolean> => {
    const node = known ?? (await readNode(store, path));
    if (node === undefined || !isImage(node)) return false;
    const { version, levels } = parseImage(node, store);
    const count = levels.length === 1 ? '1 level' : `${levels.length} levels`;
    found.push({ path, description: `OME-Zarr ${version}, ${count}` });
    const labels = await readNode(store, joinPath(path, 'labels'));
    const names = labels === undefined ? [] : omeOf(labels).labels;
    for (const name of Array.isArray(names) ? names : []) await add(joinPath(path, 'labels', String(name)));
    return true;
  };
  const ome = omeOf(root);
  const { plate } = ome as { readonly plate?: Json };
  if (await add('', root)) return found;
  if (plate !== undefined) {
    for (const { path: well } of objects(plate.wells)) {
      const node = await readNode(store, String(well));
      const { well: content } = (node === undefined ? {} : omeOf(node)) as { readonly well?: Json };
      for (const { path } of objects(content?.images)) await add(`${well}/${path}`);
    }
  } else if (Array.isArray(ome.labels)) {
    for (const name of ome.labels) await add(String(name));
  } else if (ome['bioformats2raw.layout'] !== undefined) {
    const listed = await readNode(store, 'OME');
    const names = listed === undefined ? undefined : omeOf(listed).series;
    if (Array.isArray(names)) for (const name of names) await add(String(name));
    else for (let i = 0; i < MOST_SERIES && (await add(String(i))); i++);
  }
  // Says why there is none.
  if (found.length === 0) parseImage(root, store);
  return found;
}
