import { commandOf, type JobRequest, mebibytes, shellLine } from './request.ts';

/** A script that submits the jobs to Slurm: an array for each stage that is shared, each stage after the one before. */
export function slurmScript(request: JobRequest): string {
  const { args, stages, folder, out, shards, parallel, cpus, minutes } = request;
  const common = [
    '--parsable',
    `--chdir=${folder}`,
    `--cpus-per-task=${cpus}`,
    `--mem=${mebibytes(request)}M`,
    ...(minutes === undefined ? [] : [`--time=${minutes}`]),
    // A job that waits for one that failed would wait for ever.
    '--kill-on-invalid-dep=yes',
    '--requeue',
    '--signal=B:TERM@60',
  ];
  const jobs = stages.map((each, i) => {
    const { stage, isShared } = each;
    const before = stages[i - 1]?.stage;
    const options = [
      `--job-name=lamella-${stage}`,
      ...(before === undefined ? [] : [`--dependency=afterok:"$${before}"`]),
      ...(isShared ? [`--array=0-${shards - 1}%${Math.min(parallel, shards)}`] : []),
    ];
    return `${stage}=$(submit ${options.join(' ')} "$@" <<'JOB'
#!/bin/bash
exec ${shellLine(commandOf(request, each))}
JOB
)`;
  });
  return `#!/bin/bash
# Submits lamella ${args[0]} in ${shards} shards to Slurm. Arguments are options of sbatch: bash submit.sh --partition=long
set -euo pipefail
# What sbatch refuses ends the script.
shopt -s inherit_errexit

submit() {
  local id
  id=$(sbatch ${shellLine(common)} "$@")
  echo "\${id%%;*}"
}

${jobs.join('\n\n')}

echo "jobs ${stages.map(({ stage }) => `$${stage} (${stage})`).join(', ')}:" ${shellLine(['lamella', 'jobs', 'status', out])}
`;
}
