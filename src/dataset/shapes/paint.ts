/** From shapes to a label image. */

import { NOT_ANNOTATED } from '../../annotate/label-values.ts';
import { allocate } from '../../array/ndarray.ts';
import { counted, DatasetError } from '../../errors.ts';
import { type Image, sizes } from '../../image/image.ts';
import { sliceOfPlane } from '../../image/patient-plane.ts';
import type { Size } from '../../objects/fill-polygon.ts';
import type { DrawnShapes, Place, Shape } from './shape.ts';

type Kind = 'objects' | 'classes';

/** QuPath's conventions: a class whose name ends with an asterisk is no class of its own. */
const hidesClass = ({ className }: Shape): boolean => /^ignore\*$/i.test(className ?? '');
const isRegion = ({ className }: Shape): boolean => /^region\*$/i.test(className ?? '');
/** Whether a shape is of a class, or an object. */
export const isLabel = (shape: Shape): boolean => !hidesClass(shape) && !isRegion(shape);
/** Whether its pixels are not annotated: of several objects together it is not known which is which. */
export const isIgnored = (shape: Shape, kind: Kind): boolean =>
  hidesClass(shape) || (kind === 'objects' && shape.isGroup === true);

/** A label image is of the image's size, with its slices and time points. */
export interface PaintOptions {
  readonly kind: Kind;
  /** Names of the classes, from value 1 on; a shape without a class has the last value. */
  readonly classNames: readonly string[];
  /** File of the shapes, for messages. */
  readonly file: string;
  /** The size that the image has according to the file of the shapes. */
  readonly drawnOn?: Size | undefined;
  /** As `DrawnShapes` has it. */
  readonly unpainted?: DrawnShapes['unpainted'];
}

/**
 * The label image of shapes: 0 is background, objects are numbered (`numbersOf`), classes from 1. Within `Region*` areas
 * everything is annotated, and nothing outside of them; `Ignore*` areas are not annotated. A later shape covers an
 * earlier one. What was covered or cut off is noted.
 * @throws DatasetError for a shape outside its image or its slices, and for shapes of an image of another size
 */
export function paintShapes(
  given: readonly Shape[],
  image: Image,
  { kind, classNames, file, drawnOn, unpainted }: PaintOptions,
): Image<'uint8' | 'uint32'> {
  const { times: t, slices: z, height, width } = sizes(image);
  if (drawnOn !== undefined && (drawnOn[0] !== height || drawnOn[1] !== width)) {
    throw new DatasetError(
      `it is of an image of ${drawnOn[1]} x ${drawnOn[0]} pixels, which has ${width} x ${height}.`,
      {
        file,
        remedy: 'Use the image that was annotated, in its full size.',
      },
    );
  }
  const shapes = given.flatMap((shape) => shape.onGrid?.(image, file) ?? shape);
  const dtype = kind === 'objects' ? 'uint32' : 'uint8';
  const data = allocate(dtype, t * z * height * width);
  const skipped = NOT_ANNOTATED[kind];
  const isOwn = (shape: Shape): boolean => isLabel(shape) && !isIgnored(shape, kind);
  const numbers = numbersOf(shapes.filter(isOwn));
  const values = new Map(
    shapes.filter(isOwn).map((shape, i) => {
      const number = numbers[i] as number;
      const index = shape.className === undefined ? -1 : classNames.indexOf(shape.className);
      return [shape, kind === 'objects' ? number : index < 0 ? classNames.length + 1 : index + 1];
    }),
  );
  const said = { covered: 0, cut: 0, empty: 0, everywhere: 0 };
  const pagesOf = (shape: Shape): readonly number[] => pagesAt(shape, image, [t, z], file);
  const paint = (shape: Shape, value: number): number => {
    let pixels = 0;
    for (const page of pagesOf(shape)) {
      const start = page * height * width;
      shape.fill([height, width], (row, from, to) => {
        const [a, b] = [start + row * width + from, start + row * width + to];
        pixels += to - from;
        if (value !== skipped && value !== 0) for (let p = a; p < b; p++) if (isOther(data[p], value)) said.covered++;
        data.fill(value as never, a, b);
      });
    }
    return pixels;
  };
  const isOther = (old: number, value: number): boolean => old !== 0 && old !== skipped && old !== value;

  if (unpainted === 'not annotated' || shapes.some(isRegion)) data.fill(skipped as never);
  const isHidden = (shape: Shape): boolean => isIgnored(shape, kind);
  const ordered = [...shapes.filter(isRegion), ...shapes.filter(isOwn), ...shapes.filter(isHidden)];
  for (const shape of ordered) {
    const [left, top, right, bottom] = shape.bounds;
    if (left >= width || top >= height || right <= 0 || bottom <= 0) {
      throw outside(shape, `x ${left} to ${right}, y ${top} to ${bottom}; the image is ${width} x ${height}`, file);
    }
    if (left < 0 || top < 0 || right > width || bottom > height) said.cut++;
    const { index, z: slice, t: time, plane } = shape.place;
    if (z * t > 1 && (index ?? slice ?? time ?? plane) === undefined) said.everywhere++;
    const value = isRegion(shape) ? 0 : (values.get(shape) ?? skipped);
    if (paint(shape, value) === 0) said.empty++;
  }
  const axes = `${t > 1 ? 't' : ''}${z > 1 ? 'z' : ''}yx`;
  const lengths: Readonly<Record<string, number>> = { t, z, y: height, x: width };
  const notes = [
    ...(said.covered > 0 ? [`${said.covered} pixels belong to several shapes: the last one has them.`] : []),
    ...(said.cut > 0 ? [`${counted(said.cut, 'shape')} cut off at the edge of the image.`] : []),
    ...(said.empty > 0 ? [`${counted(said.empty, 'shape')} without any pixel left out.`] : []),
    ...(said.everywhere > 0 ? [`${counted(said.everywhere, 'shape')} without a position drawn on every slice.`] : []),
  ];
  const shape = [...axes].map((axis) => lengths[axis] as number);
  const { spacing, geometry } = image;
  return { dtype, data, shape, axes, spacing, geometry, labelKind: kind, source: file, notes };
}

const outside = ({ name }: Shape, where: string, file: string): DatasetError =>
  new DatasetError(`the shape${name === '' ? '' : ` "${name}"`} is outside its image: ${where}.`, {
    file,
    remedy: 'Use the shapes that were drawn on this image.',
  });

/** Indices of the slices of a shape, time points one after another. */
function pagesAt(shape: Shape, image: Image, [t, z]: readonly [number, number], file: string): readonly number[] {
  const { index, plane, t: time }: Place = shape.place;
  const slice = plane === undefined ? shape.place.z : sliceOfPlane(plane, image, file);
  // A colour photograph is one image of a stack, each stain its own.
  const channels = image.channels?.[0] === 'red' ? 1 : sizes(image).channels;
  if (index !== undefined) {
    if (index >= t * z * channels)
      throw outside(shape, `position ${index + 1}; the image has ${t * z * channels}`, file);
    return [Math.floor(index / channels)];
  }
  if (slice !== undefined && !(slice >= 0 && slice < z)) throw outside(shape, `slice ${slice + 1} of ${z}`, file);
  if (time !== undefined && !(time >= 0 && time < t)) throw outside(shape, `time point ${time + 1} of ${t}`, file);
  const pages: number[] = [];
  for (let at = 0; at < t; at++) {
    for (let depth = 0; depth < z; depth++) {
      if ((time ?? at) === at && (slice ?? depth) === depth) pages.push(at * z + depth);
    }
  }
  return pages;
}

/**
 * Object numbers: those that Lamella wrote as names (`12`; `0003-0012` and `t0002-0003-0012` for a slice and a time
 * point, whose position they repeat), if all have one and none occurs twice in a slice; otherwise 1, 2, 3, ... in order.
 */
export function numbersOf(shapes: readonly Shape[]): readonly number[] {
  const seen = new Set<string>();
  const numbers = shapes.map(({ name, place }) => {
    const [, frame, slice, number] = /^(?:t(\d+)-)?(?:(\d+)-)?(\d+)$/.exec(name) ?? [];
    const value = Number(number);
    const at = place.index ?? place.z ?? place.t;
    const agrees =
      (slice === undefined || Number(slice) - 1 === (place.index ?? place.z)) &&
      (frame === undefined || Number(frame) - 1 === (place.index ?? place.t));
    const key = `${value} ${at} ${place.t}`;
    const good = agrees && value >= 1 && value < NOT_ANNOTATED.objects && !seen.has(key);
    seen.add(key);
    return good ? value : undefined;
  });
  return numbers.some((number) => number === undefined) ? shapes.map((_, i) => i + 1) : (numbers as number[]);
}
