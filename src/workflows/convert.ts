/** Converts images from one format to another, those of OME-Zarr and OME-TIFF region by region. */

import { FormatError, factsOf, Interrupted, LamellaError, option, UsageError } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import { planLevels } from '../image/pyramid.ts';
import { type ImageSink, regionsOf } from '../image/sink.ts';
import { type ImageInfo, type ImageSource, noLevel } from '../image/source.ts';
import { openImageFile, type ReadFileOptions, writeImageFile, writerOf } from './image-files.ts';
import { lostIn } from './lost.ts';

/** Bytes of a region that is read at once, where more are not stored together. */
export const REGION_BYTES = 16 * 2 ** 20;

export interface ConvertOptions extends Pick<ReadFileOptions, 'series'> {
  /** Which resolution to convert, counted from 0, the full one; default 0. */
  readonly level?: number;
  /** Whether values are labels, whose lower resolutions have no means; default: as the image says. */
  readonly labels?: boolean;
  /** Resolutions of OME-Zarr and OME-TIFF; default: down to 512 pixels. */
  readonly levels?: number;
  /** Whether a file or store that is there may be replaced; default: no. */
  readonly overwrite?: boolean;
  readonly signal?: AbortSignal;
}

export interface ConvertHooks {
  /** Called after each region. */
  onRegion?(done: number, total: number): void;
}

export interface Converted {
  readonly image: string;
  readonly out: string;
  readonly axes: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  /** Resolutions that were written. */
  readonly levels: number;
  /** Remarks from reading the image, and what its new format does not hold. */
  readonly notes: readonly string[];
}

type Kind = 'zarr' | 'ome-tiff' | 'whole';

/**
 * Converts an image: to OME-Zarr (`.zarr`), labels in the OME-Zarr of their image (`a.zarr/labels/name`), OME-TIFF with a
 * pyramid (`.ome.tif`), each in the memory of a region where the source is read by region, or as a whole to what
 * `writeImageFile` writes. Values stay as they are.
 *
 * @throws UsageError for a format that is not written, or that does not hold the image; LamellaError if `out` is there
 * and may not be replaced; Interrupted; as `openImageFile`. What was begun is then removed.
 *
 * @example await convertImage(nodeHost.files, 'slide.svs', 'slide.ome.zarr', { level: 1 });
 */
export async function convertImage(
  files: WritableFiles,
  path: string,
  out: string,
  options: ConvertOptions = {},
  hooks: ConvertHooks = {},
): Promise<Converted> {
  const { level = 0, series, overwrite = false } = options;
  const kind = kindOf(out);
  const isThere = await requireFree(files, path, out, { kind, overwrite });
  const source = await openImageFile(files, path, { series }).catch((cause: unknown) => {
    throw labelsNeedImage(cause);
  });
  try {
    const chosen = source.levels[level];
    if (chosen === undefined) throw noLevel(level, source.levels.length, path);
    const { levels: _, level: __, notes = [], ...rest } = source.info;
    const info: ImageInfo = { ...rest, shape: chosen.shape, spacing: chosen.spacing };
    const result = { image: path, out, axes: info.axes, shape: info.shape, dtype: info.dtype };
    if (kind === 'whole') {
      const image = await source.read(level);
      await writeImageFile(files, out, image);
      return { ...result, levels: 1, notes: [...(image.notes ?? []), ...lostIn(image, out)] };
    }
    if (isThere && kind === 'zarr') await files.remove?.(out);
    const sink = await openSink(files, out, info, kind, options);
    const seen = new Set<string>(notes);
    try {
      for await (const found of copyRegions(source, sink, level, { ...options, ...hooks })) seen.add(found);
      await sink.finish();
    } catch (cause) {
      await sink.abort();
      throw cause;
    }
    const planned = planLevels(info, { halveZ: kind === 'zarr' }).length;
    return { ...result, levels: Math.min(planned, options.levels ?? planned), notes: [...seen, ...lostIn(info, out)] };
  } finally {
    await source.close();
  }
}

/** What is no image may be labels of another program. */
function labelsNeedImage(cause: unknown): unknown {
  const facts = factsOf(cause, 'unsupported-format');
  if (!(cause instanceof FormatError) || facts === undefined) return cause;
  const { file, problem, remedy } = cause;
  return new FormatError(problem, {
    file,
    facts,
    cause,
    remedy: `${remedy} Labels need their image: ${option('of')}.`,
  });
}

function kindOf(out: string): Kind {
  if (/\.zarr([\\/]labels[\\/][^\\/]+)?[\\/]*$/i.test(out)) return 'zarr';
  if (/\.ome\.tiff?$/i.test(out)) return 'ome-tiff';
  writerOf(out, ['ome.zarr', 'ome.tif']);
  return 'whole';
}

async function openSink(
  files: WritableFiles,
  out: string,
  info: ImageInfo,
  kind: Exclude<Kind, 'whole'>,
  { labels, levels }: ConvertOptions,
): Promise<ImageSink> {
  if (kind === 'zarr') {
    const { writeOmeZarr } = await import('../image/formats/zarr/write.ts');
    return writeOmeZarr(files, out.replace(/[\\/]+$/, ''), info, { labels, levels });
  }
  const { writeOmeTiff } = await import('../image/formats/tiff/write-pyramid.ts');
  return writeOmeTiff(files, out, info, { labels, levels });
}

/**
 * Whether there is something that is replaced.
 * @throws LamellaError if it may not be
 */
export async function requireFree(
  files: WritableFiles,
  path: string,
  out: string,
  { kind, overwrite }: { readonly kind: Kind; readonly overwrite: boolean },
): Promise<boolean> {
  const place = (of: string): string => `${files.resolve(of).replace(/[\\/]+$/, '')}/`.replaceAll('\\', '/');
  if (place(path).startsWith(place(out))) {
    throw new UsageError('an image is not written over itself.', { file: out, remedy: 'Choose another name.' });
  }
  const there = await files.kind(out);
  if (there === undefined) return false;
  if (!overwrite) {
    throw new LamellaError('this exists already.', {
      file: out,
      remedy: `Choose another name, or replace it with ${option('overwrite')}.`,
    });
  }
  const expected = kind === 'zarr' ? 'folder' : 'file';
  if (there !== expected) {
    throw new LamellaError(`this is a ${there}, and is not replaced by a ${expected}.`, {
      file: out,
      remedy: 'Choose another name.',
    });
  }
  if (kind === 'zarr' && !(await isStore(files, out))) {
    throw new LamellaError('this folder is no Zarr store, and is not replaced by one.', {
      file: out,
      remedy: 'Choose another name.',
    });
  }
  return true;
}

async function isStore(files: WritableFiles, folder: string): Promise<boolean> {
  const kinds = await Promise.all(
    ['zarr.json', '.zgroup', '.zattrs'].map((name) => files.kind(joinPath(folder, name))),
  );
  return kinds.includes('file');
}

/** Reads an image and writes it, region by region. Gives the notes of what was read. */
async function* copyRegions(
  source: ImageSource,
  sink: ImageSink,
  level: number,
  { signal, onRegion }: Pick<ConvertOptions, 'signal'> & ConvertHooks,
): AsyncGenerator<string> {
  const regions = regionsOf(sink, { maxBytes: REGION_BYTES, chunk: source.chunk });
  for (const [done, region] of regions.entries()) {
    if (signal?.aborted === true) throw new Interrupted('Conversion was stopped.');
    const { data, notes = [] } = await source.read(level, region);
    await sink.write(region, data);
    yield* notes;
    onRegion?.(done + 1, regions.length);
  }
}
