import { commandOf, type JobRequest, type JobStage, mebibytes } from './request.ts';

export interface KubernetesOptions {
  /** Image of the container, in which `lamella` is a command. */
  readonly image: string;
  /** Claim of a volume with the images, models and results, and where it is mounted. */
  readonly claim: string;
  readonly mount: string;
  /** Begins the names of the jobs. */
  readonly name: string;
}

const RETRIES = 3;

/** A job of Kubernetes (batch/v1), indexed where it is shared. An exit code of 2 is not tried again. */
function jobOf(request: JobRequest, stage: JobStage, { image, claim, mount, name }: KubernetesOptions): object {
  const { shards, parallel, cpus, minutes } = request;
  const [command, ...args] = commandOf(request, stage);
  const { isShared } = stage;
  const memory = `${mebibytes(request)}Mi`;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `${name}-${stage.stage}` },
    spec: {
      ...(isShared
        ? {
            completions: shards,
            parallelism: Math.min(parallel, shards),
            completionMode: 'Indexed',
            backoffLimitPerIndex: RETRIES,
          }
        : { backoffLimit: RETRIES }),
      ...(minutes === undefined ? {} : { activeDeadlineSeconds: 60 * minutes }),
      podReplacementPolicy: 'Failed',
      podFailurePolicy: {
        rules: [
          {
            action: isShared ? 'FailIndex' : 'FailJob',
            onExitCodes: { containerName: 'lamella', operator: 'In', values: [2] },
          },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      template: {
        spec: {
          restartPolicy: 'Never',
          containers: [
            {
              name: 'lamella',
              image,
              command: [command],
              args,
              workingDir: mount,
              resources: { requests: { cpu: String(cpus), memory }, limits: { cpu: String(cpus), memory } },
              volumeMounts: [{ name: 'data', mountPath: mount }],
            },
          ],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  };
}

/** A script that applies the jobs with kubectl, each stage when the one before is complete. */
export function kubernetesScript(request: JobRequest, options: KubernetesOptions): string {
  const stages = request.stages.map((stage) => {
    const job = JSON.stringify(jobOf(request, stage, options), undefined, 2);
    return `kubectl apply -f - <<'JOB'\n${job}\nJOB\ncompleted ${options.name}-${stage.stage}`;
  });
  return `#!/bin/bash
# Runs lamella ${request.args[0]} in ${request.shards} shards on Kubernetes (1.33 or later): bash submit.sh
set -euo pipefail

# Waits until a job is complete, or has failed.
completed() {
  local state=
  until [[ $state =~ (Complete|Failed)( |$) ]]; do
    sleep "\${LAMELLA_POLL:-10}"
    state=$(kubectl get job "$1" -o jsonpath='{.status.conditions[?(@.status=="True")].type}')
  done
  [[ $state =~ Complete ]] || { echo "$1 failed: kubectl describe job $1" >&2; exit 1; }
}

${stages.join('\n\n')}
`;
}
