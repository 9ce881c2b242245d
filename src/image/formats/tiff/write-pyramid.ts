/** Writes tiled OME-TIFF with its pyramid, BigTIFF where 32 bits might not reach, in the memory of a row of tiles. */

import { zlibSync } from 'fflate';
import { copyBox, offsetIn, placesIn, stridesOf } from '../../../array/boxes.ts';
import { allocate, bytesPer, type DType, elementCount, type Storage } from '../../../array/ndarray.ts';
import { UsageError } from '../../../errors.ts';
import { baseName, createFile, type WritableFiles } from '../../../files.ts';
import { sizes } from '../../image.ts';
import { type PyramidLevel, PyramidWriter, planLevels } from '../../pyramid.ts';
import { type ImageSink, WrittenUnits } from '../../sink.ts';
import type { ImageInfo, Region } from '../../source.ts';
import { TAG } from './directory.ts';
import { CLASSIC_LIMIT, entry, isColour, LONG, LONG8, sampleEntries, TiffParts, text } from './entries.ts';
import { OME_TYPES, omeXml } from './ome-xml.ts';

const TILE_PX = 512;
/** Tile sides are multiples of it. */
const TILE_STEP = 16;
/** More than Deflate adds to what it cannot compress. */
const GROWTH = 1.001;

export interface WriteOmeTiffOptions {
  /** Whether values are labels, whose lower resolutions have no means; default: as the image says. */
  readonly labels?: boolean;
  /** Resolutions; default: down to 512 pixels. */
  readonly levels?: number;
  /** BigTIFF, whose offsets have 64 bits; default: where 32 might not reach. */
  readonly big?: boolean;
}

/** The tiles of a level of one page. */
interface Tiles {
  readonly offsets: number[];
  readonly lengths: number[];
}

/**
 * Begins an OME-TIFF: tiles of 512 x 512, compressed with Deflate, lower resolutions in SubIFDs, red, green and blue of
 * uint8 and uint16 as the samples of one page. It is written from top to bottom, page after page, and appears when it is
 * finished. Slices are not averaged with each other.
 *
 * @param info of the image; axes in the order `tczyx`
 * @throws UsageError for a dtype that OME-TIFF does not have; LamellaError without permission
 */
export async function writeOmeTiff(
  files: WritableFiles,
  path: string,
  info: ImageInfo,
  { labels = info.labelKind !== undefined, levels: count, big: wanted }: WriteOmeTiffOptions = {},
): Promise<ImageSink> {
  const { dtype, axes, shape } = info;
  if (OME_TYPES[dtype] === undefined) {
    throw new UsageError(`OME-TIFF has no values of the type ${dtype}.`, { file: path, remedy: 'Write OME-Zarr.' });
  }
  const samples = isColour(info) ? sizes(info).channels : 1;
  const levels = planLevels(info, { halveZ: false }).slice(0, count) as [PyramidLevel, ...PyramidLevel[]];
  const [tileHeight, tileWidth] = shape
    .slice(-2)
    .map((length) => Math.min(TILE_PX, Math.ceil(length / TILE_STEP) * TILE_STEP));
  const units = levels.map((level) =>
    level.shape.map((length, i) =>
      axes[i] === 'x' ? length : axes[i] === 'y' ? tileHeight : axes[i] === 'c' ? samples : 1,
    ),
  );
  const sink = { info, unit: units[0], inOrder: true };
  const written = new WrittenUnits(sink);
  const tilesOf = ([height, width]: readonly number[]): number =>
    Math.ceil(height / tileHeight) * Math.ceil(width / tileWidth);
  const tileBytes = tileHeight * tileWidth * samples * bytesPer(dtype);
  const pages = elementCount(shape.slice(0, -2)) / samples;
  const most =
    levels.reduce((sum, level) => sum + pages * tilesOf(level.shape.slice(-2)), 0) * (tileBytes * GROWTH + 16);
  const big = wanted ?? most > CLASSIC_LIMIT;
  const { zlib } = files;
  const deflate = (bytes: Uint8Array): Uint8Array => zlib?.deflate(bytes) ?? zlibSync(bytes);
  const file = await createFile(files, path);
  let size = big ? 16 : 8;
  /** By page and level. */
  const stored = Array.from({ length: pages }, () => levels.map((): Tiles => ({ offsets: [], lengths: [] })));

  /** Writes the tiles of a row. */
  const writeRow = async (level: number, page: number, rows: Storage[DType], height: number): Promise<void> => {
    const [width] = levels[level].shape.slice(-1);
    const { offsets, lengths } = stored[page][level];
    for (let left = 0; left < width; left += tileWidth) {
      const packed = deflate(tileOf(rows, { dtype, samples, height, width, left, tileHeight, tileWidth }));
      await file.write(size, packed);
      offsets.push(size);
      lengths.push(packed.length);
      size += packed.length + (packed.length % 2);
    }
  };
  const pyramid = new PyramidWriter(levels, dtype, labels ? 'first' : 'mean', {
    units,
    async write(level, region, data) {
      for (const { page, height, rows } of rowsIn(region, units[level], levels[level].shape, dtype, data)) {
        await writeRow(level, page, rows, height);
      }
    },
  });

  const finish = async (): Promise<void> => {
    const parts = new TiffParts({ start: size, big });
    const offsetType = big ? LONG8 : LONG;
    const entriesOf = (level: number, page: number) => [
      ...sampleEntries(dtype, levels[level].shape.slice(-2) as [number, number], { samples, deflate: true }),
      entry(TAG.TileWidth, LONG, [tileWidth]),
      entry(TAG.TileLength, LONG, [tileHeight]),
      entry(TAG.TileOffsets, offsetType, stored[page][level].offsets),
      entry(TAG.TileByteCounts, LONG, stored[page][level].lengths),
    ];
    const description = omeXml(info, { samples, name: baseName(path).replace(/(\.ome)?\.tiff?$/i, '') });
    for (let page = 0; page < pages; page++) {
      const smaller = levels
        .slice(1)
        .map((_, n) =>
          parts.directory([...entriesOf(n + 1, page), entry(TAG.NewSubfileType, LONG, [1])], { chained: false }),
        );
      parts.directory([
        ...entriesOf(0, page),
        ...(smaller.length > 0 ? [entry(TAG.SubIFDs, offsetType, smaller)] : []),
        ...(page === 0 ? [text(TAG.ImageDescription, description)] : []),
      ]);
    }
    for (const part of parts.parts) {
      await file.write(size, part);
      size += part.length;
    }
    await file.write(0, headerOf(parts.first, big));
    await file.finish();
  };
  return {
    ...sink,
    async write(region, data) {
      written.add(region, data);
      await pyramid.write(region, data);
    },
    async finish() {
      written.requireAll(path);
      await finish();
    },
    abort: () => file.abort(),
  };
}

function headerOf(first: number, big: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(big ? 16 : 8));
  view.setUint16(0, 0x4949, true);
  view.setUint16(2, big ? 43 : 42, true);
  if (big) {
    view.setUint16(4, 8, true);
    view.setBigUint64(8, BigInt(first), true);
  } else view.setUint32(4, first, true);
  return new Uint8Array(view.buffer);
}

interface Row {
  readonly page: number;
  readonly height: number;
  readonly rows: Storage[DType];
}

/** The rows of tiles in a region of whole units, in order, with the number of their page. */
function* rowsIn(
  { start, shape }: Region,
  unit: readonly number[],
  whole: readonly number[],
  dtype: DType,
  data: Storage[DType],
): Generator<Row> {
  const counts = whole.map((length, i) => Math.ceil(length / unit[i]));
  const first = start.map((at, i) => Math.floor(at / unit[i]));
  const end = start.map((at, i) => Math.ceil((at + shape[i]) / unit[i]));
  const strides = stridesOf(shape);
  for (const place of placesIn(first, end)) {
    const page = place.slice(0, -2).reduce((sum, p, i) => sum * counts[i] + p, 0);
    const from = place.map((p, i) => p * unit[i] - start[i]);
    const extent = from.map((at, i) => Math.min(unit[i], shape[i] - at));
    const rows = allocate(dtype, elementCount(extent));
    copyBox(data, offsetIn(from, strides), strides, rows, 0, stridesOf(extent), extent);
    yield { page, height: extent[extent.length - 2], rows };
  }
}

/** A tile as stored: samples of a pixel together, filled up with zeros. @param rows [samples, height, width] */
function tileOf(
  rows: Storage[DType],
  {
    dtype,
    samples,
    height,
    width,
    left,
    tileHeight,
    tileWidth,
  }: {
    readonly dtype: DType;
    readonly samples: number;
    readonly height: number;
    readonly width: number;
    readonly left: number;
    readonly tileHeight: number;
    readonly tileWidth: number;
  },
): Uint8Array {
  const [source, tile] = [rows as Float64Array, allocate(dtype, tileHeight * tileWidth * samples) as Float64Array];
  const across = Math.min(tileWidth, width - left);
  for (let y = 0; y < height; y++) {
    const to = y * tileWidth * samples;
    if (samples === 1) tile.set(source.subarray(y * width + left, y * width + left + across), to);
    else {
      for (let s = 0; s < samples; s++) {
        const from = (s * height + y) * width + left;
        for (let x = 0; x < across; x++) tile[to + x * samples + s] = source[from + x];
      }
    }
  }
  return new Uint8Array(tile.buffer);
}
