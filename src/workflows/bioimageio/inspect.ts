/** Describes a package of BioImage.IO, and tests it if asked to. */

import { counted, ModelError } from '../../errors.ts';
import type { Files } from '../../files.ts';
import type { Host } from '../host.ts';
import type { Inspected } from '../inspect-image.ts';
import { describeModel, type Row, textOf } from '../inspect-model.ts';
import { type CheckedOutput, checkPackage } from './check.ts';
import type { PackageTensor } from './description.ts';
import { packageAsOnnx, readPackage } from './package.ts';

export interface InspectPackageOptions {
  readonly size?: readonly [number, number];
  /** Whether to run its test. */
  readonly check?: boolean;
}

/**
 * @param path a zip, or the description in a folder
 * @throws FormatError if it is no package; with `check` ModelError if it has no test, or fails it
 */
export async function inspectPackage(
  host: { readonly files: Files; readonly openRuntime?: Host['openRuntime'] },
  path: string,
  { size, check = false }: InspectPackageOptions = {},
): Promise<Inspected> {
  const pack = await readPackage(host.files, path);
  const { format, name, summary, licence, authors, weights, inputs, outputs } = pack.description;
  const rows: Row[] = [
    ['package', `${name} (BioImage.IO, model format ${format})`],
    ...(summary === undefined ? [] : [['description', summary.trim()] as Row]),
    ...(authors.length === 0 ? [] : [['authors', authors.join(', ')] as Row]),
    ['licence', licence ?? 'not stated'],
    ['weights', Object.keys(weights).join(', ')],
    ...inputs.map((tensor): Row => ['takes', tensorText(tensor)]),
    ...outputs.map((tensor): Row => ['gives', tensorText(tensor)]),
  ];
  let network: (Pick<Inspected, 'describe'> & { readonly rows: readonly Row[] }) | undefined;
  try {
    network = describeModel(await packageAsOnnx(host.files, path), path, size);
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    rows.push(['note', `cannot be used here: ${cause.problem}`]);
  }
  const checked = check ? await checkOn(host, pack) : undefined;
  const tested = (checked ?? []).map((output): Row => ['test', checkText(output)]);
  return {
    describe: {
      ...network?.describe,
      kind: 'package',
      file: path,
      name,
      format,
      licence,
      weights: Object.keys(weights),
      takes: inputs.map(tensorText),
      gives: outputs.map(tensorText),
      ...(checked && { checked }),
    },
    text: textOf(path, [...rows, ...tested, ...(network?.rows ?? [])]),
  };
}

async function checkOn(
  { openRuntime }: { readonly openRuntime?: Host['openRuntime'] },
  pack: Awaited<ReturnType<typeof readPackage>>,
): Promise<readonly CheckedOutput[]> {
  if (openRuntime === undefined)
    throw new ModelError('there is no device to run its test on.', { file: pack.files.file });
  const runtime = await openRuntime('cpu');
  const checked = await checkPackage(pack, runtime).finally(() => runtime.dispose());
  const failed = checked.filter(({ passed }) => !passed);
  if (failed.length === 0) return checked;
  throw new ModelError(`the network does not give what its package says: ${failed.map(checkText).join('; ')}.`, {
    file: pack.files.file,
    remedy: 'Do not use it before its author has explained it.',
  });
}

function checkText(output: CheckedOutput): string {
  const { name, shape, passed } = output;
  const tensor = `'${name}' [${shape.join(', ')}] ${passed ? 'is as published' : 'differs'}`;
  if ('largestDifference' in output) {
    const { largestDifference, largestValue } = output;
    return `${tensor}: by at most ${Number(largestDifference.toPrecision(2))}, values up to ${Number(largestValue.toPrecision(4))}`;
  }
  const { operation, published, found, matched, leastIou } = output;
  const iou = matched === 0 ? '' : ` with an IoU of at least ${leastIou.toFixed(3)}`;
  return `${tensor}: ${matched} of ${counted(published, 'object')}${iou}, ${found} found by Lamella's decoder; the code of '${operation}' is not run`;
}

function tensorText({ name, axes, operations }: PackageTensor): string {
  const shown = axes.map(
    (axis) => `${axis.name}${axis.channels === undefined ? '' : ` (${axis.channels.join(', ')})`}`,
  );
  const steps = operations.map(({ id }) => id);
  return `${name}: ${shown.join(', ')}${steps.length === 0 ? '' : `; ${steps.join(', ')}`}`;
}
