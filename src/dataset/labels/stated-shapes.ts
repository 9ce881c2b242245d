/** The shapes in files that have those of many images; each is read once. */

import { factsOf } from '../../errors.ts';
import type { Files } from '../../files.ts';
import { isDicom } from '../../image/formats/dicom/detect.ts';
import { MAX_BYTES, readImage } from '../../image/read.ts';
import { fileAndImage, masksOf } from '../discover/stated-labels.ts';
import type { DrawnShapes } from '../shapes/shape.ts';

/** The shapes of one image, by its name in the file. */
type ShapesByImage = (image: string) => DrawnShapes | Promise<DrawnShapes>;

const NONE: DrawnShapes = { shapes: [] };

/** @returns reads labels as `fileAndImage` has them; undefined for other paths */
export function statedShapes(files: Files, root: string): (path: string) => Promise<DrawnShapes | undefined> {
  const opened = new Map<string, ShapesByImage>();
  return async (path) => {
    const part = fileAndImage(path);
    if (part === undefined) return undefined;
    const { file, image } = part;
    const known = opened.get(file) ?? (await open(files, root, file));
    opened.set(file, known);
    return known(image);
  };
}

/** What reads them is loaded with the first file. */
async function open(files: Files, root: string, file: string): Promise<ShapesByImage> {
  const bytes = await files.read(root, file);
  if (isDicom(bytes)) {
    const { readContours } = await import('../../image/formats/dicom/contours.ts');
    const contours = await readContours(bytes, file, MAX_BYTES);
    const drawn =
      contours === undefined
        ? await (await import('../shapes/segments.ts')).shapesOfSegments(bytes, file)
        : (await import('../shapes/readers.ts')).shapesOfContours(contours);
    return () => drawn;
  }
  if (/\.ilp$/i.test(file)) {
    const { readIlastikProject } = await import('../shapes/ilastik.ts');
    const images = await readIlastikProject(bytes, file);
    return (image) => images.get(image) ?? NONE;
  }
  const text = new TextDecoder().decode(bytes);
  if (/\.csv$/i.test(file)) {
    const drawn = (await import('../shapes/readers.ts')).readNapariShapes(text, file);
    return () => drawn;
  }
  if (/\.json$/i.test(file)) {
    const { parseCoco, shapesOf } = await import('../shapes/readers.ts');
    const coco = parseCoco(text, file);
    return (image) => (coco === undefined ? NONE : shapesOf(coco, image, file));
  }
  if (/\.xml$/i.test(file)) {
    const { parseCvat, shapesOfCvat } = await import('../shapes/readers.ts');
    const images = parseCvat(text, file);
    return (image) => {
      const found = images?.get(image);
      return found === undefined ? NONE : shapesOfCvat(found, image, file);
    };
  }
  const { parseLabelMap, shapesOfMasks } = await import('../shapes/readers.ts');
  const labelMap = parseLabelMap(text, file);
  const read = async (path: string) => readImage(await files.read(root, path), path);
  return async (image) => {
    const { classes, objects } = masksOf(file, image);
    const objectMask = await read(objects).catch((cause: unknown) => {
      if (factsOf(cause, 'no-file') !== undefined) return undefined;
      throw cause;
    });
    return shapesOfMasks(await read(classes), objectMask, labelMap);
  };
}
