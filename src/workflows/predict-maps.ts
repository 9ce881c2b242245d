/** Objects in the images of a file or folder by a network of stars or flows. */

import { DatasetError, FormatError, option, UsageError } from '../errors.ts';
import { joinPath } from '../files.ts';
import { withSpacingMm } from '../image/geometry.ts';
import { sizes } from '../image/image.ts';
import type { MapKind } from '../objects/object-maps.ts';
import { openMapModel } from '../predict/map-model.ts';
import { type MapObjectsOptions, mapObjects } from '../predict/map-objects.ts';
import type { PredictFolderOptions } from './begin-prediction.ts';
import { isSegmentFormat } from './choices.ts';
import { type Encoded, encodeResult } from './encode.ts';
import type { Host } from './host.ts';
import { listImages, readListedImage } from './image-list.ts';
import { mapKindOf } from './map-kind.ts';
import { modelFileOf, type OpenedModelFile, readModel } from './model-files.ts';
import { requireFreeFolder } from './out-folder.ts';
import {
  type FailedFile,
  PARTS,
  type PredictedFile,
  type PredictedFolder,
  type PredictHooks,
  required,
} from './predict.ts';
import { defaultOut, MEASURES_FOLDER, PREDICTION_FILE, writePredictionFile } from './prediction-file.ts';
import { requireUnmeasured, requireUnplanned } from './shards/plan.ts';

export interface PredictMapsOptions extends PredictFolderOptions, Pick<MapObjectsOptions, 'overlap' | 'flowError'> {
  /** What the network gives. Default: what its file says, of one that was trained here. */
  readonly separate?: MapKind | undefined;
}

/** Options that are for maps of classes, or of images by region. */
const NOT_FOR_MAPS = ['tta', 'median', 'evaluation', 'pixelSize', 'memory', 'resample'] as const;

/**
 * Finds objects in an image, or in every image of a folder, by a network that gives stars or flows; writes `objects/`.
 * Images are read as a whole, and decoded as a whole: objects do not depend on tiles.
 * @throws UsageError for options that do not apply, and several models; as `openMapModel` and `mapObjects`; for a single
 * image also reading errors. Among several, unreadable images are skipped and returned as `failed`.
 */
export async function predictMapsFolder(
  host: Host,
  [model, ...others]: readonly [string, ...string[]],
  images: string,
  options: PredictMapsOptions,
  hooks: PredictHooks = {},
): Promise<PredictedFolder> {
  const { threshold, overlap, flowError, tile, batch, signal, channel, level, spacing, format } = options;
  const { files } = host;
  const separate = options.separate ?? (await mapKindOf(files, model, options.which));
  if (separate === undefined) {
    throw new UsageError('it does not say what the network gives.', {
      file: model,
      remedy: `Set ${option('separate')}.`,
    });
  }
  requireForMaps(others.length, separate, options);
  const out = options.out ?? (await defaultOut(files, [model]));
  await requireFreeFolder(files, out, {
    ignore: [...PARTS, PREDICTION_FILE, MEASURES_FOLDER],
    option: 'another output folder',
  });
  await requireUnplanned(files, out);
  await requireUnmeasured(files, out);
  const file = await modelFileOf(files, model, options.which);
  const runtime = await host.openRuntime(options.device);
  const close = (): Promise<void> => runtime.dispose();
  try {
    const opened = await openMapModel(runtime, await readModel(files, file), separate, {
      file,
      output: options.output,
    });
    const listed = await listImages(files, images, { channels: opened.parts[0].input.channels.count });
    const shown: OpenedModelFile = {
      ...opened.parts[0],
      notes: opened.notes,
      classes: [separate],
      file,
      runtime,
      close,
    };
    hooks.onOpen?.([shown]);
    const done: PredictedFile[] = [];
    const failed: FailedFile[] = [];
    for (const [index, item] of listed.entries()) {
      const began = host.nowMs();
      const { path, name } = item;
      try {
        const read = await readListedImage(files, { ...item, level });
        const image = spacing === undefined ? read : withSpacingMm(read, spacing);
        const set = { threshold, overlap, flowError, tile, batch, signal, channel };
        const { labels, count, notes: said } = await mapObjects(opened, image, set);
        const as = format === undefined || isSegmentFormat(format) || format === 'zarr' ? 'same' : format;
        const encoded: Encoded =
          as === 'hdf5' ? await required(host.encodeHdf5)(labels, path) : encodeResult(labels, as, path, files.zlib);
        const { bytes, extension } = encoded;
        const lost = host.lostIn?.(labels, `.${extension}`) ?? [];
        const objects = joinPath(out, 'objects', `${name}.${extension}`);
        await files.write(objects, bytes);
        const { times, slices, height, width } = sizes(image);
        const notes = [...(read.notes ?? []), ...said, ...lost];
        const result: PredictedFile = {
          image: path,
          ...{ widthPx: width, heightPx: height, pages: times * slices, objects, objectCount: count },
          ms: host.nowMs() - began,
          ...(notes.length > 0 && { notes }),
        };
        done.push(result);
        const plan = `${width} x ${height} pixels`;
        hooks.onImage?.(result, { name, index, total: listed.length, plan });
      } catch (cause) {
        if (listed.length === 1 || !(cause instanceof FormatError || cause instanceof DatasetError)) throw cause;
        failed.push({ image: path, reason: cause.message });
        hooks.onFailure?.({ image: path, reason: cause.message });
      }
    }
    const classes = ['background', 'object'];
    const models = [file];
    await writePredictionFile(files, out, {
      models: models.map(files.resolve),
      images: files.resolve(images),
      classes,
    });
    return { out, models, device: runtime.device, classes, images: done, failed };
  } finally {
    await close();
  }
}

function requireForMaps(others: number, separate: MapKind, options: PredictMapsOptions): void {
  const { format } = options;
  const refuse = (what: string): never => {
    throw new UsageError(`${what} is not for networks of which objects are found by ${separate}.`, {
      remedy: 'Remove it.',
    });
  };
  if (others > 0) refuse('The mean of several models');
  for (const name of NOT_FOR_MAPS) {
    if (options[name] !== undefined) refuse(option(name));
  }
  if (format === 'zarr' || (format !== undefined && isSegmentFormat(format))) refuse(option('format', format));
}
