/** Which label maps are measured region by region. */

import { LamellaError, option, UsageError } from '../../errors.ts';
import { sizes } from '../../image/image.ts';
import { megabytes } from '../../predict/memory.ts';
import { declaredOf, type ListedImage } from '../image-list.ts';
import { type OpenedImage, openAtLevel, pixelsOf, requireSameGrid } from '../opened-images.ts';
import { planMemory } from '../predict-regions.ts';
import { predictedClasses } from './classes.ts';
import type { MeasureFolderOptions, MeasureItem, MeasureReader } from './inputs.ts';
import { withPixelSize } from './map-pixel-size.ts';
import { bytesPerPixel, type OpenedMaps, RegionMap } from './region-map.ts';

/** What blocks take without being asked. */
const DEFAULT_BYTES = 256e6;
/** What blocks take that are shared by processes, whatever memory each has. */
export const sharedBytes = ({ memory = DEFAULT_BYTES }: Pick<MeasureFolderOptions, 'memory'>): number =>
  Math.min(memory, DEFAULT_BYTES);
/** Formats that are written by region: of outlines, and all. */
export const OUTLINES = ['roi', 'geojson'] as const;
const BY_REGION: readonly string[] = ['csv', 'parquet', ...OUTLINES];

/**
 * Opens a label map to measure it by region, if it is too large for the memory there is, or measured by several processes.
 * @returns undefined if it is to be measured as a whole
 * @throws UsageError if the memory that is allowed is too little, or several processes cannot measure it; LamellaError if
 * the map cannot be measured by region, and there is not enough memory for the whole; as `openListedImage`
 */
export async function openRegions(reader: MeasureReader, item: MeasureItem): Promise<RegionMap | undefined> {
  const { host, options, inputs, hooks, parts } = reader;
  const memory = planMemory(host, [], options.memory);
  const held: OpenedImage[] = [];
  const open = async (listed: ListedImage | undefined, palette?: 'index'): Promise<OpenedImage | undefined> => {
    const one = listed && (await openAtLevel(reader.files, listed, { palette }));
    if (one !== undefined) held.push(one);
    return one;
  };
  const close = async (): Promise<void> => {
    for (const { source } of held) await source.close();
  };
  try {
    const map = memory && (await open(item.labels, 'index'));
    const image = map && (await open(item.image));
    const truth = map && (await open(item.truth, 'index'));
    const classes = map && (await open(item.classes, 'index'));
    const isMissing = (item.image && !image) || (item.truth && !truth) || (item.classes && !classes);
    if (memory === undefined || map === undefined || isMissing) {
      if (parts !== undefined) throw notShared(isMissing ? 'the format of what belongs to it' : 'its format', item);
      await close();
      return undefined;
    }
    requireSameGrid(map.info, image?.info);
    for (const other of [truth, classes]) if (other !== undefined) requireSameGrid(other.info, image?.info ?? map.info);
    const sized = { ...map, info: withPixelSize(map.info, image?.info, options) };
    const opened = { map: sized, image, truth, classes };
    const whole = pixelsOf(sized.info) * bytesPerPixel(opened);
    const isSmall = parts === undefined && whole <= memory.whole;
    const why = isSmall ? undefined : wholeNeeded(reader, item, opened);
    if (why !== undefined && parts !== undefined) throw notShared(why, item);
    if (!isSmall && why === undefined) {
      const bytes = parts === undefined ? Math.min(memory.tiles, DEFAULT_BYTES) : sharedBytes(options);
      const free = host.memory?.().free ?? Number.POSITIVE_INFINITY;
      const { as, format = [] } = options;
      const nameOf = predictedClasses(inputs.prediction);
      return new RegionMap(item.name, opened, { bytes, parts, free, as, format, nameOf });
    }
    await close();
    if (why === undefined) return undefined;
    const free = host.memory?.().free ?? Number.POSITIVE_INFINITY;
    const takes = `it is measured as a whole because of ${why}, which takes about ${megabytes(whole)}`;
    if (whole > free) {
      throw new LamellaError(`${takes}, and ${megabytes(free)} are free.`, {
        file: item.labels.path,
        remedy: `Remove it, or use a lower resolution: ${option('level')}.`,
      });
    }
    hooks.onNote?.(`${item.name}: ${takes}.`);
    return undefined;
  } catch (cause) {
    await close();
    throw cause;
  }
}

const notShared = (why: string, { labels }: MeasureItem): UsageError =>
  new UsageError(`this cannot be measured by several jobs because of ${why}.`, {
    file: labels.path,
    remedy: `Use TIFF or OME-Zarr whose values number objects, or remove ${option('shard')} and ${option('stage')}.`,
  });

/** What of a measurement needs the whole map, as a noun. */
function wholeNeeded(
  { options, inputs }: MeasureReader,
  { labels }: MeasureItem,
  { map, image, truth }: OpenedMaps,
): string | undefined {
  const { format = [] } = options;
  const drawn = format.find((name) => !BY_REGION.includes(name));
  const kind = options.as ?? map.info.labelKind ?? inputs.written ?? declaredOf([labels])?.kind;
  if (drawn !== undefined) return option('format', drawn);
  const isPlaced = [map, image, truth].some((opened) => opened?.info.geometry !== undefined);
  if (isPlaced) return 'its orientation in the patient';
  if (sizes(map.info).channels > 1) return 'its colours';
  if (truth !== undefined && sizes(truth.info).channels > 1) return 'the colours of its ground truth';
  if (kind === undefined) return `its values, unless ${option('as', 'objects')} says that they number objects`;
  return kind === 'classes' ? 'its classes, of which connected pixels are objects' : undefined;
}
