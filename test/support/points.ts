import { stream } from '../../src/array/random.ts';

/** A table of points with `features` coordinates about one centre a class, as `.csv` text. */
export function pointsCsv({
  count,
  features,
  classes,
  seed = 1,
  spread = 0.5,
}: {
  readonly count: number;
  readonly features: number;
  readonly classes: number;
  readonly seed?: number;
  readonly spread?: number;
}): string {
  const centre = (label: number, feature: number): number => Math.sin(2 + 3 * label + 5 * feature);
  const lines = Array.from({ length: count }, (_, i) => {
    const random = stream(seed, 'points', 0, i);
    const label = i % classes;
    const at = Array.from({ length: features }, (__, f) => (centre(label, f) + spread * random.normal()).toFixed(4));
    return [...at, `class ${label}`].join(',');
  });
  return `${lines.join('\n')}\n`;
}
