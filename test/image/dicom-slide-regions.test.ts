/** Whole slides in DICOM that are read by region: every region is that of the slide read as a whole. */

import { describe, expect, it } from 'vitest';
import { cropped } from '../../src/array/boxes.ts';
import { stream } from '../../src/array/random.ts';
import { bytesSource } from '../../src/files.ts';
import { openSlide } from '../../src/image/formats/dicom/open-slide.ts';
import { openImage, readImage } from '../../src/image/read.ts';
import { type DicomItem, dicomFile } from '../support/dicom.ts';

const [ROWS, COLUMNS, HEIGHT, WIDTH] = [16, 24, 50, 90];
const GRID = [0, 16, 32, 48].flatMap((y) => [0, 24, 48, 72].map((x) => [x, y] as const));
/** Two focal planes of two optical paths. */
const LAYERS = [0, 1].flatMap((p) => [0, 1].flatMap((z) => GRID.map(([x, y]) => [x, y, z, p] as const)));
type Tile = (typeof LAYERS)[number];
const RLE = '1.2.840.10008.1.2.5';

function header(tiles: readonly Tile[], extra: DicomItem = {}): DicomItem {
  return {
    '0008,0016 UI': '1.2.840.10008.5.1.4.1.1.77.1.6',
    '0008,0060 CS': 'SM',
    '0020,000e UI': '1.2.3',
    '0028,0002 US': 1,
    '0028,0004 CS': 'MONOCHROME2',
    '0028,0008 IS': String(tiles.length),
    '0028,0010 US': ROWS,
    '0028,0011 US': COLUMNS,
    '0028,0100 US': 16,
    '0028,0101 US': 12,
    '0028,0102 US': 11,
    '0028,0103 US': 0,
    '0048,0006 UL': WIDTH,
    '0048,0007 UL': HEIGHT,
    '0048,0105 SQ': [{ '0048,0106 SH': 'DAPI' }, { '0048,0106 SH': 'GFP' }],
    '5200,9229 SQ': [{ '0028,9110 SQ': [{ '0028,0030 DS': '0.0005\\0.00025' }] }],
    ...extra,
  };
}
const FULL: DicomItem = { '0020,9311 CS': 'TILED_FULL', '0048,0302 UL': 2, '0048,0303 UL': 2, '5200,9230 SQ': [] };
const sparse = (tiles: readonly Tile[]): DicomItem => ({
  '0020,9311 CS': 'TILED_SPARSE',
  '5200,9230 SQ': tiles.map(([x, y, z, p]) => ({
    '0048,021a SQ': [{ '0040,074a DS': String(1.5 * z), '0048,021e SL': x + 1, '0048,021f SL': y + 1 }],
    '0048,0207 SQ': [{ '0048,0106 SH': p === 0 ? 'DAPI' : 'GFP' }],
  })),
});

/** Values of 16 bits, more than the header says are stored. */
const samplesOf = (tile: number): number[] => {
  const random = stream(tile, 'tile');
  return Array.from({ length: ROWS * COLUMNS }, () => Math.floor(random.uniform() * 65_536));
};
const plain = (tiles: readonly Tile[], extra: DicomItem, syntax?: string): Uint8Array =>
  dicomFile(header(tiles, { ...extra, '7fe0,0010 OW': tiles.flatMap((_, i) => samplesOf(i)) }), syntax);

const bytes32 = (...values: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const item = (content: Uint8Array): Uint8Array => joined(bytes32(0xe000fffe, content.length), content);

/** A frame in RLE without a run: two segments, of the high and the low bytes. */
function packed(values: readonly number[]): Uint8Array {
  const segment = (bytes: readonly number[]): number[] =>
    Array.from({ length: Math.ceil(bytes.length / 128) }, (_, i) => bytes.slice(128 * i, 128 * i + 128)).flatMap(
      (run) => [run.length - 1, ...run],
    );
  const segments = [8, 0].map((shift) => segment(values.map((value) => (value >> shift) & 255)));
  const first = (segments[0] as number[]).length;
  const head = bytes32(2, 64, 64 + first, ...Array<number>(13).fill(0));
  const content = joined(head, Uint8Array.from(segments.flat()));
  return content.length % 2 === 0 ? content : joined(content, Uint8Array.of(0));
}

/** @param table of offsets in the pixels, in an element of its own, or none @param cut fragments of each frame @param shift of an offset that is wrong */
function compressed(
  tiles: readonly Tile[],
  extra: DicomItem,
  table: 'basic' | 'long' | 'none',
  cut = 1,
  shift = 0,
): Uint8Array {
  const frames = tiles.map((_, i) => {
    const content = packed(samplesOf(i));
    const side = 2 * Math.ceil(content.length / cut / 2);
    return joined(
      ...Array.from({ length: cut }, (__, k) =>
        item(content.subarray(k * side, Math.min(content.length, (k + 1) * side))),
      ),
    );
  });
  const offsets = frames.map(
    (_, i) => frames.slice(0, i).reduce((sum, { length }) => sum + length, 0) + (i === 5 ? shift : 0),
  );
  const long = joined(...offsets.map((offset) => bytes32(offset, 0)));
  const element = (number: number, vr: string, length: number) =>
    joined(Uint8Array.of(0xe0, 0x7f, number, 0, vr.charCodeAt(0), vr.charCodeAt(1), 0, 0), bytes32(length));
  return joined(
    dicomFile(header(tiles, extra), RLE),
    ...(table === 'long' ? [element(1, 'OV', long.length), long] : []),
    element(0x10, 'OB', 0xffffffff),
    item(table === 'basic' ? bytes32(...offsets) : new Uint8Array()),
    ...frames,
    bytes32(0xe0ddfffe, 0),
  );
}

const SHUFFLED = LAYERS.map((_, i) => LAYERS[(i * 29) % LAYERS.length] as Tile).filter((_, i) => i !== 3);

describe('is that of the whole', () => {
  it.each([
    ['plain, TILED_FULL', plain(LAYERS, FULL)],
    ['plain, TILED_SPARSE with a missing tile', plain(SHUFFLED, sparse(SHUFFLED))],
    ['big-endian', plain(LAYERS, FULL, '1.2.840.10008.1.2.2')],
    ['compressed, by the basic table', compressed(LAYERS, FULL, 'basic')],
    ['compressed, by the extended table', compressed(LAYERS, FULL, 'long')],
    ['compressed, without a table', compressed(SHUFFLED, sparse(SHUFFLED), 'none')],
    ['compressed, in three fragments each', compressed(LAYERS, FULL, 'basic', 3)],
  ])('%s', async (_, file) => {
    const whole = await readImage(file, 'slide.dcm');
    let most = 0;
    const counted = { ...bytesSource(file, 'slide.dcm') };
    const source = {
      size: counted.size,
      close: counted.close,
      read: (offset: number, length: number) => {
        most = Math.max(most, length);
        return counted.read(offset, length);
      },
    };
    const slide = await openImage(source, 'slide.dcm', { openSlide });
    const { data, ...info } = whole;
    expect(slide.info).toEqual(info);
    expect(slide.chunk).toEqual([1, 1, ROWS, COLUMNS]);
    expect((await slide.read()).data).toEqual(data);
    most = 0;
    const random = stream(1, 'regions');
    for (let n = 0; n < 40; n++) {
      const start = whole.shape.map((length) => Math.floor(random.uniform() * length));
      const shape = whole.shape.map(
        (length, axis) => 1 + Math.floor(random.uniform() * (length - (start[axis] as number))),
      );
      const read = await slide.read(0, { start, shape });
      expect(read.data).toEqual(cropped(whole, start, shape).data);
      expect(read.channels).toEqual(whole.channels?.slice(start[0], (start[0] as number) + (shape[0] as number)));
    }
    expect(most).toBeLessThanOrEqual(64 + 2.1 * ROWS * COLUMNS);
    await slide.close();
  });

  it('colours in one plane each', async () => {
    const colours = { '0028,0002 US': 3, '0028,0004 CS': 'RGB', '0028,0006 US': 0, '0048,0105 SQ': [] };
    const eight = { '0028,0100 US': 8, '0028,0101 US': 8, '0028,0102 US': 7 };
    const pixels = Array.from({ length: GRID.length * ROWS * COLUMNS * 3 }, (_, i) => (i * 7) % 251);
    const tiles = GRID.map(([x, y]) => [x, y, 0, 0] as const);
    const full = { '0020,9311 CS': 'TILED_FULL', '5200,9230 SQ': [] };
    const file = dicomFile(header(tiles, { ...full, ...colours, ...eight, '7fe0,0010 OB': pixels }));
    const whole = await readImage(file, 'slide.dcm');
    const slide = await openImage(bytesSource(file, 'slide.dcm'), 'slide.dcm', { openSlide });
    expect(whole).toMatchObject({ axes: 'cyx', channels: ['red', 'green', 'blue'], dtype: 'uint8' });
    const region = { start: [1, 10, 20], shape: [2, 30, 40] };
    const read = await slide.read(0, region);
    expect(read.data).toEqual(cropped(whole, region.start, region.shape).data);
    expect(read.channels).toEqual(['green', 'blue']);
  });
});

describe('what is not read by region is read as a whole', () => {
  const tiles = GRID.map(([x, y]) => [x, y, 0, 0] as const);

  it('floats, which stay as they are', async () => {
    const values = Array.from({ length: GRID.length * ROWS * COLUMNS }, (_, i) => Math.fround((i % 97) / 97 - 0.5));
    const map = { ...FULL, '0048,0105 SQ': [], '0048,0302 UL': 1, '0048,0303 UL': 1, '0028,0100 US': 32 };
    const whole = await openImage(
      bytesSource(dicomFile(header(tiles, { ...map, '7fe0,0008 OF': values })), 'map.dcm'),
      'map.dcm',
      { openSlide },
    );
    const { dtype, data, shape } = await whole.read();
    expect([dtype, shape]).toEqual(['float32', [HEIGHT, WIDTH]]);
    // The first rows of the first two tiles.
    const row = ROWS * COLUMNS;
    expect([...data.subarray(0, 48)]).toEqual([...values.slice(0, COLUMNS), ...values.slice(row, row + COLUMNS)]);
  });

  it('one page of several', async () => {
    const file = plain(LAYERS, FULL);
    const whole = await readImage(file, 'slide.dcm');
    const page = await readImage(file, 'slide.dcm', { page: 1, openSlide });
    expect(page.data).toEqual((await readImage(file, 'slide.dcm', { page: 1 })).data);
    expect(page.data.length).toBeLessThan(whole.data.length);
    await expect(readImage(file, 'slide.dcm', { page: 99, openSlide })).rejects.toThrow(/page 99/);
  });
});

describe('what is damaged is said', () => {
  const open = (file: Uint8Array) => openImage(bytesSource(file, 'slide.dcm'), 'slide.dcm', { openSlide });
  it('pixels that are cut off', async () => {
    await expect(open(plain(LAYERS, FULL).slice(0, -10))).rejects.toThrow(
      /^slide\.dcm: the tiles of the slide take \d+ bytes, but only \d+ are there: the pixels are cut off\. Copy the file again/,
    );
    await expect(open(compressed(LAYERS, FULL, 'none').slice(0, -200))).rejects.toThrow(/the pixels are truncated/);
    await expect(open(compressed(LAYERS, FULL, 'basic').slice(0, -200))).rejects.toThrow(/the pixels are truncated/);
  });
  it('a table of offsets that leads elsewhere', async () => {
    const slide = await open(compressed(LAYERS, FULL, 'basic', 1, 2));
    await expect(slide.read()).rejects.toThrow(/^slide\.dcm: the table of offsets does not fit the pixels\./);
  });
});
