import type { Spacing, Spacings } from './image.ts';

/** Spellings of units of length and time in other programs, and ours. */
const SPELLINGS: Readonly<Record<string, string>> = {
  micron: 'µm',
  microns: 'µm',
  micrometer: 'µm',
  micrometers: 'µm',
  micrometre: 'µm',
  um: 'µm',
  μm: 'µm', // Greek mu; ours is the micro sign, as OME and ImageJ have it
  µm: 'µm',
  nanometer: 'nm',
  nanometers: 'nm',
  nanometre: 'nm',
  millimeter: 'mm',
  millimeters: 'mm',
  millimetre: 'mm',
  centimeter: 'cm',
  centimetre: 'cm',
  angstrom: 'Å',
  Å: 'Å', // Ångström sign
  inches: 'inch',
  in: 'inch',
  sec: 's',
  second: 's',
  seconds: 's',
  msec: 'ms',
};

/** Words in place of a unit that mean there is none. */
const NO_UNIT = new Set(['', 'pixel', 'pixels', 'reference frame', 'null', 'none', 'gray value']);

/** A unit in our spelling; undefined if the text means that there is none. */
export function normaliseUnit(text: string): string | undefined {
  const unit = text.trim().replace(/\\u00b5|\\u00B5/g, 'µ');
  if (NO_UNIT.has(unit.toLowerCase())) return undefined;
  return SPELLINGS[unit] ?? SPELLINGS[unit.toLowerCase()] ?? unit;
}

/** A spacing, if the value is a positive finite number and there is a unit. */
export function spacingOf(value: number, unit: string | undefined): Spacing | undefined {
  return unit !== undefined && Number.isFinite(value) && value > 0 ? { value, unit } : undefined;
}

/** Pixels per inch that programs write for print and screens, or for an unknown pixel size. */
const DEFAULT_DENSITIES = [
  // One pixel per inch, per centimetre, and per millimetre (libvips).
  1, 2.54, 25.4, 72, 75, 90, 96, 100, 120, 144, 150, 180, 192, 200, 220, 240, 300, 350, 360, 400, 600, 720, 1200,
];

/** Whether a density is one of print, of a screen or a writer's default, so that it does not describe the specimen. */
export function isDefaultDensity(pixelsPerInch: number): boolean {
  const perCm = pixelsPerInch / 2.54;
  return DEFAULT_DENSITIES.some(
    (density) =>
      // PNG stores integer pixels per metre: 72 per inch are 2835 per metre, 72.009 per inch; others store integers per
      // centimetre.
      Math.abs(pixelsPerInch - density) < 0.001 * density ||
      (density > 26 && Math.abs(perCm - Math.round(density / 2.54)) < 1e-6),
  );
}

/** Omits the axes without a spacing. */
export function spacingsOf(of: { readonly [axis in keyof Spacings]: Spacings[axis] | undefined }): Spacings {
  return Object.fromEntries(Object.entries(of).filter(([, spacing]) => spacing !== undefined));
}
