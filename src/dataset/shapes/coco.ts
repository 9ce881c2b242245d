/** COCO instance annotations in JSON (Lin 2014), as programs such as CVAT, Label Studio and Roboflow export them. */

import { addTo } from '../../array/lists.ts';
import { FormatError } from '../../errors.ts';
import { boundsOfLines, type Size } from '../../objects/fill-polygon.ts';
import { type Fields, isFields, parseJson } from '../json.ts';
import { decompressCounts, fillCounts, fillTraced, LARGEST_COORDINATE } from './coco-fill.ts';
import type { DrawnShapes, Place, Shape } from './shape.ts';

const isNatural = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** A file whose images have outlines; they are decoded by `shapesOf`. */
export interface CocoFile {
  /** The images that it lists, by file name with `/` between folders. */
  readonly images: ReadonlyMap<string, readonly Fields[]>;
  /** By the id of an image. */
  readonly annotations: ReadonlyMap<unknown, readonly Fields[]>;
  /** Whether there are annotations of images that it does not list. */
  readonly hasStrays: boolean;
  /** Names of categories, by id. */
  readonly categories: ReadonlyMap<unknown, unknown>;
}

/**
 * @param file for messages
 * @returns undefined for other JSON, and for annotations without any outline, such as captions
 * @throws FormatError for text that is cut off
 */
export function parseCoco(text: string, file: string): CocoFile | undefined {
  const json = parseJson(text, file);
  const { images, annotations, categories = [] } = isFields(json) ? json : {};
  const isList = (value: unknown): value is readonly Fields[] => Array.isArray(value) && value.every(isFields);
  if (!isList(images) || !isList(annotations) || !isList(categories)) return undefined;
  if (images.some(({ file_name: name }) => typeof name !== 'string')) return undefined;
  if (annotations.length > 0 && annotations.every(({ segmentation }) => segmentation === undefined)) return undefined;
  const byName = new Map<string, Fields[]>();
  for (const image of images) {
    const name = String(image.file_name)
      .replaceAll('\\', '/')
      .replace(/^(\.?\/)+/, '');
    addTo(byName, name, image);
  }
  const byImage = new Map<unknown, Fields[]>();
  for (const annotation of annotations) addTo(byImage, annotation.image_id, annotation);
  const ids = new Set(images.map(({ id }) => id));
  return {
    images: byName,
    annotations: byImage,
    hasStrays: annotations.some(({ image_id: image }) => !ids.has(image)),
    categories: new Map(categories.map(({ id, name }) => [id, name])),
  };
}

/**
 * The outlines of one image, with the names of their categories: in the order of the file, polygons and run lengths with
 * the pixels that pycocotools finds. What is marked as a crowd is several objects. The `label`, `slice` and `frame` that
 * Lamella writes are its number and place.
 * @throws FormatError, naming the annotation, for one without an outline or category, and run lengths of another size
 */
export function shapesOf({ images, annotations, categories }: CocoFile, name: string, file: string): DrawnShapes {
  const own = images.get(name) ?? [];
  const shapes = own.flatMap((image) =>
    (annotations.get(image.id) ?? []).map((annotation, i): Shape => {
      const which = `annotation ${isNatural(annotation.id) ? annotation.id : i + 1}`;
      const fail = (problem: string): FormatError =>
        new FormatError(`${which} of "${name}" ${problem}.`, {
          file,
          remedy: 'Correct or delete it, or export again.',
        });
      const className = categories.get(annotation.category_id);
      if (typeof className !== 'string' || className === '') {
        throw fail(`has the category ${JSON.stringify(annotation.category_id)}, which has no name`);
      }
      const { label } = annotation;
      return {
        name: isNatural(label) ? String(label) : which,
        className,
        place: placeOf(image),
        ...(annotation.iscrowd === 1 && { isGroup: true }),
        ...outlineOf(annotation.segmentation, sizeOf(image), fail),
      };
    }),
  );
  return { shapes, drawnOn: own[0] && sizeOf(own[0]) };
}

function sizeOf({ height, width }: Fields): Size | undefined {
  return isNatural(height) && isNatural(width) ? [height, width] : undefined;
}

/** Not part of COCO: the slice and time point, from 1. */
function placeOf({ slice, frame }: Fields): Place {
  return { ...(isNatural(slice) && { z: slice - 1 }), ...(isNatural(frame) && { t: frame - 1 }) };
}

type Outline = Pick<Shape, 'bounds' | 'fill'>;
type Fail = (problem: string) => FormatError;

function outlineOf(segmentation: unknown, size: Size | undefined, fail: Fail): Outline {
  if (isFields(segmentation)) return runLengths(segmentation, size, fail);
  if (!Array.isArray(segmentation) || segmentation.length === 0) throw fail('has no outline, only a box');
  const isCoordinate = (value: unknown): boolean => typeof value === 'number' && Math.abs(value) <= LARGEST_COORDINATE;
  for (const polygon of segmentation) {
    if (!Array.isArray(polygon) || polygon.length < 6 || polygon.length % 2 === 1 || !polygon.every(isCoordinate)) {
      throw fail('has a polygon that is no list of at least three points');
    }
  }
  const polygons = segmentation as readonly (readonly number[])[];
  return { bounds: boundsOfLines(polygons), fill: (on, found) => fillTraced(polygons, on, found) };
}

function runLengths({ counts: given, size: stated }: Fields, image: Size | undefined, fail: Fail): Outline {
  const [height, width] = Array.isArray(stated) ? stated : [];
  if (!isNatural(height) || !isNatural(width)) throw fail('has run lengths without a size');
  if (image !== undefined && (image[0] !== height || image[1] !== width)) {
    throw fail(`has run lengths of ${width} x ${height} pixels, the image is ${image[1]} x ${image[0]}`);
  }
  const counts: readonly unknown[] =
    typeof given === 'string' ? decompressCounts(given) : Array.isArray(given) ? given : [];
  if (!counts.every(isNatural)) throw fail('has damaged run lengths');
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total !== height * width) throw fail(`has run lengths of ${total} pixels, not of ${width} x ${height}`);
  return {
    bounds: [0, 0, width, height],
    fill: (on, found) => {
      if (on[0] !== height || on[1] !== width) throw fail(`has run lengths of ${width} x ${height} pixels`);
      fillCounts(counts, height, found);
    },
  };
}
