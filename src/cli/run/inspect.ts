import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { holdsClasses } from '../../dataset/classification/names.ts';
import { FormatError, ModelError } from '../../errors.ts';
import type { ModelName } from '../../models/spec.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import { MODEL_NAMES } from '../choices.ts';
import type { InspectFlags } from '../commands/inspect.ts';

/** Tells what a path is; only the code for its kind is loaded. */
export async function runInspect(path: string, flags: InspectFlags): Promise<void> {
  const told = await inspected(path, flags);
  const { describe, text } = flags.personal === true ? await withPersonal(told, path, flags) : told;
  if (flags.svg !== undefined) await drawNetwork(path, flags.svg, flags.size);
  process.stdout.write(flags.json === true ? `${JSON.stringify(describe, jsonNumber, 2)}\n` : `${text}\n`);
}

/** With what leads to the person, which is shown to who asks for it and nowhere else. */
async function withPersonal(told: Inspected, path: string, flags: InspectFlags): Promise<Inspected> {
  const { personalOf } = await import('./inspect-personal.ts');
  const elements = await personalOf(path, flags);
  const width = Math.max(0, ...elements.map(({ name }) => name.length)) + 2;
  const lines = elements.map(({ name, value }) => `    ${name.padEnd(width)}${value}`);
  return {
    describe: {
      ...(told.describe as object),
      personal: Object.fromEntries(elements.map(({ name, value }) => [name, value])),
    },
    text: [told.text, `  personal data${lines.length === 0 ? ': none' : ':'}`, ...lines].join('\n'),
  };
}

/** Draws the network that is meant. @throws as `modelGraph`. */
async function drawNetwork(what: string, svg: string, size: readonly [number, number] | undefined): Promise<void> {
  const [{ modelGraph }, { networkSvg }, { atomicWrite }] = await Promise.all([
    import('./model-graph.ts'),
    import('../../graph/draw.ts'),
    import('../../platform/node/atomic-write.ts'),
  ]);
  const { graph, parameters, title } = await modelGraph(what, size);
  await atomicWrite(svg, networkSvg(graph, { parameters, title }));
}

interface Inspected {
  readonly describe: unknown;
  readonly text: string;
}

/** JSON has no big integers. */
function jsonNumber(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return value instanceof Map ? Object.fromEntries(value) : value;
}

async function inspected(path: string, flags: InspectFlags): Promise<Inspected> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) {
    if ((MODEL_NAMES as readonly string[]).includes(path)) {
      const { inspectNetwork } = await import('./inspect-model.ts');
      return inspectNetwork(path as ModelName, flags.size);
    }
    throw new FormatError('there is no such file or folder.', {
      file: path,
      remedy: `Check the path, or give the name of a network: ${MODEL_NAMES.join(', ')}.`,
    });
  }
  if (holdsClasses(await nodeFiles.list(path))) {
    const { inspectClasses } = await import('./inspect-classes.ts');
    return inspectClasses(path);
  }
  if (info.isDirectory()) {
    const isRun = (await stat(join(path, 'config.json')).catch(() => undefined)) !== undefined;
    const { inspectFolder, inspectRun } = await import('./inspect-folder.ts');
    return isRun ? inspectRun(path) : inspectFolder(path, flags);
  }
  if (extname(path).toLowerCase() === '.onnx') {
    const { inspectModel } = await import('./inspect-model.ts');
    return inspectModel(path, flags.size);
  }
  try {
    const [{ readImageFile }, { inspectImage }] = await Promise.all([
      import('../../platform/node/image-files.ts'),
      import('./inspect-image.ts'),
    ]);
    return await inspectImage(await readImageFile(path, { palette: 'index' }), flags);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    // An ONNX file of another name.
    const { inspectModel } = await import('./inspect-model.ts');
    try {
      return await inspectModel(path, flags.size);
    } catch (other) {
      if (other instanceof FormatError || other instanceof ModelError) throw cause;
      throw other;
    }
  }
}
