import { countClasses } from '../../dataset/classification/classes.ts';
import { readClasses } from '../../dataset/classification/read.ts';
import { nodeFiles } from '../../platform/node/files.ts';

/** A data set of classes: how many images of which size, and of which class. */
export async function inspectClasses(path: string): Promise<{ readonly describe: unknown; readonly text: string }> {
  const { classNames, parts, notes } = await readClasses(nodeFiles, path);
  const all = [...parts.train, ...parts.validation, ...parts.test];
  const sizes = [...new Set(all.map(({ width, height, channels }) => `${width} x ${height} x ${channels}`))];
  const shown = sizes.length > 4 ? `${sizes.slice(0, 4).join(', ')}, ... (${sizes.length} sizes)` : sizes.join(', ');
  const counts = Object.fromEntries(
    Object.entries(parts).map(([part, samples]) => [part, countClasses(samples, classNames.length)]),
  );
  return {
    describe: { kind: 'classes', path, classes: classNames, counts, sizes },
    text: [path, ...notes, `images: ${shown}`, 'Train on them with --model perceptron, mlp or alexnet.']
      .map((line, i) => (i === 0 ? line : `  ${line}`))
      .join('\n'),
  };
}
