import { allocate, bytesPer, type DType, type Storage } from '../../../array/ndarray.ts';
import { FormatError } from '../../../errors.ts';
import { type Gunzipped, gunzip, isGzip } from '../../gunzip.ts';
import { axesOf, type Image } from '../../image.ts';
import { rescale, samplesFrom, transposed } from '../../samples.ts';
import { type Codec, checkDeclaredSize, type ReadContext } from '../format.ts';
import { headerKind, type NiftiHeader, readHeader } from './header.ts';
import { findPositions } from './positions.ts';

const DTYPES: Readonly<Record<number, DType>> = {
  2: 'uint8',
  4: 'int16',
  8: 'int32',
  16: 'float32',
  64: 'float64',
  256: 'int8',
  512: 'uint16',
  768: 'uint32',
  1024: 'int64',
  1280: 'uint64',
};
/** Colour: bytes red, green, blue (and alpha) of a voxel, interleaved. */
const COLOURS: Readonly<Record<number, readonly string[]>> = {
  128: ['red', 'green', 'blue'],
  2304: ['red', 'green', 'blue', 'alpha'],
};
const REFUSED: Readonly<Record<number, string>> = {
  1: 'bits',
  32: 'complex numbers (complex64)',
  1536: '128-bit floating point numbers',
  1792: 'complex numbers (complex128)',
  2048: 'complex numbers (complex256)',
};

/** NIfTI-1 and NIfTI-2: `.nii`, `.nii.gz`, and `.hdr` with the `.img` beside it. */
export const nifti: Codec = {
  async read(packed: Uint8Array, context: ReadContext): Promise<Image> {
    const { file, maxBytes } = context;
    // The header occurs at most twice; what it declares bounds the rest.
    const { bytes, notes } = unpacked(packed, maxBytes);
    if (headerKind(bytes) === 'analyze') {
      const what = 'an Analyze 7.5 header';
      throw new FormatError(`this is ${what}, which is not supported: it does not tell left from right.`, {
        file,
        remedy: 'Save the image as NIfTI.',
        facts: { code: 'unsupported-format', what },
      });
    }
    const header = readHeader(bytes, file);
    const { dim, datatype } = header;
    const colours = COLOURS[datatype];
    const dtype = colours === undefined ? DTYPES[datatype] : 'uint8';
    if (dtype === undefined) {
      throw new FormatError(`voxels of ${REFUSED[datatype] ?? `datatype ${datatype}`} are not supported.`, {
        file,
        remedy: 'Save the image with integers or 32-bit floating point numbers.',
      });
    }
    const [nx, ny, nz, nt = 1, vector = 1, ...more] = dim as [number, number, number, ...number[]];
    if (more.some((length) => length > 1)) {
      throw new FormatError(`an image of ${dim.length} axes (${dim.join(' x ')}) is not supported.`, {
        file,
        remedy: 'Save parts of it with at most x, y, z, t and one axis of components.',
      });
    }
    if (vector > 1 && colours !== undefined) {
      throw new FormatError('vectors of colours are not supported.', { file, remedy: 'Save one of them.' });
    }
    const samples = colours?.length ?? vector;
    const count = nx * ny * nz * nt * samples;
    const what = `the image (${dim.join(' x ')}, ${colours === undefined ? dtype : colours.join()})`;
    checkDeclaredSize(what, count * bytesPer(dtype), context);
    const voxels = header.single ? { bytes, notes } : await pairedVoxels(packed, context);
    const there = voxels.bytes.length - header.offset;
    if (there < count * bytesPer(dtype)) {
      throw new FormatError(
        `${what} takes ${count * bytesPer(dtype)} bytes, but only ${Math.max(0, there)} are there: the file ends early.`,
        { file, remedy: 'Copy it again.' },
      );
    }
    const stored = samplesFrom(voxels.bytes, header.offset, dtype, count, header.littleEndian);
    const plane = nx * ny * nz;
    const ordered =
      colours !== undefined
        ? transposed(stored, dtype, plane, samples)
        : vector > 1 && nt > 1
          ? swapOuter(stored, dtype, vector, nt, plane)
          : stored;
    const values = rescale([{ data: ordered, slope: header.slope, intercept: header.intercept }], dtype, file);
    const { littleEndian, version } = header;
    const start = version === 2 ? 544 : 352;
    const positions = header.single
      ? findPositions(bytes, { start, end: header.offset, depth: nz, littleEndian })
      : undefined;
    const geometry = header.geometry && { ...header.geometry, slicePositionsMm: positions };
    const placed = { ...header, geometry, notes: [...header.notes, ...voxels.notes] };
    const fractionBy = dtype.includes('int') && !Number.isInteger(header.slope) ? header.slope : undefined;
    return assemble(placed, { ...values, fractionBy }, { t: nt, c: samples, z: nz, y: ny, x: nx }, colours);
  },
};

function unpacked(bytes: Uint8Array, maxBytes: number): Gunzipped {
  return isGzip(bytes) ? gunzip(bytes, maxBytes + 65_536) : { bytes, notes: [] };
}

async function pairedVoxels(packed: Uint8Array, { file, sibling, maxBytes }: ReadContext): Promise<Gunzipped> {
  const base = file.replace(/\.hdr(\.gz)?$/i, '');
  const names = isGzip(packed) ? ['.img.gz', '.img'] : ['.img', '.img.gz'];
  for (const ending of base === file || sibling === undefined ? [] : names) {
    const found = await sibling?.(`${base}${ending}`);
    if (found !== undefined) return unpacked(found, maxBytes);
  }
  throw new FormatError('the voxels are in a file of the same name that ends in .img, which is not there.', {
    file,
    remedy: 'Put both files side by side, or save the image as .nii.',
  });
}

/** [c][t][plane], NIfTI's order, to [t][c][plane]. */
function swapOuter<D extends DType>(data: Storage[D], dtype: D, c: number, t: number, plane: number): Storage[D] {
  const out = allocate(dtype, data.length);
  for (let ci = 0; ci < c; ci++) {
    for (let ti = 0; ti < t; ti++) {
      const from = (ci * t + ti) * plane;
      out.set(data.subarray(from, from + plane) as never, (ti * c + ci) * plane);
    }
  }
  return out;
}

function assemble(
  { spacing, geometry, window, labelKind, notes }: NiftiHeader,
  values: Pick<Image, 'dtype' | 'data' | 'fractionBy'>,
  extents: Readonly<Record<'t' | 'c' | 'z' | 'y' | 'x', number>>,
  colours: readonly string[] | undefined,
): Image {
  const { axes, shape } = axesOf(extents);
  const { t, z, ...inPlane } = spacing;
  const components = extents.c;
  // A single slice has no z axis; its thickness is kept.
  const thickness = z !== undefined && z.unit === 'mm' && !axes.includes('z') ? { thicknessMm: z.value } : {};
  return {
    ...values,
    axes,
    shape,
    spacing: {
      ...(t !== undefined && axes.includes('t') ? { t } : {}),
      ...(z !== undefined && axes.includes('z') ? { z } : {}),
      ...inPlane,
    },
    ...(geometry === undefined ? {} : { geometry: { ...geometry, ...thickness } }),
    channels: colours ?? (components === 1 ? ['grey'] : Array.from({ length: components }, (_, i) => `component ${i}`)),
    ...(window === undefined ? {} : { window }),
    labelKind,
    ...(notes.length > 0 ? { notes } : {}),
  };
}
