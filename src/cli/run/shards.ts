/** `predict` as one of several jobs. */

import { counted, UsageError } from '../../errors.ts';
import { nodeHost } from '../../platform/node/host.ts';
import type { PredictFolderOptions } from '../../workflows/begin-prediction.ts';
import type { ShardStage } from '../../workflows/choices.ts';
import { isClassifierModel } from '../../workflows/classify.ts';
import { predictShards, type ShardWork } from '../../workflows/shards/predict-shards.ts';
import { withFlags } from '../option-words.ts';
import { say as print, printJson, warn } from '../print.ts';
import { asFinal, requireNoShare, type ShardChoice, shareOfStage } from '../shard.ts';
import { stoppable } from '../stop-signal.ts';

interface ShardFlags {
  readonly shard?: ShardChoice;
  readonly stage?: ShardStage;
  readonly resume?: boolean;
}

/** @throws UsageError for a share where there is none, and none where there is one */
function workOf({ shard, stage = 'predict', resume }: ShardFlags): ShardWork {
  if (stage === 'predict' || stage === 'objects') return { stage, shard: shareOfStage(stage, shard), resume };
  requireNoShare(stage, shard);
  return { stage };
}

type SharedOptions = PredictFolderOptions & {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly dense?: boolean;
  readonly patchwise?: boolean;
};

export async function runShards(
  models: readonly [string, ...string[]],
  images: string,
  { json = false, quiet = false, dense: _, patchwise: __, ...options }: SharedOptions,
  flags: ShardFlags,
): Promise<void> {
  const work = workOf(flags);
  if (await isClassifierModel(nodeHost.files, models[0], options.which)) {
    throw new UsageError('image classifiers do not predict in shards.', { file: models[0], remedy: 'Remove --shard.' });
  }
  const say = json || quiet ? () => {} : print;
  try {
    const result = await stoppable((signal) =>
      predictShards(nodeHost, models, images, { ...options, signal }, work, {
        onOpen: ([model]) => say(`device: ${model?.runtime.description}`),
        onNote: (note) => say(withFlags(`note: ${note}`)),
        onFailure: ({ reason }) => warn(reason),
        onObjects: (name, { count }) => say(`${name}: ${counted(count, 'object')}`),
        onUnit: (done, total, { name, skipped }) => say(`${done}/${total} ${name}${skipped ? ': is there' : ''}`),
      }),
    );
    const { out, units, written, skipped } = result;
    if (json) return printJson({ stage: work.stage, ...result });
    if (work.stage === 'predict' || work.stage === 'objects') {
      const { k, n } = work.shard;
      const what = work.stage === 'predict' ? 'part' : 'block';
      say(`share ${k} of ${n}: ${written} of ${counted(units, what)} written, ${skipped} were there: ${out}`);
    } else say(work.stage === 'scan' ? `planned: ${counted(units, 'part')}: ${out}` : `finished: ${out}`);
  } catch (cause) {
    throw asFinal(cause);
  }
}
