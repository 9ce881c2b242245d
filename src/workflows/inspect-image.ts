import { bytesPer, elementCount } from '../array/ndarray.ts';
import type { LabelOptions } from '../dataset/labels/labels.ts';
import { describeImage, formatDescription, formatFacts, ImageScan } from '../image/describe.ts';
import { withSpacingMm } from '../image/geometry.ts';
import { type Image, sizes } from '../image/image.ts';
import { MAX_BYTES } from '../image/read.ts';
import { type ImageInfo, type ImageSource, infoAt, noLevel, type Region } from '../image/source.ts';
import { rowsAtOnce } from '../input/input-regions.ts';
import type { Host } from './host.ts';
import { planMemory } from './predict-regions.ts';

/** `classes` and `ignore`, of a data set only, describe its labels as a training run with them would see them. */
export interface InspectOptions extends Pick<LabelOptions, 'classes' | 'ignore'> {
  /** Image height and width for computing costs, if the model does not fix them. */
  readonly size?: readonly [number, number];
  /** Whether to run the test of a package of BioImage.IO; default: no. */
  readonly check?: boolean;
  /** Which of several resolutions to describe; default 0, the full one. */
  readonly level?: number;
  /** Name of the DICOM series in a folder, or of the image in OME-Zarr. */
  readonly series?: string;
  /** Voxel size [z, y, x] in mm that overrides the file's value. */
  readonly spacing?: readonly [number | undefined, number, number];
  /** Whether to include personal data, which is otherwise never shown; default: no. */
  readonly personal?: boolean;
  /** Called with the first lines of the description of an image that takes long, before its values are read. */
  readonly onFacts?: (text: string) => void;
}

/** The description of a path. */
export interface Inspected {
  /** JSON, except for `bigint` and `Map`. */
  readonly describe: { readonly kind: string; readonly [name: string]: unknown };
  /** The description as lines of text. */
  readonly text: string;
  /** The image, if it is one; of one that does not fit into memory the first resolution that does, if any. */
  readonly image?: Image;
}

/** An image with its description. */
export function inspectedImage(read: Image, { spacing }: Pick<InspectOptions, 'spacing'>): Inspected {
  const image = spacing === undefined ? read : withSpacingMm(read, spacing);
  const description = describeImage(image);
  return { describe: { kind: 'image', ...description }, text: formatDescription(description), image };
}

/** What parts of an image take that is read part by part, at most. */
const PART_BYTES = 64e6;
/** A pixel of what is shown of an image, beside its own. */
const SHOWN_BYTES = 4;

/**
 * An image at one of its resolutions with its description. One that does not fit into memory is read part by part; the
 * numbers are those of the whole. Closes the source.
 * @throws FormatError for a level that does not exist, and damaged data
 */
export async function inspectedSource(
  host: Pick<Host, 'files'> & Partial<Pick<Host, 'memory'>>,
  source: ImageSource,
  options: Pick<InspectOptions, 'spacing' | 'level' | 'onFacts'>,
): Promise<Inspected> {
  try {
    const { level = 0, spacing } = options;
    const { levels } = source;
    if (levels[level] === undefined) throw noLevel(level, levels.length, source.info.source ?? 'image');
    const most = Math.min(planMemory(host, [], undefined)?.whole ?? MAX_BYTES, host.files.maxBytes ?? MAX_BYTES);
    const fits = (n: number): boolean =>
      elementCount(levels[n]?.shape ?? []) * (bytesPer(source.info.dtype) + SHOWN_BYTES) <= most;
    if (fits(level)) return inspectedImage(await source.read(level), options);
    const read = { ...infoAt(source, level), ...(level > 0 && { level }) };
    const info = spacing === undefined ? read : withSpacingMm(read, spacing);
    options.onFacts?.(formatFacts(info));
    const scan = new ImageScan(info);
    for (const region of partsOf(info, level === 0 ? source.chunk : undefined, Math.min(PART_BYTES, most / 8)))
      scan.add(await source.read(level, region));
    const description = scan.result();
    const shown = levels.findIndex((_, n) => n > level && fits(n));
    return {
      describe: { kind: 'image', ...description },
      text: formatDescription(description),
      image: shown < 0 ? undefined : await source.read(shown),
    };
  } finally {
    await source.close();
  }
}

/** All channels of planes, or of rows of one, in their order. */
function* partsOf(info: ImageInfo, chunk: readonly number[] | undefined, bytes: number): Generator<Region> {
  const { times, channels, slices, height, width } = sizes(info);
  const unit = (axis: string): number => chunk?.[info.axes.indexOf(axis)] ?? 1;
  const row = width * channels * bytesPer(info.dtype);
  const planes = Math.min(slices, rowsAtOnce(unit('z'), bytes / (row * height)));
  const rows = bytes >= row * height ? height : Math.min(height, rowsAtOnce(unit('y'), bytes / row));
  const along = (of: Readonly<Record<string, number>>): readonly number[] =>
    [...info.axes].map((axis) => of[axis] ?? 0);
  for (let t = 0; t < times; t++) {
    for (let z = 0; z < slices; z += planes) {
      for (let y = 0; y < height; y += rows) {
        yield {
          start: along({ t, c: 0, z, y, x: 0 }),
          shape: along({
            t: 1,
            c: channels,
            z: Math.min(planes, slices - z),
            y: Math.min(rows, height - y),
            x: width,
          }),
        };
      }
    }
  }
}
