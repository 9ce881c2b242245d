/** Annotations of CVAT in its own XML ("CVAT for images 1.1"). */

import { FormatError } from '../../errors.ts';
import { boundsOfLines, type Size } from '../../objects/fill-polygon.ts';
import { eachRun, fillTraced, LARGEST_COORDINATE } from './coco-fill.ts';
import type { DrawnShapes, Shape } from './shape.ts';

type Attributes = ReadonlyMap<string, string>;

/** An image with what was drawn on it, in the order from back to front. */
interface CvatImage {
  readonly size: Size;
  readonly drawn: readonly { readonly kind: string; readonly attributes: Attributes }[];
}

/** What encloses no area, or not the object's own. */
const OTHERS: readonly string[] = ['box', 'polyline', 'points', 'cuboid', 'ellipse', 'skeleton'];

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/**
 * The images by name, with `/` between folders.
 * @returns undefined for other XML
 * @throws FormatError for a file that is cut off
 */
export function parseCvat(text: string, file: string): ReadonlyMap<string, CvatImage> | undefined {
  if (!/^\uFEFF?\s*(<\?xml[^>]*\?>\s*)?<annotations>/.test(text)) return undefined;
  if (!/<\/annotations>\s*$/.test(text)) {
    throw new FormatError('the XML is truncated.', { file, remedy: 'Copy the file again, or export it again.' });
  }
  const images = new Map<string, CvatImage>();
  for (const [, head = '', body = ''] of text.matchAll(/<image\s([^>]*?)(?:\/>|>(.*?)<\/image>)/gs)) {
    const attributes = attributesOf(head);
    const name = (attributes.get('name') ?? '').replaceAll('\\', '/');
    const size = [Number(attributes.get('height')), Number(attributes.get('width'))] as const;
    if (name === '' || !size.every((length) => length > 0)) {
      throw new FormatError('an image has no name or size.', { file, remedy: 'Export it again.' });
    }
    const drawn = [...body.matchAll(/<(\w+)\s([^>]*)>/g)]
      .map(([, kind = '', own = '']) => ({ kind, attributes: attributesOf(own) }))
      .filter(({ kind }) => kind === 'polygon' || kind === 'mask' || OTHERS.includes(kind));
    const depth = ({ attributes: own }: (typeof drawn)[number]): number => Number(own.get('z_order') ?? 0);
    images.set(name, { size, drawn: drawn.sort((a, b) => depth(a) - depth(b)) });
  }
  return images;
}

function attributesOf(text: string): Attributes {
  const plain = (value: string): string =>
    value.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (all, hex?: string, decimal?: string, name?: string) =>
      name === undefined
        ? String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))
        : (ENTITIES[name] ?? all),
    );
  return new Map(
    [...text.matchAll(/([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(([, name = '', double, single]) => [
      name,
      plain(double ?? single ?? ''),
    ]),
  );
}

/**
 * The shapes of one image, polygons with the pixels that CVAT's masks have of them, which are those of pycocotools.
 * @throws FormatError, naming the shape, for what encloses no area, and for damaged points and masks
 */
export function shapesOfCvat({ size, drawn }: CvatImage, image: string, file: string): DrawnShapes {
  const shapes = drawn.map(({ kind, attributes }, i): Shape => {
    const label = attributes.get('label') ?? '';
    const which = `the ${kind} ${i + 1} ("${label}") of "${image}"`;
    const fail = (problem: string): FormatError =>
      new FormatError(`${which} ${problem}.`, { file, remedy: 'Delete it, or draw the area as a polygon or a mask.' });
    if (OTHERS.includes(kind)) throw fail('is no outline of an area');
    if (label === '') throw fail('has no label');
    const outline = kind === 'mask' ? maskOf(attributes, size, fail) : polygonOf(attributes, fail);
    return { name: `${kind} ${i + 1}`, className: label, place: {}, ...outline };
  });
  return { shapes, drawnOn: size };
}

type Outline = Pick<Shape, 'bounds' | 'fill'>;
type Fail = (problem: string) => FormatError;

function polygonOf(attributes: Attributes, fail: Fail): Outline {
  const points = (attributes.get('points') ?? '').split(';').map((point) => point.split(',').map(Number));
  const isPoint = (point: readonly number[]): boolean =>
    point.length === 2 && point.every((value) => Math.abs(value) <= LARGEST_COORDINATE);
  if (points.length < 3 || !points.every(isPoint)) throw fail('is no list of at least three points');
  const line = points.flat();
  return { bounds: boundsOfLines([line]), fill: (on, found) => fillTraced([line], on, found) };
}

/** Run lengths of a box, row by row, background first. */
function maskOf(attributes: Attributes, [imageHeight, imageWidth]: Size, fail: Fail): Outline {
  const [left, top, width, height] = ['left', 'top', 'width', 'height'].map((name) => Number(attributes.get(name)));
  const counts = (attributes.get('rle') ?? '').split(',').map(Number);
  const isLength = (value: number | undefined): value is number =>
    Number.isSafeInteger(value) && (value as number) >= 0;
  if (!isLength(left) || !isLength(top) || !isLength(width) || !isLength(height) || !counts.every(isLength)) {
    throw fail('has damaged run lengths');
  }
  if (left + width > imageWidth || top + height > imageHeight) throw fail('is outside its image');
  const total = counts.reduce((sum, count) => sum + count, 0);
  // CVAT leaves out the background after the last run.
  if (total > width * height || width === 0)
    throw fail(`has run lengths of ${total} pixels, not of ${width} x ${height}`);
  return {
    bounds: [left, top, left + width, top + height],
    fill: (_, found) => eachRun(counts, width, (row, from, to) => found(top + row, left + from, left + to)),
  };
}
