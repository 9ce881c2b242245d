import { type Image, ndarray, UsageError } from 'lamella';
import { bicubicField, gaussianBlur, type Random, stream } from 'lamella/array';
import { smoothNoise } from './noise.ts';

export interface NucleiOptions {
  /** The same seed produces the same image, bit for bit. Default 0. */
  readonly seed?: number;
  /** Pixels. Default 512. */
  readonly width?: number;
  /** Pixels. Default 512. */
  readonly height?: number;
  /** How crowded: 0 empty, 1 as in a culture at half confluence (default), 2 the densest. */
  readonly density?: number;
  /** Strength of shot and readout noise: 0 none, 1 as in a short exposure (default). */
  readonly noise?: number;
}

export interface Nuclei {
  /** uint8 `yx`, spacing 0.325 µm: a camera of 6.5 µm behind an objective of 20x. */
  readonly image: Image<'uint8'>;
  /** uint16 `yx`: 0 background, then one number per nucleus, also where they touch. */
  readonly label: Image<'uint16'>;
}

interface Point {
  readonly y: number;
  readonly x: number;
}

/** An outline around a centre: a stretched circle with a few bumps. */
interface Nucleus extends Point {
  readonly radius: number;
  /** Length over width, at an angle. */
  readonly stretch: number;
  readonly turn: number;
  readonly bumps: readonly { readonly waves: number; readonly height: number; readonly phase: number }[];
  readonly brightness: number;
  /** Condensed chromosomes: small, bright, without nucleoli. */
  readonly mitotic: boolean;
  readonly nucleoli: readonly { readonly dy: number; readonly dx: number; readonly radius: number }[];
}

const SPACING_UM = 0.325;
const RADIUS_PX = 13;
/** Area of the image per nucleus at density 1. */
const AREA_PX = 4200;
/** Nuclei grow beside others this often. */
const CLUSTERED = 0.45;
/** Centres are at least so far apart, in sums of their radii: outlines touch, and none lies inside another. */
const CLOSEST = 0.86;

function drawNucleus(random: Random, y: number, x: number): Nucleus {
  const mitotic = random.uniform() < 0.04;
  const radius = RADIUS_PX * Math.exp(0.17 * random.normal()) * (mitotic ? 0.7 : 1);
  return {
    y,
    x,
    radius,
    stretch: mitotic ? random.between(1.6, 2.1) : 1 + Math.min(0.8, 0.32 * Math.abs(random.normal())),
    turn: random.between(0, Math.PI),
    bumps: [2, 3, 4, 5].map((waves) => ({
      waves,
      height: (0.12 / waves) * random.normal(),
      phase: random.between(0, 2 * Math.PI),
    })),
    brightness: Math.exp(0.28 * random.normal()) * (mitotic ? 1.7 : 1),
    mitotic,
    nucleoli: Array.from({ length: mitotic ? 0 : 1 + random.integer(4) }, () => {
      const [angle, distance] = [random.between(0, 2 * Math.PI), random.between(0.1, 0.6) * radius];
      return { dy: distance * Math.sin(angle), dx: distance * Math.cos(angle), radius: random.between(1.4, 2.8) };
    }),
  };
}

/** Nuclei one by one, each somewhere or beside an earlier one, where there is room. */
function drawNuclei(random: Random, height: number, width: number, density: number): readonly Nucleus[] {
  const wanted = Math.round((density * height * width) / AREA_PX);
  const nuclei: Nucleus[] = [];
  for (let tries = 0; nuclei.length < wanted && tries < 30 * wanted; tries++) {
    const beside =
      nuclei.length > 0 && random.uniform() < CLUSTERED ? nuclei[random.integer(nuclei.length)] : undefined;
    const [angle, apart] = [random.between(0, 2 * Math.PI), random.between(0.9, 1.05)];
    const next = drawNucleus(random, random.between(-4, height + 4), random.between(-4, width + 4));
    const distance = apart * (next.radius + (beside?.radius ?? 0));
    const placed = beside
      ? { ...next, y: beside.y + distance * Math.sin(angle), x: beside.x + distance * Math.cos(angle) }
      : next;
    const hasRoom = nuclei.every(
      ({ y, x, radius }) => Math.hypot(y - placed.y, x - placed.x) >= CLOSEST * (radius + placed.radius),
    );
    if (hasRoom) nuclei.push(placed);
  }
  return nuclei;
}

/** Calls `use` with every pixel whose centre is within a radius, and how far it is from the point. */
function forEachNear(
  { y: cy, x: cx }: Point,
  radius: number,
  [height, width]: readonly [number, number],
  use: (p: number, dy: number, dx: number) => void,
): void {
  for (let y = Math.max(0, Math.floor(cy - radius)); y < Math.min(height, cy + radius); y++) {
    for (let x = Math.max(0, Math.floor(cx - radius)); x < Math.min(width, cx + radius); x++) {
      const [dy, dx] = [y + 0.5 - cy, x + 0.5 - cx];
      if (dy * dy + dx * dx < radius * radius) use(y * width + x, dy, dx);
    }
  }
}

/** Distance of a point from the centre, 1 on the outline. */
function relativeDistance({ radius, stretch, turn, bumps }: Nucleus, dy: number, dx: number): number {
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  const along = (c * dx + s * dy) / Math.sqrt(stretch);
  const across = (c * dy - s * dx) * Math.sqrt(stretch);
  const angle = Math.atan2(across, along);
  let outline = radius;
  for (const { waves, height, phase } of bumps) outline += radius * height * Math.cos(waves * angle + phase);
  return Math.hypot(along, across) / outline;
}

/** Which nucleus has each pixel, from 1, and how far from its centre the pixel is; where two overlap the nearer one. */
function fillOutlines(nuclei: readonly Nucleus[], height: number, width: number) {
  const label = new Uint16Array(height * width);
  const distance = new Float32Array(height * width).fill(1);
  nuclei.forEach((nucleus, i) => {
    const reach = nucleus.radius * Math.sqrt(nucleus.stretch) * 1.3;
    forEachNear(nucleus, reach, [height, width], (p, dy, dx) => {
      const own = relativeDistance(nucleus, dy, dx);
      if (own >= distance[p]) return;
      distance[p] = own;
      label[p] = i + 1;
    });
  });
  return { label, distance };
}

/** Numbers those that are in the image from 1 on, without a gap. */
function renumber(label: Uint16Array): void {
  const numbers = new Map<number, number>([[0, 0]]);
  label.forEach((value, p) => {
    const number = numbers.get(value) ?? numbers.size;
    numbers.set(value, number);
    label[p] = number;
  });
}

/** Light of each pixel before the optics: chromatin, darker nucleoli. 1 is a nucleus of mean brightness. */
function emitted(
  nuclei: readonly Nucleus[],
  { label, distance }: ReturnType<typeof fillOutlines>,
  [height, width]: readonly [number, number],
  seed: number,
): Float32Array {
  const noise = (purpose: string, wavelengthPx: number): Float32Array =>
    smoothNoise(seed, purpose, 0, [height, width], { wavelengthPx, wavelengthSlices: 1 });
  const [coarse, fine] = [noise('chromatin', 6), noise('fine chromatin', 2.6)];
  const light = new Float32Array(height * width);
  for (let p = 0; p < light.length; p++) {
    const nucleus = nuclei[label[p] - 1];
    if (nucleus === undefined) continue;
    // As thick as an ellipsoid flattened on glass.
    const thickness = 0.4 + 0.6 * (1 - distance[p] ** 2) ** 0.4;
    const texture = nucleus.mitotic ? 1 + 0.1 * fine[p] : 1 + 0.2 * coarse[p] + 0.16 * fine[p];
    light[p] = Math.max(0, nucleus.brightness * thickness * texture);
  }
  nuclei.forEach(({ y, x, nucleoli }, i) => {
    for (const { dy, dx, radius } of nucleoli) {
      forEachNear({ y: y + dy, x: x + dx }, radius, [height, width], (p) => {
        if (label[p] === i + 1) light[p] *= 0.6;
      });
    }
  });
  return light;
}

/** Adds fragments of dead cells: bright, smaller than any nucleus, and none of them. */
function addDebris(light: Float32Array, height: number, width: number, random: Random): void {
  for (let left = Math.round((height * width) / 90_000); left > 0; left--) {
    const centre = { y: random.between(0, height), x: random.between(0, width) };
    const [radius, brightness] = [random.between(1, 2.2), random.between(0.6, 1.8)];
    forEachNear(centre, radius, [height, width], (p) => {
      light[p] = brightness;
    });
  }
}

const COARSE = 4;

/** A wide Gaussian blur, on a grid of every fourth pixel. */
function blurredWide(plane: Float32Array, height: number, width: number, sigmaPx: number): Float32Array {
  const [rows, columns] = [Math.ceil(height / COARSE), Math.ceil(width / COARSE)];
  const means = new Float32Array(rows * columns);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / COARSE) * columns;
    for (let x = 0; x < width; x++) means[row + Math.floor(x / COARSE)] += plane[y * width + x] / COARSE ** 2;
  }
  gaussianBlur(means, rows, columns, sigmaPx / COARSE);
  // The first mean is that of pixels 0 to 3.
  const start = (0.5 - COARSE / 2) / COARSE;
  const step = 1 / COARSE;
  return bicubicField(means, [rows, columns], [height, width], {
    startY: start,
    startX: start,
    stepY: step,
    stepX: step,
  });
}

/** Light in focus is spread by the objective, a part of it far: the haze of a wide field. */
function throughObjective(light: Float32Array, height: number, width: number): void {
  const haze = blurredWide(light, height, width, 9);
  gaussianBlur(light, height, width, 1.15);
  for (let p = 0; p < light.length; p++) light[p] = 0.76 * light[p] + 0.24 * haze[p];
}

/** Grey values of light: uneven illumination and background, shot noise of photons, noise and offset of the readout. */
function photographed(
  light: Float32Array,
  [height, width]: readonly [number, number],
  seed: number,
  noise: number,
): Uint8Array {
  const random = stream(seed, 'nuclei camera');
  const size = [height, width] as const;
  const cloud = smoothNoise(seed, 'background', 0, size, { wavelengthPx: 90, wavelengthSlices: 1 });
  const [centreY, centreX] = [random.between(0.35, 0.65) * height, random.between(0.35, 0.65) * width];
  const [photons, background] = [random.between(80, 115), random.between(0.13, 0.22)];
  const [offset, gain] = [9, 1.05];
  const out = new Uint8Array(light.length);
  for (let p = 0; p < out.length; p++) {
    const dy = (Math.floor(p / width) - centreY) / height;
    const dx = ((p % width) - centreX) / width;
    const illumination = 1 - 0.55 * (dy * dy + dx * dx);
    const expected = photons * illumination * (light[p] + background * (1 + 0.3 * cloud[p]));
    const counted = expected + noise * (Math.sqrt(expected) * random.normal() + 2.2 * random.normal());
    out[p] = Math.min(255, Math.max(0, Math.round(offset + gain * counted)));
  }
  return out;
}

/**
 * A synthetic fluorescence micrograph of stained nuclei with its labels: outlines of varied size and shape, many of them
 * touching, chromatin and nucleoli, a few mitoses and fragments that are no nuclei, the blur and haze of a wide-field
 * microscope, uneven illumination and background, shot and readout noise. A threshold finds the nuclei, but not which of
 * them touch.
 *
 * @throws UsageError for a size below 64 px, or a density or noise that is negative, not finite or above 2.
 * @example const { image, label } = nuclei({ seed: 1 });
 */
export function nuclei({ seed = 0, width = 512, height = 512, density = 1, noise = 1 }: NucleiOptions = {}): Nuclei {
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isInteger(value) || value < 64)
      throw new UsageError(`The ${name} of an image of nuclei is ${value}.`, {
        remedy: 'Give an integer of at least 64.',
      });
  }
  for (const [name, value] of Object.entries({ density, noise })) {
    if (!(value >= 0 && value <= 2))
      throw new UsageError(`The ${name} of an image of nuclei is ${value}.`, { remedy: 'Give a number from 0 to 2.' });
  }
  const size = [height, width] as const;
  const drawn = drawNuclei(stream(seed, 'nuclei'), height, width, density);
  const outlines = fillOutlines(drawn, height, width);
  const light = emitted(drawn, outlines, size, seed);
  addDebris(light, height, width, stream(seed, 'nuclei debris'));
  throughObjective(light, height, width);
  const { label } = outlines;
  renumber(label);
  const spacing = { y: { value: SPACING_UM, unit: 'µm' }, x: { value: SPACING_UM, unit: 'µm' } };
  const shape = [height, width];
  return {
    image: {
      ...ndarray('uint8', shape, photographed(light, size, seed, noise)),
      axes: 'yx',
      spacing,
      channels: ['grey'],
    },
    label: { ...ndarray('uint16', shape, label), axes: 'yx', spacing, labelKind: 'objects' },
  };
}
