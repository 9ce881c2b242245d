import { UsageError } from '../../errors.ts';
import { nodeHost } from '../../platform/node/host.ts';
import { describeEightBit, exportEightBit } from '../../workflows/eight-bit.ts';
import { exportBioImageIo } from '../../workflows/export-model.ts';
import type { command } from '../commands/export.ts';
import type { Options, Positionals } from '../declare.ts';
import { printJson, say } from '../print.ts';
import { NO_FOLDS_IN_8_BITS, refuseFolds } from '../refuse-folds.ts';

export async function run(
  [model]: Positionals<typeof command>,
  { json = false, int8 = false, ...options }: Options<typeof command>,
): Promise<void> {
  if (int8) return exportInt8(model, { json, ...options });
  const made = await exportBioImageIo(nodeHost, model, { ...options, date: new Date() });
  if (json) return printJson(made);
  const { out, name, test, notes } = made;
  say(
    `${name}: a package of BioImage.IO, with a test of ${test.slice(2).reverse().join(' x ')} pixels`,
    ...notes.map((note) => `note: ${note}`),
    `package: ${out}`,
  );
}

async function exportInt8(
  model: string,
  { json, which, ...others }: Omit<Options<typeof command>, 'int8'>,
): Promise<void> {
  if (Object.keys(others).length > 0) {
    throw new UsageError('--int8 writes an ONNX file and no package, which the other options are for.', {
      remedy: 'Remove them, or --int8.',
    });
  }
  await refuseFolds(model, NO_FOLDS_IN_8_BITS);
  const made = await exportEightBit(nodeHost, model, { which });
  if (json) return printJson(made);
  say(describeEightBit(made), `model: ${made.file}`);
}
