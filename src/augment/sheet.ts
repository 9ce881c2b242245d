import { ndarray } from '../array/ndarray.ts';
import { IGNORE } from '../dataset/labels/labels.ts';
import type { TrainingSet } from '../dataset/patch-position.ts';
import { type Colour, classColour } from '../image/display.ts';
import type { Image } from '../image/image.ts';
import { augmentSettings, NO_AUGMENTATION } from './options.ts';
import { makeSample, type Sample, type SampleOptions } from './sample.ts';

/** Five stops of cividis, dark to bright. */
const HEAT = [
  [0, 34, 78],
  [65, 77, 107],
  [124, 123, 120],
  [188, 175, 111],
  [254, 232, 56],
] as const;

const GAP = 6;
/** Radius in pixels of the dot that shows the colour of a single pixel. */
const DOT = 3;
const BACKGROUND = 255;

interface Canvas {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
}

function put({ data, height, width }: Canvas, y: number, x: number, [r, g, b]: Colour): void {
  const pixels = height * width;
  const p = y * width + x;
  data[p] = r;
  data[pixels + p] = g;
  data[2 * pixels + p] = b;
}

function paint(
  canvas: Canvas,
  top: number,
  left: number,
  [height, width]: readonly [number, number],
  colour: (y: number, x: number) => Colour,
): void {
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) put(canvas, top + y, left + x, colour(y, x));
}

function mix(a: Colour, b: Colour, share: number): Colour {
  return [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), a[2] + share * (b[2] - a[2])];
}

/** Non-finite values stand out. */
const BROKEN: Colour = [255, 0, 255];

/** A sample for display: normalised values -1..1 as grey 0..255, or the first three channels as colour. */
function shown(image: Float32Array, channels: number, pixels: number, p: number): Colour {
  for (let c = 0; c < channels; c++) if (!Number.isFinite(image[c * pixels + p])) return BROKEN;
  const level = (c: number): number => Math.max(0, Math.min(255, 127.5 * (image[c * pixels + p] + 1)));
  return channels >= 3 ? [level(0), level(1), level(2)] : [level(0), level(0), level(0)];
}

function heat(share: number): Colour {
  const at = Math.max(0, Math.min(1, share)) * (HEAT.length - 1);
  const below = Math.min(HEAT.length - 2, Math.floor(at));
  return mix(HEAT[below] as Colour, HEAT[below + 1] as Colour, at - below);
}

type Patch = Pick<Sample, 'image' | 'label' | 'weight'>;

interface SheetRow extends Patch {
  /** The image before augmentation. */
  readonly plain?: Float32Array;
}

/**
 * One row per sample: the plain patch if given, the patch, its labels in colour, its loss weights; non-finite values are
 * magenta.
 */
export function batchSheet(
  rows: readonly SheetRow[],
  { patch: [height, width], outputMargin: margin }: Pick<SampleOptions, 'patch' | 'outputMargin'>,
  channels: number,
): Image<'uint8'> {
  const pixels = height * width;
  const inner = [height - 2 * margin, width - 2 * margin] as const;
  // The single output pixel of a pixel classifier is drawn as a dot.
  const spread = inner[0] * inner[1] === 1 ? Math.min(DOT, margin) : 0;
  const dots = [inner[0] + 2 * spread, inner[1] + 2 * spread] as const;
  const at = (y: number, x: number): number => (spread > 0 ? 0 : y * inner[1] + x);
  const heaviest = rows.reduce((most, { weight }) => weight.reduce((a, b) => Math.max(a, b), most), 1e-6);
  const columns = rows.some(({ plain }) => plain !== undefined) ? 4 : 3;
  const [tall, wide] = [rows.length * (height + GAP) + GAP, columns * (width + GAP) + GAP];
  const canvas: Canvas = { height: tall, width: wide, data: new Uint8Array(3 * tall * wide).fill(BACKGROUND) };
  rows.forEach(({ plain, image, label, weight }, row) => {
    const top = GAP + row * (height + GAP);
    const left = (column: number): number => GAP + (columns - 4 + column) * (width + GAP);
    const size = [height, width] as const;
    if (plain !== undefined) {
      paint(canvas, top, left(0), size, (y, x) => shown(plain, channels, pixels, y * width + x));
    }
    paint(canvas, top, left(1), size, (y, x) => shown(image, channels, pixels, y * width + x));
    paint(canvas, top, left(2), size, (y, x) => shown(image, channels, pixels, y * width + x));
    const [labelled, edge] = [top + margin - spread, margin - spread];
    paint(canvas, labelled, left(2) + edge, dots, (y, x) => {
      const under = shown(image, channels, pixels, (y + edge) * width + x + edge);
      const value = label[at(y, x)];
      if (value === IGNORE) return (x + y) % 8 < 4 ? mix(under, [128, 128, 128], 0.8) : under;
      return value === 0 ? under : mix(under, classColour(value), 0.45);
    });
    paint(canvas, labelled, left(3) + edge, dots, (y, x) => {
      const value = weight[at(y, x)];
      return Number.isFinite(value) ? heat(value / heaviest) : BROKEN;
    });
  });
  return {
    ...ndarray('uint8', [3, canvas.height, canvas.width], canvas.data),
    axes: 'cyx',
    spacing: {},
    channels: ['red', 'green', 'blue'],
  };
}

/**
 * The input of a network as one RGB image (uint8 `cyx`), one row per sample: the plain patch, the augmented one, its
 * labels in colour (ignored pixels striped) and its loss weights from dark (0) to bright (the sheet's maximum).
 */
export function augmentSheet(
  set: TrainingSet,
  options: SampleOptions,
  { rows = 6 }: { readonly rows?: number } = {},
): Image<'uint8'> {
  const { window: _, ...unseen } = options;
  const plain = { ...unseen, augment: augmentSettings(NO_AUGMENTATION) };
  const samples = Array.from({ length: rows }, (_, step) => ({
    ...makeSample(set, step, 0, options),
    plain: makeSample(set, step, 0, plain).image,
  }));
  return batchSheet(samples, options, set.channels);
}
