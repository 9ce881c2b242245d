import type { Spacing } from './image.ts';

/** How programs spell units of length and time, and how we do. */
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
  millimeter: 'mm',
  millimeters: 'mm',
  angstrom: 'Å',
  Å: 'Å', // Ångström sign
  inches: 'inch',
  in: 'inch',
  sec: 's',
  second: 's',
  seconds: 's',
  msec: 'ms',
};

/** Words that stand where a unit would be and say that there is none. */
const NO_UNIT = new Set(['', 'pixel', 'pixels', 'reference frame', 'null', 'none', 'gray value']);

/** A unit in our spelling; undefined when the text says that there is none. */
export function normaliseUnit(text: string): string | undefined {
  const unit = text.trim().replace(/\\u00b5|\\u00B5/g, 'µ');
  if (NO_UNIT.has(unit.toLowerCase())) return undefined;
  return SPELLINGS[unit] ?? SPELLINGS[unit.toLowerCase()] ?? unit;
}

/** A spacing, if the value is a positive finite number and there is a unit. */
export function spacingOf(value: number, unit: string | undefined): Spacing | undefined {
  return unit !== undefined && Number.isFinite(value) && value > 0 ? { value, unit } : undefined;
}

/** Pixels an inch that programs write when nobody told them a pixel size. */
const PRINT_DENSITIES = [72, 96, 100, 150, 200, 300, 600];

/** Whether a density is one of print, so that it says nothing of the specimen. */
export function isPrintDensity(pixelsPerInch: number): boolean {
  // PNG keeps whole pixels a metre: 72 an inch are 2835 a metre, 72.009 an inch.
  return PRINT_DENSITIES.some((density) => Math.abs(pixelsPerInch - density) < 0.02);
}
