import { basename, join, resolve } from 'node:path';
import { counted, Interrupted, LamellaError, RunError, TrainingError } from '../errors.ts';
import { isPlain, type WindowSpec } from '../input/window.ts';
import { freeRunPath } from '../platform/node/run-folder.ts';
import type { FinishedRun } from '../platform/node/train-run.ts';
import { formatProfile } from '../runtime/profile.ts';
import type { TrainRunHooks } from '../train/run.ts';
import { RUN_FILES } from '../train/store.ts';
import { withFlags } from './option-words.ts';
import { say as print, warn } from './print.ts';
import { formatDuration, trainDisplay } from './progress.ts';
import { reportOn } from './run/report.ts';
import { stoppable } from './stop-signal.ts';

/** What helps most networks that have learned nothing yet. */
const LONGER = 'Train longer, or check images and labels with lamella inspect.';

/** Below this annotated fraction of the training pixels, more annotation is worth suggesting. */
const SPARSE = 0.5;

/** A free run folder named after the data's: `runs/my-data-1`, for `x/my-data/train` `runs/my-data-train-1`. */
export async function runName(folder: string): Promise<string> {
  const path = resolve(folder);
  const name = basename(path);
  const plain = ['train', 'training', 'data', 'dataset'].includes(name.toLowerCase())
    ? `${basename(resolve(path, '..'))}-${name}`
    : name;
  return freeRunPath('runs', plain.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+/, '') || 'run');
}

/**
 * Runs with a progress display and Ctrl-C, then writes the report and prints all paths.
 * @param options foldOf: the run of folds that it is part of, which is resumed and predicts in its place
 */
export async function watchTraining(
  out: string,
  { quiet, foldOf }: { readonly quiet: boolean; readonly foldOf?: string },
  body: (hooks: TrainRunHooks) => Promise<FinishedRun>,
): Promise<FinishedRun> {
  const say = quiet ? () => {} : (line: string): void => print(withFlags(line));
  const began = Date.now();
  const display = quiet ? undefined : trainDisplay(process.stdout);
  let finished: FinishedRun;
  let stepped = false;
  try {
    const onEvent: TrainRunHooks['onEvent'] = (event) => {
      stepped = true;
      display?.onEvent(event);
    };
    finished = await stoppable(
      (signal) => body({ say, warn, onEvent, signal }),
      'Stopping after this step; Ctrl-C again to stop at once.',
    );
  } catch (cause) {
    display?.stop();
    const remedy = `Resume with: lamella train --resume ${foldOf ?? out}`;
    if (cause instanceof Interrupted && stepped) {
      throw new Interrupted(`${cause.problem} Everything up to it is saved.`, { file: cause.file, remedy });
    }
    // A failure outside of training itself: a full disk, a crashed thread. (A diverged training would diverge again.)
    if (stepped && cause instanceof LamellaError && !(cause instanceof TrainingError)) {
      throw new RunError(cause.message, { remedy, facts: cause.facts, cause });
    }
    throw cause;
  }
  display?.stop();
  const { best, steps } = finished;
  say(`${counted(steps, 'step')} in ${formatDuration(Date.now() - began)}`);
  if (best !== undefined) {
    say(`best model: ${join(out, RUN_FILES.best)} (step ${best.step}, ${best.score.toFixed(4)})`);
    if (!(best.score > 0)) warn(`No validation scored above 0: the best model is no better than any other. ${LONGER}`);
  }
  say(`last model: ${join(out, RUN_FILES.last)}`);
  const { window } = finished.config.recipe.input as { readonly window?: WindowSpec };
  if (window !== undefined && !isPlain(window)) {
    say(`report: not written, since foveated windows are evaluated one by one; write it with lamella report ${out}`);
  } else if (finished.readByRegion) {
    say(
      'report: not written, since it needs images in memory; lamella predict and lamella evaluate read them by region',
    );
  } else await reportOn(out, {}, say);
  if (finished.profile !== undefined) print('', formatProfile(finished.profile));
  if (foldOf === undefined) say(`Next: npx lamella predict ${out} IMAGES`);
  if (foldOf === undefined && (finished.annotatedFraction ?? 1) < SPARSE) {
    say(`Where to annotate next: npx lamella suggest ${out} IMAGES --labels LABELS`);
  }
  return finished;
}
