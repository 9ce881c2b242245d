/** Prints files for schedulers, and what of the work in shards is there. */

import { realpathSync } from 'node:fs';
import { counted, UsageError } from '../../errors.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import { readMeasureStatus } from '../../workflows/measure/status.ts';
import { readStatus, type WorkStatus } from '../../workflows/shards/status.ts';
import type { command } from '../commands/jobs.ts';
import { command as measure } from '../commands/measure.ts';
import { command as predict } from '../commands/predict.ts';
import { commandOf, type Options, type Positionals } from '../declare.ts';
import { type JobRequest, type JobStage, measureStages, predictStages } from '../jobs/request.ts';
import { nearestWord } from '../nearest.ts';
import { withFlags } from '../option-words.ts';
import { printJson, say } from '../print.ts';

type JobFlags = Options<typeof command>;

const ENGINES = ['slurm', 'kubernetes', 'snakemake', 'status'];
const DEFAULT_SHARDS = 64;
/** What a job may take if nothing is said, in bytes; every job is told the same. */
const DEFAULT_MEMORY = { typed: '4GB', bytes: 4e9 };
/** Files that are named. */
const MOST_NAMED = 10;

export async function run([engine, words]: Positionals<typeof command>, flags: JobFlags): Promise<void> {
  if (engine === 'status') return status(words, flags);
  if (!ENGINES.includes(engine)) {
    const meant = nearestWord(engine, ENGINES);
    throw new UsageError(`'${engine}' is no scheduler that files are printed for.`, {
      remedy: `Use one of ${ENGINES.join(', ')}.${meant === undefined ? '' : ` (Did you mean ${meant}?)`}`,
    });
  }
  const request = await requestOf(words, flags);
  if (engine === 'slurm') {
    const { slurmScript } = await import('../jobs/slurm.ts');
    process.stdout.write(slurmScript(request));
  } else if (engine === 'snakemake') {
    const { snakefile } = await import('../jobs/snakemake.ts');
    process.stdout.write(snakefile(request));
  } else {
    const { image, claim, mount, name = `lamella-${request.args[0]}` } = flags;
    if (image === undefined || claim === undefined) {
      throw new UsageError('Kubernetes needs a container image, and a volume that all jobs share.', {
        remedy: 'Add --image and --claim.',
      });
    }
    if (!/^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$/.test(name)) {
      throw new UsageError(`--name ${name} is no name of a job.`, { remedy: 'Use small letters, digits and hyphens.' });
    }
    const { kubernetesScript } = await import('../jobs/kubernetes.ts');
    process.stdout.write(kubernetesScript({ ...request, program: ['lamella'] }, { image, claim, mount, name }));
  }
}

/** Of the options of a command in shards, those that its jobs depend on. */
interface SharedOptions {
  readonly out?: string;
  readonly memory?: number;
  readonly shard?: unknown;
  readonly stage?: unknown;
  readonly resume?: unknown;
}

/** Reads a command line as the command itself would, and fails as it would. */
async function parsed(
  name: string,
  args: readonly string[],
): Promise<{ readonly options: SharedOptions; readonly stages: readonly JobStage[] }> {
  let options: SharedOptions = {};
  let stages: readonly JobStage[] = [];
  const commands = {
    predict: () =>
      commandOf('predict', predict, async (_, values) => {
        options = values;
        stages = predictStages(values.objects === true);
      }),
    measure: () =>
      commandOf('measure', measure, async (_, values) => {
        if (values.task === 'lungs') {
          throw new UsageError('lungs are measured by one process.', { remedy: 'Run lamella measure itself.' });
        }
        options = values;
        stages = measureStages;
      }),
  };
  if (!Object.hasOwn(commands, name)) {
    throw new UsageError(`lamella ${name} does not run in shards.`, { remedy: 'Use predict or measure.' });
  }
  const parser = commands[name as keyof typeof commands]();
  await parser.exitOverride().parseAsync(args, { from: 'user' });
  return { options, stages };
}

/** Checks the command that jobs run, as if it were run now. */
async function requestOf([name, ...args]: readonly [string, ...string[]], flags: JobFlags): Promise<JobRequest> {
  const { options, stages } = await parsed(name, args);
  const { out, memory, shard, stage, resume } = options;
  if (shard !== undefined || stage !== undefined || resume !== undefined) {
    throw new UsageError('--shard, --stage and --resume are added to each job.', { remedy: 'Remove them.' });
  }
  if (out === undefined) {
    throw new UsageError('the jobs need to be told where to write.', { remedy: 'Add --out.' });
  }
  const { shards = DEFAULT_SHARDS, cpus, time: minutes } = flags;
  return {
    program: [process.execPath, realpathSync(process.argv[1] as string)],
    args: [name, ...args, ...(memory === undefined ? ['--memory', DEFAULT_MEMORY.typed] : [])],
    folder: process.cwd(),
    ...{ stages, out, shards, cpus, minutes },
    parallel: flags.parallel ?? shards,
    memory: memory ?? DEFAULT_MEMORY.bytes,
  };
}

async function status([out, ...more]: readonly [string, ...string[]], { shards, json }: JobFlags): Promise<void> {
  if (more.length > 0) throw new UsageError(`unexpected: ${more.join(' ')}`, { remedy: 'Specify one folder.' });
  const ofStage = ({ open, ...of }: WorkStatus) => ({ ...of, shares: shards && open(shards) });
  const measured = await readMeasureStatus(nodeFiles, out);
  if (measured !== undefined) {
    const { counts, values, failed, finished, maps } = measured;
    if (json === true) return printJson({ count: ofStage(counts), values: ofStage(values), failed, finished, maps });
    const each = `${values.done} measured, of ${counted(values.units, 'block')} of ${counted(maps, 'label map')}`;
    say(`${out}: ${counts.done} counted and ${each}${finished ? ', finished' : ''}`);
    for (const reason of failed) say(`failed: ${withFlags(reason)}`);
    return sayStages(
      [
        ['count', counts],
        ['values', values],
      ],
      shards,
    );
  }
  const { parts, blocks, failed, finished, images } = await readStatus(nodeFiles, out);
  if (json === true) {
    const objects = blocks.units > 0 ? ofStage(blocks) : undefined;
    return printJson({ ...ofStage(parts), objects, failed, finished, images });
  }
  const ofObjects = blocks.units === 0 ? '' : `, ${blocks.done} of ${counted(blocks.units, 'block')} of objects`;
  say(
    `${out}: ${parts.done} of ${counted(parts.units, 'part')} of ${counted(images, 'image')}${ofObjects} are there${finished ? ', finished' : ''}`,
  );
  for (const reason of failed) say(`failed: ${reason}`);
  sayStages(
    [
      ['predict', parts],
      ['objects', blocks],
    ],
    shards,
  );
}

/** What is missing or damaged, and which shares of which stage write it. */
function sayStages(stages: readonly (readonly [JobStage['stage'], WorkStatus])[], shards: number | undefined): void {
  const bad = stages.flatMap(([, work]) => work.bad);
  for (const { file, why } of bad.slice(0, MOST_NAMED)) say(`${why}: ${file}`);
  if (bad.length > MOST_NAMED) say(`and ${bad.length - MOST_NAMED} more`);
  for (const [stage, { open }] of stages) {
    const shares = shards === undefined ? [] : open(shards);
    if (shares.length === 0) continue;
    say(
      `to be repeated, --stage ${stage}: ${shares.map((k) => `${k}/${shards}`).join(', ')} (Slurm: --array=${shares.map((k) => k - 1).join(',')})`,
    );
  }
}
