/**
 * DICOM files of several frames, in any order within the file. References: pydicom 3.0.2 for values, highdicom 0.28.2 for
 * which frame is which (`Image.from_dataset`, `spatial.iter_tiled_full_frame_data`), which read the same structures alike.
 */
import { describe, expect, it } from 'vitest';
import { readDicomSeries, readImage } from '../../src/image/read.ts';
import { type DicomItem, dicomElements, dicomFile } from '../support/dicom.ts';

const PIXELS = 6;

/** An enhanced MR of frames of 3 x 2 pixels; pixel p of the frame with value v is v + p. */
function enhanced(
  frames: readonly { readonly value: number; readonly groups: DicomItem }[],
  extra: DicomItem = {},
): DicomItem {
  return {
    '0008,0016 UI': '1.2.840.10008.5.1.4.1.1.4.1',
    '0008,0060 CS': 'MR',
    '0020,000e UI': '1.2.3',
    '0028,0002 US': 1,
    '0028,0004 CS': 'MONOCHROME2',
    '0028,0008 IS': String(frames.length),
    '0028,0010 US': 2,
    '0028,0011 US': 3,
    '0028,0100 US': 16,
    '0028,0101 US': 16,
    '0028,0102 US': 15,
    '0028,0103 US': 0,
    '5200,9229 SQ': [
      {
        '0020,9116 SQ': [{ '0020,0037 DS': '1\\0\\0\\0\\1\\0' }],
        '0028,9110 SQ': [{ '0018,0050 DS': '3', '0028,0030 DS': '0.7\\0.8' }],
      },
    ],
    '5200,9230 SQ': frames.map(({ groups }) => groups),
    '7fe0,0010 OW': frames.flatMap(({ value }) => Array.from({ length: PIXELS }, (_, p) => value + p)),
    ...extra,
  };
}
const dimensions = (...tags: readonly (readonly [number, number])[]): DicomItem => ({
  '0020,9222 SQ': tags.map((tag) => ({ '0020,9165 AT': tag })),
});
const content = (values: readonly number[], more: DicomItem = {}): DicomItem => ({
  '0020,9111 SQ': [{ '0020,9157 UL': values, ...more }],
});
const at = (z: number): DicomItem => ({ '0020,9113 SQ': [{ '0020,0032 DS': `-10\\-20\\${z}` }] });
const firsts = (data: ArrayLike<number | bigint>, pixels = PIXELS) =>
  Array.from({ length: data.length / pixels }, (_, i) => data[i * pixels]);

const [IN_STACK, TIME, B_VALUE] = [
  [0x20, 0x9057],
  [0x20, 0x9128],
  [0x18, 0x9087],
] as const;
/** Two times of three slices, in no order; value = 100 t + 10 z. */
const SHUFFLED = [
  [1, 2],
  [0, 0],
  [1, 0],
  [0, 2],
  [1, 1],
  [0, 1],
].map(([t, z]) => ({
  value: 100 * t + 10 * z,
  groups: { ...at(2.5 * z), ...content([z + 1, t + 1]) },
}));
const ORDERED = [0, 10, 20, 100, 110, 120];

describe('frames of an enhanced file', () => {
  it('are ordered by position and by their dimension indices, not by their order in the file', async () => {
    const image = await readImage(dicomFile(enhanced(SHUFFLED, dimensions(IN_STACK, TIME))), 'a.dcm');
    expect(image).toMatchObject({
      axes: 'tzyx',
      shape: [2, 3, 2, 3],
      spacing: { z: { value: 2.5, unit: 'mm' }, y: { value: 0.7, unit: 'mm' }, x: { value: 0.8, unit: 'mm' } },
      geometry: { originMm: [-10, -20, 0], thicknessMm: 3 },
      notes: ['Each place was taken 2 times, told apart by time: these make the time axis.'],
    });
    expect(firsts(image.data)).toEqual(ORDERED);
  });
  it('of other dimensions too, which are named', async () => {
    const image = await readImage(dicomFile(enhanced(SHUFFLED, dimensions(IN_STACK, B_VALUE))), 'a.dcm');
    expect(firsts(image.data)).toEqual(ORDERED);
    expect(image.notes?.[0]).toMatch(/told apart by b-value/);
  });
  it('by the indices alone where positions are missing', async () => {
    const frames = SHUFFLED.map(({ value, groups: { '0020,9113 SQ': _, ...groups } }) => ({ value, groups }));
    const image = await readImage(dicomFile(enhanced(frames, dimensions(IN_STACK, TIME))), 'a.dcm');
    expect([image.axes, firsts(image.data), image.geometry]).toEqual(['tzyx', ORDERED, undefined]);
  });
  it('by what each says of itself where there are no dimension indices', async () => {
    const frames = SHUFFLED.map(({ value }) => {
      const [t, z] = [Math.floor(value / 100), (value % 100) / 10];
      const own = { '0018,9074 DT': `2024010210000${t}.5`, '0020,9057 UL': z + 1 };
      return { value, groups: { ...at(2.5 * z), '0020,9111 SQ': [own] } };
    });
    const image = await readImage(dicomFile(enhanced(frames)), 'a.dcm');
    expect([firsts(image.data), image.notes?.[0]]).toEqual([ORDERED, expect.stringMatching(/told apart by time/)]);
  });
  it('nothing tells repetitions apart: said', async () => {
    const frames = [1, 0].flatMap((t) => [0, 1].map((z) => ({ value: 100 * t + 10 * z, groups: at(z) })));
    const image = await readImage(dicomFile(enhanced(frames)), 'a.dcm');
    expect(firsts(image.data)).toEqual([100, 110, 0, 10]);
    expect(image.notes?.[0]).toMatch(/Their order of acquisition is unknown/);
  });
  it('the same pixels at two times are two times', async () => {
    const frames = [0, 1].flatMap((t) =>
      [0, 1].map((z) => ({ value: 5, groups: { ...at(z), ...content([z + 1, t + 1]) } })),
    );
    expect((await readImage(dicomFile(enhanced(frames, dimensions(IN_STACK, TIME))), 'a.dcm')).shape).toEqual([
      2, 2, 2, 3,
    ]);
  });
  it('taken at other times at other places are refused', async () => {
    const frames = [
      [1, 0],
      [2, 0],
      [2, 1],
      [3, 1],
    ].map(([t, z], i) => ({ value: i, groups: { ...at(z), ...content([z + 1, t]) } }));
    await expect(readImage(dicomFile(enhanced(frames, dimensions(IN_STACK, TIME))), 'a.dcm')).rejects.toThrow(
      /the frames were not taken at the same time everywhere/,
    );
  });
  it('a rescale of its own for each, and its unit', async () => {
    const frames = [1, 2].map((slope, z) => ({
      value: 10,
      groups: {
        ...at(z),
        '0028,9145 SQ': [{ '0028,1052 DS': '-1000', '0028,1053 DS': String(slope), '0028,1054 LO': 'HU' }],
      },
    }));
    const image = await readImage(dicomFile(enhanced(frames)), 'a.dcm');
    expect([firsts(image.data), image.valueUnit]).toEqual([[-990, -980], 'HU']);
  });
  it('three orientations are three stacks, not one image', async () => {
    const axes = ['1\\0\\0\\0\\1\\0', '1\\0\\0\\0\\0\\-1', '0\\1\\0\\0\\0\\-1'];
    const frames = axes.flatMap((orientation, i) =>
      [0, 1].map((k) => ({
        value: 10 * i + k,
        groups: { ...at(k), '0020,9116 SQ': [{ '0020,0037 DS': orientation }] },
      })),
    );
    await expect(readImage(dicomFile(enhanced(frames)), 'a.dcm')).rejects.toThrow(
      /3 stacks of slices .*\(2 axial of 0\.8 x 0\.7 mm, 2 coronal of .*, 2 sagittal of .*\), which are not one image\. Export/,
    );
  });
  it('two stacks without positions are not one either', async () => {
    const frames = ['1', '2'].flatMap((stack) =>
      [1, 2].map((z) => ({ value: z, groups: content([z], { '0020,9056 SH': stack }) })),
    );
    await expect(readImage(dicomFile(enhanced(frames, dimensions(IN_STACK))), 'a.dcm')).rejects.toThrow(/2 stacks/);
  });
  it('slices that are shifted aside are told', async () => {
    const frames = [0, 1, 2].map((z) => ({
      value: z,
      groups: { '0020,9113 SQ': [{ '0020,0032 DS': `${z === 1 ? 9 : 0}\\0\\${z}` }] },
    }));
    expect((await readImage(dicomFile(enhanced(frames)), 'a.dcm')).notes).toEqual([
      'The slices do not lie over each other: some are shifted by up to 9 mm.',
    ]);
  });
  it('nuclear medicine counts them by vectors', async () => {
    const { '5200,9229 SQ': _shared, '5200,9230 SQ': _frames, ...plain } = enhanced(SHUFFLED);
    const vectors: DicomItem = {
      '0028,0009 AT': [0x54, 0x70, 0x54, 0x80],
      '0054,0070 US': SHUFFLED.map(({ value }) => 1 + Math.floor(value / 100)),
      '0054,0080 US': SHUFFLED.map(({ value }) => 1 + (value % 100) / 10),
    };
    const image = await readImage(dicomFile({ ...plain, ...vectors }), 'a.dcm');
    expect([image.axes, firsts(image.data)]).toEqual(['tzyx', ORDERED]);
  });
  it('lie in several files of a concatenation, in any order; a part alone is refused', async () => {
    const files = [2, 0, 1].map((part) => {
      const extra = {
        ...dimensions(IN_STACK, TIME),
        '0020,9161 UI': '1.2.9',
        '0020,9162 US': part + 1,
        '0020,9163 US': 3,
        '0020,9228 UL': 2 * part,
      };
      const bytes = dicomFile(enhanced(SHUFFLED.slice(2 * part, 2 * part + 2), extra));
      return { name: `${part}.dcm`, read: async () => bytes };
    });
    const image = await readDicomSeries(files, 's');
    expect([image.axes, firsts(image.data)]).toEqual(['tzyx', ORDERED]);
    await expect(readDicomSeries(files.slice(1), 's')).rejects.toThrow(
      /part 1, 2 of an image in 3 files .*the others are missing/,
    );
  });
});

/** A slide of 5 x 3 pixels in tiles of 2 x 2, 16 bits; the pixel at x, y of plane z and path p is 1000 p + 100 z + 10 y + x. */
function slide(tiles: readonly (readonly [x: number, y: number, z: number, p: number])[], extra: DicomItem): DicomItem {
  const pixels = tiles.flatMap(([x, y, z, p]) =>
    [0, 1, 2, 3].map((i) => {
      const [px, py] = [x + (i % 2), y + Math.floor(i / 2)];
      // What lies beyond the picture is of no meaning.
      return px < 5 && py < 3 ? 1000 * p + 100 * z + 10 * py + px : 9999;
    }),
  );
  return {
    ...enhanced([]),
    '0008,0016 UI': '1.2.840.10008.5.1.4.1.1.77.1.6',
    '0008,0060 CS': 'SM',
    '0028,0008 IS': String(tiles.length),
    '0028,0010 US': 2,
    '0028,0011 US': 2,
    '0048,0006 UL': 5,
    '0048,0007 UL': 3,
    '5200,9229 SQ': [{ '0028,9110 SQ': [{ '0018,0088 DS': '0.0015', '0028,0030 DS': '0.0005\\0.00025' }] }],
    '7fe0,0010 OW': pixels,
    ...extra,
  };
}
const GRID = [0, 2].flatMap((y) => [0, 2, 4].map((x) => [x, y] as const));
const LAYERS = [0, 1].flatMap((p) => [0, 1].flatMap((z) => GRID.map(([x, y]) => [x, y, z, p] as const)));
const picture = (z: number, p: number) =>
  [0, 1, 2].flatMap((y) => [0, 1, 2, 3, 4].map((x) => 1000 * p + 100 * z + 10 * y + x));
const PATHS: DicomItem = { '0048,0105 SQ': [{ '0048,0106 SH': 'DAPI' }, { '0048,0106 SH': 'GFP' }] };

describe('a whole slide', () => {
  const full = { '0020,9311 CS': 'TILED_FULL', '5200,9230 SQ': [] };
  it('TILED_FULL: along rows, down, through focal planes, through optical paths; edges cut off', async () => {
    const extra = { ...full, ...PATHS, '0048,0302 UL': 2, '0048,0303 UL': 2 };
    const image = await readImage(dicomFile(slide(LAYERS, extra)), 'a.dcm');
    expect(image).toMatchObject({
      axes: 'czyx',
      shape: [2, 2, 3, 5],
      spacing: { z: { value: 1.5, unit: 'µm' }, y: { value: 0.5, unit: 'µm' }, x: { value: 0.25, unit: 'µm' } },
      channels: ['optical path 1', 'optical path 2'],
    });
    expect([...image.data]).toEqual([...picture(0, 0), ...picture(1, 0), ...picture(0, 1), ...picture(1, 1)]);
    expect(image.notes).toBeUndefined();
  });
  it('TILED_SPARSE: where each tile says that it lies, in any order; what is missing is told', async () => {
    const shuffled = [5, 17, 2, 11, 0, 23, 8, 14, 20, 3, 1, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21, 22].map(
      (i) => LAYERS[i],
    );
    const sparse = (tiles: typeof shuffled) =>
      slide(tiles, {
        ...PATHS,
        '0020,9311 CS': 'TILED_SPARSE',
        '5200,9230 SQ': tiles.map(([x, y, z, p]) => ({
          '0048,021a SQ': [{ '0040,074a DS': String(1.5 * z), '0048,021e SL': x + 1, '0048,021f SL': y + 1 }],
          '0048,0207 SQ': [{ '0048,0106 SH': p === 0 ? 'DAPI' : 'GFP' }],
        })),
      });
    const image = await readImage(dicomFile(sparse(shuffled)), 'a.dcm');
    expect([...image.data]).toEqual([...picture(0, 0), ...picture(1, 0), ...picture(0, 1), ...picture(1, 1)]);
    expect(image.spacing.z).toEqual({ value: 1.5, unit: 'µm' });
    // Tile 0 of 2 x 2 of 60 pixels.
    const holed = await readImage(dicomFile(sparse(shuffled.filter((tile) => tile !== LAYERS[0]))), 'a.dcm');
    expect([...holed.data].slice(0, 7)).toEqual([0, 0, 2, 3, 4, 0, 0]);
    expect(holed.notes).toEqual(['6.67 % of the slide has no tiles; it is 0 there.']);
  });
  it('in several files: numbers of frames go on', async () => {
    const tiles = GRID.map(([x, y]) => [x, y, 0, 0] as const);
    const files = [1, 0].map((part) => {
      const extra = {
        ...full,
        '0020,9161 UI': '1.2.9',
        '0020,9162 US': part + 1,
        '0020,9163 US': 2,
        '0020,9228 UL': 3 * part,
      };
      const bytes = dicomFile(slide(tiles.slice(3 * part, 3 * part + 3), extra));
      return { name: `${part}.dcm`, read: async () => bytes };
    });
    expect([...(await readDicomSeries(files, 's')).data]).toEqual(picture(0, 0));
  });
  it('tiles that do not say where they lie, and more of them than there are, are refused', async () => {
    const tiles = GRID.map(([x, y]) => [x, y, 0, 0] as const);
    await expect(readImage(dicomFile(slide(tiles, { '5200,9230 SQ': [] })), 'a.dcm')).rejects.toThrow(
      /positions of the slide tiles/,
    );
    const more = dicomFile(slide([...tiles, ...tiles], full));
    await expect(readImage(more, 'a.dcm')).rejects.toThrow(/12 tiles are more than the image has \(6\)/);
  });
  it('larger than the limit is refused before it is made', async () => {
    const large = slide([[0, 0, 0, 0]], { ...full, '0048,0006 UL': 200_000, '0048,0007 UL': 100_000 });
    await expect(readImage(dicomFile(large), 'a.dcm')).rejects.toThrow(
      /slide \(200000 x 100000.*more than the limit of 4 GiB/,
    );
  });
});

describe('how a file is written down', () => {
  const elements = enhanced(SHUFFLED, dimensions(IN_STACK, TIME));
  const SYNTAXES = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.2'];
  it.each(SYNTAXES)('%s, with its preamble, without it, and without all of the header', async (syntax) => {
    const whole = dicomFile(elements, syntax);
    for (const bytes of [whole, whole.slice(128), whole.slice(132), dicomElements(elements, syntax)]) {
      const image = await readImage(bytes, 'a.dcm');
      expect([image.axes, firsts(image.data)]).toEqual(['tzyx', ORDERED]);
      const told = image.notes?.some((note) => /DICOM without the preamble/.test(note)) === true;
      expect(told).toBe(bytes !== whole);
    }
  });
  it('big-endian, 8 bits: bytes in words (OW) are exchanged, those by themselves (OB) are not; odd counts too', async () => {
    const byte = (pixels: DicomItem) => {
      const { '7fe0,0010 OW': _, '5200,9229 SQ': _s, '5200,9230 SQ': _f, ...rest } = elements;
      const size = {
        '0028,0008 IS': '1',
        '0028,0010 US': 1,
        '0028,0011 US': 5,
        '0028,0100 US': 8,
        '0028,0101 US': 8,
        '0028,0102 US': 7,
      };
      return readImage(dicomFile({ ...rest, ...size, ...pixels }, '1.2.840.10008.1.2.2'), 'a.dcm');
    };
    // Words of which the low byte is the first pixel.
    expect([...(await byte({ '7fe0,0010 OW': [0x0201, 0x0403, 0x0005] })).data]).toEqual([1, 2, 3, 4, 5]);
    expect([...(await byte({ '7fe0,0010 OB': [1, 2, 3, 4, 5] })).data]).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('DICOM that is no image is named', () => {
  it.each([
    ['66.7', /segmentation object \(label map\)/],
    ['66.5', /segmentation by surfaces/],
    ['66.4', /a DICOM segmentation object, /],
    ['66.1', /registration/],
    ['66', /raw data/],
    ['481.3', /RTSTRUCT/],
    ['481.5', /radiotherapy plan/],
    ['481.10', /radiotherapy object/],
    ['11.1', /presentation state/],
    ['88.33', /structured report/],
    ['88.59', /key images/],
    ['104.1', /PDF document/],
    ['9.1.1', /ECG/],
    ['91.1', /microscopy annotations/],
    ['67', /real world values/],
    ['999', /a DICOM object without an image/],
  ])('%s', async (end, name) => {
    const bytes = dicomFile({ '0008,0016 UI': `1.2.840.10008.5.1.4.1.1.${end}`, '0008,0060 CS': 'OT' });
    await expect(readImage(bytes, 'a.dcm')).rejects.toThrow(name);
    await expect(readImage(bytes, 'a.dcm')).rejects.toThrow(/which is not supported\. Remove it/);
  });
});
