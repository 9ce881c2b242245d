/** Prints files for schedulers, and what of a prediction in shards is there. */

import { realpathSync } from 'node:fs';
import { counted, UsageError } from '../../errors.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import { readStatus, type WorkStatus } from '../../workflows/shards/status.ts';
import type { command } from '../commands/jobs.ts';
import { command as predict } from '../commands/predict.ts';
import { commandOf, type Options, type Positionals } from '../declare.ts';
import type { JobRequest } from '../jobs/request.ts';
import { nearestWord } from '../nearest.ts';
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
    const { image, claim, mount, name } = flags;
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

/** Checks the command that jobs run, as if it were run now. */
async function requestOf([name, ...args]: readonly [string, ...string[]], flags: JobFlags): Promise<JobRequest> {
  if (name !== 'predict') {
    throw new UsageError(`lamella ${name} does not run in shards.`, { remedy: 'Use predict.' });
  }
  let options: Options<typeof predict> | undefined;
  const parser = commandOf('predict', predict, async (_, values) => {
    options = values;
  });
  await parser.exitOverride().parseAsync(args, { from: 'user' });
  const { out, memory, shard, stage, resume, objects = false } = options ?? {};
  if (shard !== undefined || stage !== undefined || resume !== undefined) {
    throw new UsageError('--shard, --stage and --resume are added to each job.', { remedy: 'Remove them.' });
  }
  if (out === undefined) {
    throw new UsageError('the jobs need to be told where to write.', { remedy: 'Add --out.' });
  }
  const { shards = DEFAULT_SHARDS, cpus, time: minutes } = flags;
  return {
    program: [process.execPath, realpathSync(process.argv[1] as string)],
    args: ['predict', ...args, ...(memory === undefined ? ['--memory', DEFAULT_MEMORY.typed] : [])],
    folder: process.cwd(),
    ...{ out, shards, cpus, minutes, objects },
    parallel: flags.parallel ?? shards,
    memory: memory ?? DEFAULT_MEMORY.bytes,
  };
}

async function status([out, ...more]: readonly [string, ...string[]], { shards, json }: JobFlags): Promise<void> {
  if (more.length > 0) throw new UsageError(`unexpected: ${more.join(' ')}`, { remedy: 'Specify one folder.' });
  const { parts, blocks, failed, finished, images } = await readStatus(nodeFiles, out);
  const sharesOf = ({ open }: WorkStatus) => (shards === undefined ? undefined : open(shards));
  if (json === true) {
    const [predict, objects] = [parts, blocks].map(({ open, ...of }) => ({ ...of, shares: shards && open(shards) }));
    return printJson({ ...predict, objects: blocks.units > 0 ? objects : undefined, failed, finished, images });
  }
  const ofObjects = blocks.units === 0 ? '' : `, ${blocks.done} of ${counted(blocks.units, 'block')} of objects`;
  say(
    `${out}: ${parts.done} of ${counted(parts.units, 'part')} of ${counted(images, 'image')}${ofObjects} are there${finished ? ', finished' : ''}`,
  );
  const bad = [...parts.bad, ...blocks.bad];
  for (const { file, why } of bad.slice(0, MOST_NAMED)) say(`${why}: ${file}`);
  if (bad.length > MOST_NAMED) say(`and ${bad.length - MOST_NAMED} more`);
  for (const reason of failed) say(`failed: ${reason}`);
  for (const [work, stage] of [
    [parts, 'predict'],
    [blocks, 'objects'],
  ] as const) {
    const shares = sharesOf(work) ?? [];
    if (shares.length === 0) continue;
    say(
      `to be repeated, --stage ${stage}: ${shares.map((k) => `${k}/${shards}`).join(', ')} (Slurm: --array=${shares.map((k) => k - 1).join(',')})`,
    );
  }
}
