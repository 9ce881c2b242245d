/** The network of a run in 8 bits: calibrated on its training images, judged by those that it held out. */

import { crc32, hex8 } from '../array/crc32.ts';
import { applyMapping, backgroundOf, kindOf } from '../dataset/labels/labels.ts';
import type { RawPage } from '../dataset/raw.ts';
import { ModelError, option, RunError, UsageError } from '../errors.ts';
import { scorerFor } from '../evaluate/scorer.ts';
import { folderName } from '../files.ts';
import { editOnnx } from '../graph/onnx/edit.ts';
import { readSignature } from '../graph/onnx/model.ts';
import { convolutionsOf, quantise, type Ranges, rangesFrom, withRanges } from '../graph/onnx/quantise.ts';
import { type ModelMetadata, metadataEntry, readMetadata } from '../models/metadata.ts';
import { isWindowName } from '../models/sliding-window.ts';
import { openOwnModel } from '../predict/own.ts';
import { predictPage } from '../predict/predict.ts';
import type { Program, Runtime } from '../runtime/runtime.ts';
import { type RunConfig, readConfig } from '../train/config.ts';
import { ownPages } from './compare-data.ts';
import { readLabelled } from './data-before.ts';
import type { Host } from './host.ts';
import { modelFileOf } from './model-files.ts';
import { runReader } from './read-run.ts';

/** Dice changes by less than this; otherwise convolutions stay float32. */
const LARGEST_CHANGE = 0.002;
/** Training images that the ranges of values are found on, evenly spread. */
const CALIBRATED_ON = 16;
/** Side of the middle of each that is predicted, in pixels, with what the network sees around it. */
const PART = 256;
/** Pixels of the held-out images that judge, at least one of which is whole. */
const JUDGED_PIXELS = 4e6;

export interface EightBitModel {
  /** The ONNX file. */
  readonly file: string;
  /** Mean Dice of the foreground classes over all pixels of the held-out images. */
  readonly dice: { readonly float32: number; readonly int8: number };
  readonly images: { readonly calibrating: number; readonly judging: number };
  readonly convolutions: number;
  /** Convolutions that stay float32, by name. */
  readonly floats: readonly string[];
}

export interface EightBitOptions {
  /** Which of the run's models; default: the best. */
  readonly which?: 'best' | 'last';
}

/**
 * Writes the model of a run in 8 bits beside it: `best-int8.onnx`, ONNX of operations that every runtime has. All
 * convolutions are of 8 bits, or as many as leave Dice on held-out images within 0.002 of that of the model in float32.
 * @param run a run folder
 * @throws UsageError for a model without a run; ModelError for networks that 8 bits are not for, and those that they change
 * too much; RunError for a run that held nothing out; as `readLabelled` if its images are gone
 */
export async function exportEightBit(host: Host, run: string, { which }: EightBitOptions = {}): Promise<EightBitModel> {
  const { files } = host;
  const file = await modelFileOf(files, run, which);
  const store = runReader(files, folderName(file));
  if ((await files.kind(run)) !== 'folder') {
    throw new UsageError('this is a model without a run, so there are no images to calibrate 8 bits on.', {
      file,
      remedy: 'Specify the folder of the run that it is from.',
    });
  }
  const bytes = await files.read(file);
  const metadata = readMetadata(readSignature(bytes, { file }), { file });
  requireSuitable(metadata, file);
  const config = await readConfig(store);
  const { calibrating, judging } = await pagesOf(host, run, config);
  const runtime = await host.openRuntime('cpu');
  try {
    const ranges = await calibrate(runtime, bytes, calibrating);
    const made = await choose(runtime, bytes, ranges, { config, calibrating, judging, file });
    const found = {
      dice: made.dice,
      images: { calibrating: calibrating.length, judging: judging.length },
      convolutions: convolutionsOf(bytes).length,
      floats: made.floats,
    };
    const out = eightBitName(file);
    const provenance = { ...metadata.provenance, int8: describeEightBit(found), int8Of: hex8(crc32(bytes)) };
    await files.write(out, editOnnx(made.bytes, { metadata: metadataEntry({ ...metadata, provenance }) }));
    return { file: out, ...found };
  } finally {
    await runtime.dispose();
  }
}

/** The model in 8 bits of a run, as it was made from its present model, or made now. @throws as `exportEightBit` */
export async function eightBitFileOf(
  host: Host,
  run: string,
  { which, onMade }: EightBitOptions & { readonly onMade?: (made: EightBitModel) => void } = {},
): Promise<string> {
  const { files } = host;
  const file = await modelFileOf(files, run, which);
  // It is one already.
  if (readSignature(await files.read(file), { file }).operations.has('QuantizeLinear')) return file;
  const out = eightBitName(file);
  if ((await files.kind(out)) === 'file') {
    const { provenance } = readMetadata(readSignature(await files.read(out), { file: out }), { file: out }) ?? {};
    if (provenance?.int8Of === hex8(crc32(await files.read(file)))) return out;
  }
  const made = await exportEightBit(host, run, { which });
  onMade?.(made);
  return made.file;
}

const eightBitName = (file: string): string => file.replace(/(\.onnx)?$/i, '-int8.onnx');

/** One sentence on what was made. */
export function describeEightBit({ dice, images, convolutions, floats }: Omit<EightBitModel, 'file'>): string {
  const kept = floats.length === 0 ? '' : `; ${floats.join(', ')} stay float32`;
  return `8 bits in ${convolutions - floats.length} of ${convolutions} convolutions${kept}. Dice of ${images.judging} held-out images: ${dice.int8.toFixed(4)}, in float32 ${dice.float32.toFixed(4)}; calibrated on ${images.calibrating} training images`;
}

function requireSuitable(metadata: ModelMetadata | undefined, file: string): asserts metadata is ModelMetadata {
  const problem =
    metadata === undefined || metadata.network.name === 'onnx'
      ? 'the network is of another program'
      : metadata.task === 'classification'
        ? 'it names the class of a whole image'
        : metadata.maps !== undefined
          ? `it gives ${metadata.maps.by} instead of classes`
          : metadata.axes === 'ncdhw'
            ? 'it is of volumes'
            : isWindowName(metadata.network.name) || metadata.network.name === 'filter-bank'
              ? 'it looks at each pixel alone'
              : undefined;
  if (problem === undefined) return;
  throw new ModelError(`8 bits are for U-Nets of images, and ${problem}.`, {
    file,
    remedy: 'Use it in float32.',
  });
}

/** @throws RunError, DatasetError */
async function pagesOf({ files }: Host, folder: string, config: RunConfig) {
  if (config.validationImages.length === 0) {
    throw new RunError('this run held out no images, by which 8 bits could be judged.', {
      file: folder,
      remedy: `Use it in float32, or train with ${option('split')}.`,
    });
  }
  const raw = await readLabelled(files, config, { as: kindOf(config.recipe.labels) });
  const run = { config, folder };
  const training = ownPages(run, raw, 'trainingImages');
  const held = ownPages(run, raw, 'validationImages');
  const step = Math.ceil(training.length / CALIBRATED_ON);
  let pixels = 0;
  const judging = spread(held).filter(({ width, height }, i) => {
    pixels += width * height;
    return i === 0 || pixels <= JUDGED_PIXELS;
  });
  return { calibrating: training.filter((_, i) => i % step === 0), judging };
}

/** Every second first, from both ends: any number from the beginning comes from all over the list. */
function spread<T>(list: readonly T[]): readonly T[] {
  if (list.length < 3) return list;
  return [...spread(list.filter((_, i) => i % 2 === 0)), ...list.filter((_, i) => i % 2 === 1)];
}

const middle = ({ width, height }: RawPage) => {
  const [wide, tall] = [Math.min(PART, width), Math.min(PART, height)];
  return { x: (width - wide) >> 1, y: (height - tall) >> 1, width: wide, height: tall };
};

/** What values occur in the network of a file of ours while the middles of pages are predicted. */
export async function calibrate(runtime: Runtime, bytes: Uint8Array, pages: readonly RawPage[]): Promise<Ranges> {
  // Compiled for a shape it would not give the ranges.
  const { prepare: _, ...model } = await openOwnModel(runtime, withRanges(bytes));
  const { program } = model;
  let ranges: Ranges = new Map();
  const run: Program['run'] = async (feeds) => {
    const outputs = await program.run(feeds);
    ranges = rangesFrom(outputs, ranges);
    return outputs;
  };
  const watched = {
    ...model,
    program: {
      inputs: program.inputs,
      outputs: program.outputs,
      run,
      writeState: (state: Parameters<Program['writeState']>[0]) => program.writeState(state),
      readState: (names?: readonly string[]) => program.readState(names),
      dispose: () => program.dispose(),
    },
  };
  for (const page of pages) await predictPage(watched, page, { region: middle(page) });
  await program.dispose();
  return ranges;
}

interface Data {
  readonly config: RunConfig;
  readonly calibrating: readonly RawPage[];
  readonly judging: readonly RawPage[];
  readonly file: string;
}

/** As many convolutions of 8 bits as leave Dice as it is: those that change probabilities most stay float32, twice as many each time. */
async function choose(
  runtime: Runtime,
  bytes: Uint8Array,
  ranges: Ranges,
  { config, calibrating, judging, file }: Data,
) {
  const diceOf = (own: Uint8Array) => dice(runtime, own, config, judging);
  const float32 = await diceOf(bytes);
  const names = convolutionsOf(bytes);
  let floats: readonly string[] = [];
  let worstFirst: readonly string[] | undefined;
  for (;;) {
    const made = quantise(bytes, ranges, { floats: new Set(floats) });
    const int8 = await diceOf(made);
    if (Math.abs(int8 - float32) < LARGEST_CHANGE) return { bytes: made, dice: { float32, int8 }, floats };
    const count = Math.max(1, 2 * floats.length);
    if (count >= names.length) {
      throw new ModelError(`8 bits change Dice from ${float32.toFixed(4)} to ${int8.toFixed(4)}.`, {
        file,
        remedy: 'Use it in float32.',
      });
    }
    worstFirst ??= await byDamage(runtime, bytes, ranges, names, calibrating[0] as RawPage);
    floats = worstFirst.slice(0, count);
  }
}

/** Convolutions by how much probabilities change if they alone are of 8 bits, the worst first. */
async function byDamage(
  runtime: Runtime,
  bytes: Uint8Array,
  ranges: Ranges,
  names: readonly string[],
  page: RawPage,
): Promise<readonly string[]> {
  const predict = async (own: Uint8Array) => {
    const model = await openOwnModel(runtime, own);
    const { data } = await predictPage(model, page, { region: middle(page) });
    await model.program.dispose();
    return data;
  };
  const expected = await predict(bytes);
  const damage = new Map<string, number>();
  for (const name of names) {
    const others = new Set(names.filter((other) => other !== name));
    const found = await predict(quantise(bytes, ranges, { floats: others }));
    damage.set(
      name,
      found.reduce((sum, p, i) => sum + Math.abs(p - (expected[i] as number)), 0),
    );
  }
  return [...names].sort((a, b) => (damage.get(b) as number) - (damage.get(a) as number));
}

async function dice(
  runtime: Runtime,
  bytes: Uint8Array,
  { recipe: { labels } }: RunConfig,
  pages: readonly RawPage[],
): Promise<number> {
  const background = backgroundOf(labels);
  const scorer = scorerFor(
    { kind: 'dice', leaveOut: background },
    labels.classes.map(({ name }) => name),
  );
  const model = await openOwnModel(runtime, bytes);
  for (const page of pages) {
    const probabilities = await predictPage(model, page);
    scorer.add({ page: { ...page, label: applyMapping(page.label, labels) }, probabilities });
  }
  await model.program.dispose();
  return scorer.result().score;
}
