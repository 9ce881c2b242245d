import { FormatError } from '../../../errors.ts';
import type { Image } from '../../image.ts';
import { transposed } from '../../samples.ts';
import { decodeJpeg } from '../codecs.ts';
import { type Codec, checkDeclaredSize, type ReadContext } from '../format.ts';
import { orientationOf, startOfFrame } from './header.ts';

/** The processes of ITU-T T.81 that are read, by marker. */
const READ = [0xc0, 0xc1, 0xc2];

/**
 * JPEG (ITU-T T.81) of 8 bits, grey or colour, baseline or progressive: pixels as they are stored. The orientation that
 * a camera states is noted and not applied, as in ImageJ, so that labels that were drawn there fit.
 */
export const jpeg: Codec = {
  async read(bytes: Uint8Array, context: ReadContext): Promise<Image> {
    const { file, page } = context;
    const frame = startOfFrame(bytes);
    if (frame === undefined) throw damaged(file);
    const { width, height, componentCount, marker, precision } = frame;
    const refuse = (what: string): FormatError =>
      new FormatError(`${what} is not supported.`, { file, remedy: 'Save it as PNG or TIFF, in grey or RGB.' });
    if (!READ.includes(marker)) throw refuse(`JPEG of process SOF${marker - 0xc0}`);
    if (precision !== 8) throw refuse(`JPEG of ${precision} bits`);
    if (componentCount === 4) throw refuse('JPEG in CMYK');
    if (componentCount !== 1 && componentCount !== 3) throw refuse(`JPEG of ${componentCount} components`);
    if (width === 0 || height === 0) throw damaged(file);
    if (page !== undefined && page !== 0) {
      throw new FormatError(`page ${page} does not exist; a JPEG has one.`, { file });
    }
    const size = width * height * componentCount;
    checkDeclaredSize(`the image (${width} x ${height}, ${componentCount} x 8 bits per pixel)`, size, context);
    const decoded = await decodeJpeg(bytes).catch((cause: unknown) => {
      throw damaged(file, cause);
    });
    if (decoded.bytes.length !== size) throw damaged(file);
    const orientation = orientationOf(bytes);
    return {
      dtype: 'uint8',
      shape: componentCount === 1 ? [height, width] : [3, height, width],
      axes: componentCount === 1 ? 'yx' : 'cyx',
      data: transposed(decoded.bytes, 'uint8', width * height, componentCount),
      spacing: {},
      channels: componentCount === 1 ? ['grey'] : ['red', 'green', 'blue'],
      lossy: true,
      ...(orientation > 1 && {
        notes: [`The camera states orientation ${orientation}, which is not applied: pixels are as stored.`],
      }),
    };
  },
};

const damaged = (file: string, cause?: unknown): FormatError =>
  new FormatError('the JPEG data is truncated or damaged.', { file, remedy: 'Copy the file again.', cause });
