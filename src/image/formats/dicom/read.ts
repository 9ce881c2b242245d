import type { Codec } from '../format.ts';
import { readSeries } from './series.ts';

/** One DICOM file: a slice, or all frames of a multi-frame file. */
export const dicom: Codec = {
  read: (bytes, context) => readSeries([{ name: context.file, read: async () => bytes }], context),
  open: async (source, context) => context.openSlide?.(source, context),
};
