import { countClasses } from '../dataset/classification/classes.ts';
import { readClasses } from '../dataset/classification/read.ts';
import { option } from '../errors.ts';
import type { Files } from '../files.ts';
import type { Inspected } from './inspect-image.ts';

/** A data set for image classification: number of images per size and class. */
export async function inspectClasses(files: Files, path: string): Promise<Inspected> {
  const { classNames, parts, notes } = await readClasses(files, path);
  const all = [...parts.train, ...parts.validation, ...parts.test];
  const sizes = [...new Set(all.map(({ width, height, channels }) => `${width} x ${height} x ${channels}`))];
  const shown = sizes.length > 4 ? `${sizes.slice(0, 4).join(', ')}, ... (${sizes.length} sizes)` : sizes.join(', ');
  const counts = Object.fromEntries(
    Object.entries(parts).map(([part, samples]) => [part, countClasses(samples, classNames.length)]),
  );
  return {
    describe: { kind: 'classes', path, classes: classNames, counts, sizes },
    text: [
      path,
      ...notes,
      `images: ${shown}`,
      `Train on them with ${option('network', 'perceptron')}, ${option('network', 'mlp')} or ${option('network', 'alexnet')}.`,
    ]
      .map((line, i) => (i === 0 ? line : `  ${line}`))
      .join('\n'),
  };
}
