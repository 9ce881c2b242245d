import { counted, DatasetError, option, UsageError } from '../../errors.ts';
import { ImageNotes } from '../../image/notes.ts';
import { nodeHost } from '../../platform/node/host.ts';
import { foldNotes } from '../../predict/cleaned.ts';
import type { OpenedModel } from '../../predict/own.ts';
import type { PredictFolderOptions } from '../../workflows/begin-prediction.ts';
import { isClassifierModel } from '../../workflows/classify.ts';
import { describeEightBit, type EightBitModel, eightBitFileOf } from '../../workflows/eight-bit.ts';
import { mapKindOf } from '../../workflows/map-kind.ts';
import { type PredictHooks, predictFolder } from '../../workflows/predict.ts';
import type { command } from '../commands/predict.ts';
import type { Options, Positionals } from '../declare.ts';
import { withFlags } from '../option-words.ts';
import { say as print, printJson, warn } from '../print.ts';
import { countDisplay, formatDuration } from '../progress.ts';
import { NO_FOLDS_IN_8_BITS, refuseFolds } from '../refuse-folds.ts';
import { stoppable } from '../stop-signal.ts';
import { runClassify } from './classify.ts';

type PredictFlags = Omit<Options<typeof command>, 'shard' | 'stage' | 'resume' | 'precision'>;

function describePatches({ window: { cover }, evaluation }: NonNullable<OpenedModel['patches']>): string {
  const how = evaluation === 'dense' ? 'all pixels at once' : 'one window after another';
  return `the network sees a window of ${cover} x ${cover} pixels: ${how}`;
}

/** How to evaluate a patch classifier, if set. */
function evaluationOf({ dense = false, patchwise = false }: PredictFlags): PredictFolderOptions['evaluation'] {
  if (dense && patchwise) {
    throw new UsageError('--dense and --patchwise are mutually exclusive.', { remedy: 'Use one of them.' });
  }
  return dense ? 'dense' : patchwise ? 'patchwise' : undefined;
}

/** Number of orientations to average over. @throws UsageError for the ten crops of image classifiers. */
function turnsOf({ tta }: Pick<PredictFlags, 'tta'>): PredictFolderOptions['tta'] {
  if (tta !== 10) return tta;
  throw new UsageError('--tta 10 is for image classifiers.', { remedy: 'Use 1, 4 or 8.' });
}

export async function run([model, more]: Positionals<typeof command>, flags: Options<typeof command>): Promise<void> {
  const given = [model, ...more.slice(0, -1)] as const;
  const images = more.at(-1) as string;
  const { shard, stage, resume, precision, ...others } = flags;
  const rest = precision === 'int8' ? { ...others, device: cpuOf(others) } : others;
  const paths = precision === 'int8' ? await inEightBits(given, flags) : given;
  const { overlap, flowError } = flags;
  const separate = flags.separate ?? (await mapKindOf(nodeHost.files, model, flags.which));
  if (separate === undefined && (overlap !== undefined || flowError !== undefined)) {
    throw new UsageError('--overlap and --flow-error are for networks that give stars or flows.', {
      remedy: 'Add --separate stars or --separate flows.',
    });
  }
  if (shard !== undefined || stage !== undefined) {
    if (separate !== undefined) {
      throw new UsageError(`Finding objects by ${separate} is not for several jobs: they are found in whole images.`, {
        remedy: 'Remove --shard and --stage.',
      });
    }
    const { runShards } = await import('./shards.ts');
    return runShards(
      paths,
      images,
      { ...rest, evaluation: evaluationOf(flags), tta: turnsOf(flags) },
      { shard, stage, resume },
    );
  }
  if (resume === true) {
    throw new UsageError('--resume is for predictions in shards.', { remedy: 'Add --shard, or remove it.' });
  }
  const isClassifier = await isClassifierModel(nodeHost.files, model, flags.which);
  await (isClassifier ? runClassify : segment)(paths, images, { ...rest, separate });
}

/** @throws UsageError for another device */
function cpuOf({ device }: Pick<PredictFlags, 'device'>): 'cpu' {
  if (device === 'auto' || device === 'cpu') return 'cpu';
  throw new UsageError(`--precision int8 is for the CPU, not for ${device}.`, { remedy: 'Remove one of the options.' });
}

/** The models of runs in 8 bits; says what it makes. */
async function inEightBits(
  runs: readonly [string, ...string[]],
  { which, quiet = false, json = false }: PredictFlags,
): Promise<readonly [string, ...string[]]> {
  const files: string[] = [];
  for (const run of runs) {
    await refuseFolds(run, NO_FOLDS_IN_8_BITS);
    const onMade = (made: EightBitModel) => (quiet || json ? undefined : print(`note: ${describeEightBit(made)}`));
    files.push(await eightBitFileOf(nodeHost, run, { which, onMade }));
  }
  return files as [string, ...string[]];
}

async function segment(paths: readonly [string, ...string[]], images: string, flags: PredictFlags): Promise<void> {
  const { json = false, quiet = false, dense: _, patchwise: __, separate, overlap, flowError, ...options } = flags;
  const isSilent = quiet || json;
  const say = isSilent ? () => {} : print;
  const set = { ...options, evaluation: evaluationOf(flags), tta: turnsOf(flags) };
  // Only patch classifiers are slow enough for progress within an image to matter.
  const windows = countDisplay('windows');
  const noted = new ImageNotes();
  const began = Date.now();
  const hooks: PredictHooks = {
    onWindow: isSilent ? undefined : windows.update,
    onOpen: (opened) => {
      const files = opened.map(({ file }) => file);
      const [first] = opened;
      say(
        `${files.length === 1 ? 'model' : `mean of ${files.length} models`}: ${files.join(', ')}, classes ${first?.classes.join(', ')}; device: ${first?.runtime.description}`,
      );
      for (const { patches, notes, metadata } of opened) {
        if (patches !== undefined) say(describePatches(patches));
        for (const note of [...(metadata ? foldNotes(metadata) : []), ...notes]) say(withFlags(`note: ${note}`));
      }
    },
    onImage: (result, { name, index, total, plan }) => {
      noted.add({ source: result.image, notes: result.notes });
      const pages = result.pages > 1 ? `${result.pages} pages, ` : '';
      const found = result.objectCount === undefined ? '' : `, ${result.objectCount} objects`;
      say(`${index + 1}/${total} ${name}: ${pages}${plan}${found}, ${(result.ms / 1000).toFixed(1)} s`);
    },
    onNote: (note) => say(withFlags(`note: ${note}`)),
    onFailure: ({ reason }) => warn(reason),
  };
  const result = await stoppable(async (signal) => {
    if (separate === undefined) return predictFolder(nodeHost, paths, images, { ...set, signal }, hooks);
    const { predictMapsFolder } = await import('../../workflows/predict-maps.ts');
    return predictMapsFolder(nodeHost, paths, images, { ...set, separate, overlap, flowError, signal }, hooks);
  }).finally(windows.stop);
  const { out, models, device, classes, images: done, failed } = result;
  for (const line of noted.lines()) say(withFlags(`note: ${line}`));
  if (json) {
    printJson({
      ...(models.length === 1 ? { model: models[0] } : { models }),
      device,
      classes,
      out,
      images: done,
      failed: failed.length === 0 ? undefined : failed,
    });
  } else say(`${counted(done.length, 'image')} in ${formatDuration(Date.now() - began)}: ${out}`);
  if (separate !== undefined && done.length > 0 && done.every(({ objectCount }) => objectCount === 0)) {
    const where = done.length === 1 ? 'the image' : `any of ${done.length} images`;
    warn(`No object was found in ${where}: lower ${option('threshold')}, or train the network longer.`);
  }
  if (failed.length > 0) {
    throw new DatasetError(
      `${failed.length} of ${failed.length + done.length} images could not be segmented; the reasons are given above.`,
      { remedy: 'Replace or remove them.' },
    );
  }
}
