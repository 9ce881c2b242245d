/** The segments of a DICOM file as shapes. */

import { DatasetError } from '../../errors.ts';
import { type DicomSegmentation, readSegmentation } from '../../image/formats/dicom/segmentation.ts';
import { guarded, MAX_BYTES } from '../../image/read.ts';
import { portableZlib } from '../../image/zlib.ts';
import type { DrawnShapes, Shape } from './shape.ts';

/**
 * A shape per segment and frame, in the order of the file, placed by where its frame lies in the patient.
 * @throws FormatError as `readSegmentation`; DatasetError for a frame that does not say where it lies
 */
export async function shapesOfSegments(bytes: Uint8Array, file: string): Promise<DrawnShapes> {
  const context = {
    file,
    maxBytes: MAX_BYTES,
    palette: 'index',
    page: undefined,
    sibling: undefined,
    zlib: portableZlib,
  } as const;
  const read = await guarded('DICOM', file, () => readSegmentation(bytes, context));
  return {
    shapes: read.frames.map((frame) => shapeOf(frame, read, file)),
    drawnOn: [read.rows, read.columns],
    notes: read.notes,
  };
}

function shapeOf(
  { place: { position, orientation, spacingMm }, segment, isIn }: DicomSegmentation['frames'][number],
  { rows, columns }: DicomSegmentation,
  file: string,
): Shape {
  if (position === undefined || orientation === undefined || spacingMm === undefined) {
    throw new DatasetError(`a frame of the segment "${segment}" does not say where it lies.`, {
      file,
      remedy: 'Export it again, with positions.',
    });
  }
  return {
    name: segment,
    className: segment,
    isGroup: true,
    place: { plane: { originMm: position, x: orientation[0], y: orientation[1], spacingMm } },
    bounds: [0, 0, columns, rows],
    fill: (_, found) => {
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) {
          if (!isIn(y * columns + x)) continue;
          const from = x;
          while (x < columns && isIn(y * columns + x)) x++;
          found(y, from, x);
        }
      }
    },
  };
}
