/** Labelled slices whose pixels are read as they are needed. */

import { cutBox } from '../../array/cut-box.ts';
import { bytesPer, elementCount } from '../../array/ndarray.ts';
import type { Rectangle } from '../../array/window-sums.ts';
import { sizes } from '../../image/image.ts';
import { type ImageSource, infoAt, type Region } from '../../image/source.ts';
import { rowsAtOnce } from '../../input/input-regions.ts';
import { type Page, storedPages } from '../../input/planes.ts';
import { type LabelOptions, type LabelPage, labelPages } from '../labels/labels.ts';
import type { RawPage } from '../raw.ts';

/** As `RawPage`, without its pixels. */
export interface StreamedPage
  extends Pick<RawPage, 'name' | 'file' | 'page' | 'height' | 'width' | 'channels' | 'channelNames' | 'pixelMm'> {
  /** Whether values may be negative, and so Hounsfield units that no file says to be such. */
  readonly mayBeHounsfield: boolean;
  /** Rows that are best read at once. */
  readonly rows: number;
  readImage(box: Rectangle): Promise<Page>;
  /** @throws DatasetError as `labelPages` */
  readLabel(box: Rectangle): Promise<LabelPage>;
}

/** Labelled slices that are read by region, before any choices. */
export interface StreamedDataset {
  readonly kind: 'streamed';
  /** Their source, for messages. */
  readonly folder: string;
  readonly pages: readonly StreamedPage[];
  /** What the data set states about its labels. */
  readonly declared?: Pick<LabelOptions, 'classes' | 'ignore' | 'kind'>;
  /** Printed lines. */
  readonly notes: readonly string[];
  /** Why data that lie elsewhere are not rehearsed beside it. */
  readonly alone: string;
  close(): Promise<void>;
}

/** An image or its labels, opened. */
export interface OpenedPart {
  readonly source: ImageSource;
  readonly level: number;
}

/** All rows of a slice, part by part. */
export function partsOf({
  height,
  width,
  rows,
}: Pick<StreamedPage, 'height' | 'width' | 'rows'>): readonly Rectangle[] {
  return Array.from({ length: Math.ceil(height / rows) }, (_, i) => ({
    y: i * rows,
    x: 0,
    width,
    height: Math.min(rows, height - i * rows),
  }));
}

/** Slice `index` of an image that is read by region. @param bytesAtOnce stored bytes for the parts of it (`partsOf`) */
export function sourcePage(
  image: OpenedPart,
  label: OpenedPart,
  { index, ...named }: Pick<StreamedPage, 'name' | 'file' | 'pixelMm'> & { readonly index: number },
  bytesAtOnce: number,
): StreamedPage {
  const info = infoAt(image.source, image.level);
  const { height, width, channels: stored, slices } = sizes(info);
  const kept = Array.from({ length: stored }, (_, c) => c).filter((c) => !/alpha/i.test(info.channels?.[c] ?? ''));
  const chunk = image.level === 0 ? (image.source.chunk?.[info.axes.indexOf('y')] ?? 1) : 1;
  const at = { t: Math.floor(index / slices), z: index % slices };
  return {
    ...named,
    page: index,
    height,
    width,
    channels: kept.length,
    ...(info.channels && { channelNames: kept.map((c) => info.channels?.[c] ?? '') }),
    mayBeHounsfield: !/^(u|bool)/.test(info.dtype) && info.valueUnit === undefined && info.modality === undefined,
    rows: rowsAtOnce(chunk, bytesAtOnce / (width * stored * bytesPer(info.dtype))),
    readImage: async (box) => storedPages(await readBox(image, at, box))[0],
    readLabel: async (box) => labelPages(await readBox(label, at, box))[0],
  };
}

function readBox({ source, level }: OpenedPart, at: Readonly<Record<'t' | 'z', number>>, box: Rectangle) {
  const info = infoAt(source, level);
  const first: Readonly<Record<string, number>> = { ...at, c: 0, y: box.y, x: box.x };
  const extent: Readonly<Record<string, number>> = {
    t: 1,
    z: 1,
    c: sizes(info).channels,
    y: box.height,
    x: box.width,
  };
  const along = (of: Readonly<Record<string, number>>) => [...info.axes].map((axis) => of[axis]);
  return source.read(level, { start: along(first), shape: along(extent) } satisfies Region);
}

/** A slice that is held in memory, because its file cannot be read by region. @param bytesAtOnce as for `sourcePage` */
export function heldPage(page: RawPage, bytesAtOnce: number): StreamedPage {
  const { name, file, page: index, height, width, channels, channelNames, pixelMm, data, label } = page;
  const { values, ...ofLabel } = label;
  return {
    name,
    file,
    page: index,
    height,
    width,
    channels,
    channelNames,
    pixelMm,
    mayBeHounsfield: false,
    rows: rowsAtOnce(1, bytesAtOnce / (width * channels * data.BYTES_PER_ELEMENT)),
    async readImage(box) {
      return { data: cutBox(data, channels, page, box), channels, height: box.height, width: box.width, channelNames };
    },
    async readLabel(box) {
      return { ...ofLabel, values: cutBox(values, 1, page, box), height: box.height, width: box.width };
    },
  };
}

/** About what a pixel takes whose image and labels are held: as they are stored, and as they are trained on. */
export function heldBytes(image: OpenedPart, label: OpenedPart): number {
  const info = infoAt(image.source, image.level);
  const { channels } = sizes(info);
  const bytes = channels * (2 * bytesPer(info.dtype) + 4) + bytesPer(label.source.info.dtype) + 5;
  return (elementCount(info.shape) / channels) * bytes;
}
