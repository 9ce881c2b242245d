import type { DType } from '../../../array/ndarray.ts';
import { FormatError } from '../../../errors.ts';
import type { Directory } from './directory.ts';

/** The validated sample layout of one page. */
export interface PageLayout {
  readonly width: number;
  readonly height: number;
  readonly samples: number;
  readonly bits: number;
  readonly dtype: DType;
  readonly compression: number;
  readonly predictor: number;
  readonly photometric: number;
  readonly fillOrder: number;
  /** Whether the samples of a pixel are in separate planes instead of interleaved. */
  readonly planar: boolean;
  readonly blockWidth: number;
  readonly blockHeight: number;
  /** Strips have as many rows as remain, tiles always `blockHeight`. */
  readonly tiled: boolean;
  readonly offsets: Float64Array;
  readonly byteCounts: Float64Array;
  /** Meaning of each extra sample: 0 unspecified, 1 premultiplied alpha, 2 alpha. */
  readonly extraSamples: Float64Array;
}

export const PHOTOMETRIC = {
  whiteIsZero: 0,
  blackIsZero: 1,
  rgb: 2,
  palette: 3,
  cmyk: 5,
  yCbCr: 6,
  cieLab: 8,
} as const;
export const COMPRESSION = {
  none: 1,
  lzw: 5,
  jpeg: 7,
  deflate: 8,
  packBits: 32773,
  oldDeflate: 32946,
  aperioYCbCr: 33003,
  aperioRgb: 33005,
  jpeg2000: 34712,
  zstd: 50000,
} as const;

const JPEG_2000: readonly number[] = [COMPRESSION.aperioYCbCr, COMPRESSION.aperioRgb, COMPRESSION.jpeg2000];
export const isJpeg2000 = ({ compression }: Pick<PageLayout, 'compression'>): boolean =>
  JPEG_2000.includes(compression);

/** Whether strips and tiles are pictures of a format of their own, to which the tags of the coding do not apply. */
export const isPicture = (layout: Pick<PageLayout, 'compression'>): boolean =>
  layout.compression === COMPRESSION.jpeg || isJpeg2000(layout);

/** Names of unsupported compressions, so that the message says what to look for in the save dialogue. */
const OTHER_COMPRESSIONS: Readonly<Record<number, string>> = {
  2: 'CCITT fax (Huffman RLE)',
  3: 'CCITT fax group 3',
  4: 'CCITT fax group 4',
  6: 'old-style JPEG',
  9: 'JBIG',
  10: 'JBIG',
  99: 'JPEG (number 99)',
  22610: 'JPEG XR',
  32766: 'NeXT RLE',
  32771: 'CCITT fax (Huffman RLE)',
  32809: 'ThunderScan',
  32895: 'IT8 CT',
  32896: 'IT8 LW',
  32897: 'IT8 MP',
  32898: 'IT8 BL',
  32908: 'Pixar film',
  32909: 'Pixar log',
  32947: 'Kodak DCS',
  33004: 'JPEG 2000 (number 33004)',
  33007: 'JPEG (number 33007)',
  34661: 'JBIG',
  34676: 'SGI LogLuv',
  34677: 'SGI LogLuv',
  34713: 'Nikon NEF',
  34715: 'JBIG2',
  34718: 'Microsoft Document Imaging',
  34719: 'Microsoft Document Imaging',
  34720: 'Microsoft Document Imaging',
  34887: 'LERC',
  34892: 'lossy JPEG DNG',
  34925: 'LZMA',
  34926: 'Zstandard (number 34926)',
  34927: 'WebP',
  34933: 'PNG',
  34934: 'JPEG XR',
  50001: 'WebP',
  50002: 'JPEG XL',
  50013: 'PIXTIFF',
  52546: 'JPEG XL',
  65000: 'EER',
  65001: 'EER',
  65002: 'EER',
};
const OTHER_PHOTOMETRICS: Readonly<Record<number, string>> = {
  4: 'transparency mask',
  9: 'ICC L*a*b*',
  10: 'ITU L*a*b*',
  32803: 'colour filter array',
  32844: 'LogL',
  32845: 'LogLuv',
};

/**
 * Checks what a directory declares about its page.
 * @throws FormatError for missing or impossible values, and by name for unsupported ones
 */
export function pageLayout(directory: Directory, file: string): PageLayout {
  const refuse = (what: string): never => {
    throw new FormatError(`${what} is not supported.`, {
      file,
      remedy: 'Save it as TIFF with 8, 16 or 32 bits per sample, uncompressed or with LZW or Deflate.',
    });
  };
  const broken = (what: string): never => {
    throw new FormatError(`the TIFF directory is damaged: ${what}.`, { file, remedy: 'Save it again.' });
  };
  const width = directory.first('ImageWidth') ?? broken('it states no width');
  const height = directory.first('ImageLength') ?? broken('it states no height');
  if (!isCount(width) || !isCount(height)) broken(`its size is ${width} x ${height}`);
  const depth = directory.first('ImageDepth') ?? 1;
  if (depth > 1) refuse(`a volume of ${depth} slices in one TIFF page (ImageDepth)`);
  const samples = directory.first('SamplesPerPixel') ?? 1;
  if (!isCount(samples) || samples > 65_535) broken(`it states ${samples} samples per pixel`);

  const compression = directory.first('Compression') ?? COMPRESSION.none;
  if (!(Object.values(COMPRESSION) as number[]).includes(compression)) {
    refuse(`TIFF compression ${OTHER_COMPRESSIONS[compression] ?? `number ${compression}`}`);
  }
  const photometric = directory.first('PhotometricInterpretation') ?? PHOTOMETRIC.blackIsZero;
  if (!(Object.values(PHOTOMETRIC) as number[]).includes(photometric)) {
    refuse(`TIFF colour space ${OTHER_PHOTOMETRICS[photometric] ?? `number ${photometric}`}`);
  }
  if (photometric === PHOTOMETRIC.yCbCr && !isPicture({ compression }))
    refuse('TIFF colour space YCbCr without JPEG or JPEG 2000');
  if (photometric === PHOTOMETRIC.palette && samples !== 1) refuse(`a TIFF palette with ${samples} samples per pixel`);

  const allBits = directory.all('BitsPerSample');
  const bits = allBits[0] ?? 1;
  if (allBits.some((other) => other !== bits)) refuse(`TIFF with different bits per sample (${allBits.join(', ')})`);
  const formats = directory.all('SampleFormat');
  const format = formats[0] ?? 1;
  if (formats.some((other) => other !== format)) {
    refuse(`TIFF with samples of ${[...new Set(formats)].map(sampleFormatName).join(' and ')}`);
  }
  const dtype = sampleType(format, bits) ?? refuse(`TIFF with ${bits} bits per sample of ${sampleFormatName(format)}`);
  const planar = directory.first('PlanarConfiguration') === 2 && samples > 1;
  if (compression === COMPRESSION.jpeg) {
    if (bits !== 8) refuse(`JPEG in TIFF with ${bits} bits per sample`);
    if (!planar && samples !== 1 && samples !== 3) refuse(`JPEG in TIFF with ${samples} samples per pixel`);
    if (planar && photometric === PHOTOMETRIC.yCbCr) refuse('JPEG in TIFF with Y, Cb and Cr in planes');
  }

  if (isJpeg2000({ compression })) {
    if (bits !== 8 && bits !== 16) refuse(`JPEG 2000 in TIFF with ${bits} bits per sample`);
    if (photometric === PHOTOMETRIC.yCbCr && (bits !== 8 || planar || samples !== 3)) {
      refuse('JPEG 2000 in TIFF with Y, Cb and Cr other than three interleaved samples of 8 bits');
    }
  }

  const predictor = directory.first('Predictor') ?? 1;
  if (![1, 2, 3].includes(predictor)) refuse(`TIFF predictor number ${predictor}`);
  if (predictor === 3 && format !== 3) refuse('the floating-point predictor on integers');

  const tiled = directory.first('TileWidth') !== undefined;
  const blockWidth = tiled ? (directory.first('TileWidth') as number) : width;
  const blockHeight = tiled
    ? (directory.first('TileLength') ?? 0)
    : Math.min(height, directory.first('RowsPerStrip') || height);
  if (!isCount(blockWidth) || !isCount(blockHeight)) broken(`its tiles are ${blockWidth} x ${blockHeight}`);
  const blocks = Math.ceil(width / blockWidth) * Math.ceil(height / blockHeight) * (planar ? samples : 1);
  // Some writers store the offsets of tiles in the strip tags.
  const table = (tiles: 'TileOffsets' | 'TileByteCounts', strips: 'StripOffsets' | 'StripByteCounts') => {
    const own = directory.all(tiled ? tiles : strips);
    return own.length > 0 ? own : directory.all(strips);
  };
  const offsets = table('TileOffsets', 'StripOffsets');
  let byteCounts = table('TileByteCounts', 'StripByteCounts');
  if (offsets.length < blocks) broken(`it needs ${blocks} strips or tiles and lists ${offsets.length}`);
  const down = Math.ceil(height / blockHeight);
  const rowsOf = (block: number) =>
    tiled ? blockHeight : Math.min(blockHeight, height - (block % down) * blockHeight);
  if (byteCounts.length === 0 && compression === COMPRESSION.none) {
    const perRow = rowBytes(blockWidth, planar ? 1 : samples, bits);
    byteCounts = Float64Array.from({ length: blocks }, (_, block) => perRow * rowsOf(block));
  }
  if (byteCounts.length < blocks)
    broken(`it needs the lengths of ${blocks} strips or tiles and lists ${byteCounts.length}`);

  return {
    width,
    height,
    samples,
    bits,
    dtype,
    compression,
    predictor: isPicture({ compression }) ? 1 : predictor,
    photometric,
    fillOrder: directory.first('FillOrder') ?? 1,
    planar,
    blockWidth,
    blockHeight,
    tiled,
    offsets,
    byteCounts,
    extraSamples: directory.all('ExtraSamples'),
  };
}

/** Bytes per row of packed samples; rows start at whole bytes. */
export function rowBytes(width: number, samples: number, bits: number): number {
  return Math.ceil((width * samples * bits) / 8);
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value < 2 ** 32;
}

function sampleType(format: number, bits: number): DType | undefined {
  const whole: Readonly<Record<number, readonly [DType, DType]>> = {
    8: ['uint8', 'int8'],
    16: ['uint16', 'int16'],
    32: ['uint32', 'int32'],
    64: ['uint64', 'int64'],
  };
  if (format === 3) return ({ 16: 'float16', 32: 'float32', 64: 'float64' } as const)[bits as 16 | 32 | 64];
  if (format === 2) return whole[bits]?.[1];
  if (format !== 1 && format !== 4) return undefined;
  if (!Number.isInteger(bits) || bits < 1) return undefined;
  return bits <= 8 ? 'uint8' : bits <= 16 ? 'uint16' : bits <= 32 ? 'uint32' : whole[bits]?.[0];
}

function sampleFormatName(format: number): string {
  return (
    {
      1: 'unsigned integers',
      2: 'signed integers',
      3: 'floating point',
      4: 'undefined format',
      5: 'complex integers',
      6: 'complex floating point',
    }[format] ?? `format ${format}`
  );
}
