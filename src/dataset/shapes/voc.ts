/**
 * Masks in the colours of classes, as Pascal VOC has them and CVAT exports them ("Segmentation mask 1.1"): `labelmap.txt`,
 * `SegmentationClass`, and `SegmentationObject`, in which each object has a colour of its own.
 */

import { FormatError } from '../../errors.ts';
import { type Image, sizes } from '../../image/image.ts';
import type { DrawnShapes, Shape } from './shape.ts';

/** A class of `labelmap.txt`, in its order. */
interface MaskClass {
  readonly name: string;
  /** 0xRRGGBB. */
  readonly colour: number;
}

/** VOC's colour, and number, of the rims of objects, which are of no class. */
const VOID = { colour: 0xe0e0c0, value: 255 };

/**
 * Lines `name:red,green,blue:parts:actions`.
 * @throws FormatError for other lines, and for two classes of one colour or name
 */
export function parseLabelMap(text: string, file: string): readonly MaskClass[] {
  const fail = (problem: string): FormatError =>
    new FormatError(`${problem}.`, { file, remedy: 'Export it again, or correct it: name:red,green,blue::' });
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const classes = lines.map((line): MaskClass => {
    const [, name, ...levels] = /^(.+?):(\d+),(\d+),(\d+)(?::|$)/.exec(line) ?? [];
    const [red, green, blue] = levels.map(Number) as [number, number, number];
    if (name === undefined || Math.max(red, green, blue) > 255) throw fail(`"${line}" is no class with its colour`);
    return { name, colour: (red << 16) | (green << 8) | blue };
  });
  for (const [i, { name, colour }] of classes.entries()) {
    const other = classes.slice(0, i).find((one) => one.name === name || one.colour === colour);
    if (other !== undefined) throw fail(`"${other.name}" and "${name}" have one name or colour`);
  }
  return classes;
}

/**
 * An object per colour of `objects`; without it one shape per class, of objects that are not told apart. Grey masks have
 * the number of a class, from 0, in place of its colour.
 * @throws FormatError for a colour that `labelmap.txt` does not have, and masks that disagree
 */
export function shapesOfMasks(
  classMask: Image,
  objectMask: Image | undefined,
  labelMap: readonly MaskClass[],
): DrawnShapes {
  const file = classMask.source ?? 'mask';
  const { height, width } = sizes(classMask);
  const fail = (problem: string): FormatError =>
    new FormatError(`${problem}.`, { file, remedy: 'Export the masks again, with their labelmap.txt.' });
  const classes = coloursOf(classMask, fail);
  const objects = objectMask === undefined ? undefined : coloursOf(objectMask, fail);
  if (objects !== undefined && objects.length !== classes.length)
    throw fail('it has another size than SegmentationObject');
  const isGrey = sizes(classMask).channels === 1;
  const known = new Map(labelMap.map((one, i) => [isGrey ? i : one.colour, one]));
  const void_ = isGrey ? VOID.value : VOID.colour;
  const found = new Map<string, { readonly of: MaskClass; readonly isGroup: boolean; readonly runs: number[] }>();
  for (let p = 0; p < classes.length; ) {
    const [colour, object] = [classes[p] as number, objects?.[p] ?? 0];
    const row = Math.floor(p / width) * width;
    const from = p;
    while (p < row + width && classes[p] === colour && (objects?.[p] ?? 0) === object) p++;
    const of = known.get(colour) ?? (colour === void_ ? { name: 'Ignore*', colour } : undefined);
    if (of === undefined ? colour === 0 : isBackground(of)) {
      if (object !== 0)
        throw fail(`SegmentationObject has an object at x ${from - row}, y ${row / width}, this mask none`);
      continue;
    }
    if (of === undefined) throw fail(`it has the colour ${hex(colour)}, which labelmap.txt does not have`);
    const key = `${colour} ${object}`;
    const own = found.get(key) ?? { of, isGroup: object === 0, runs: [] };
    found.set(key, own);
    own.runs.push(row / width, from - row, p - row);
  }
  const shapes = [...found.values()].map(
    ({ of, isGroup, runs }): Shape => ({
      name: '',
      className: of.name,
      colour: of.colour,
      ...(isGroup && { isGroup: true }),
      place: {},
      bounds: [0, 0, width, height],
      fill: (_, run) => {
        for (let i = 0; i < runs.length; i += 3) run(runs[i] as number, runs[i + 1] as number, runs[i + 2] as number);
      },
    }),
  );
  return { shapes, drawnOn: [height, width] };
}

const isBackground = ({ name }: MaskClass): boolean => name.toLowerCase() === 'background';

/** The values of a grey mask, or its colours as 0xRRGGBB. */
function coloursOf({ data, axes, shape, ...image }: Image, fail: (problem: string) => FormatError): Uint32Array {
  const { channels, slices, times, height, width } = sizes({ axes, shape });
  const isMask = image.dtype === 'uint8' && image.lossy !== true && slices * times === 1;
  if (!isMask || (channels !== 1 && channels !== 3)) throw fail('it is no PNG of one page in grey or RGB of 8 bits');
  const plane = height * width;
  return Uint32Array.from({ length: plane }, (_, p) => {
    let colour = 0;
    for (let c = 0; c < channels; c++) colour = (colour << 8) | Number(data[c * plane + p]);
    return colour;
  });
}

const hex = (value: number): string => `#${value.toString(16).padStart(6, '0')}`;
