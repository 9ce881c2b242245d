/** A Slurm of our own: a controller and two nodes of one processor each, on this machine, in a folder. */

import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, vi } from 'vitest';

const PROGRAMS = ['/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/sbin/munged', '/usr/bin/sbatch'];
const NODES = ['a', 'b'] as const;

/** Why there can be no Slurm here. */
function absent(): string | undefined {
  if (!PROGRAMS.every(existsSync)) return 'no Slurm: apt-get install slurmctld slurmd slurm-client munge';
  return process.getuid?.() === 0 ? undefined : 'its daemons run as root here';
}

/** A suite that needs Slurm; where it cannot be had its name says so and it is skipped. */
export function describeWithSlurm(name: string, body: () => void): void {
  const why = absent();
  if (why === undefined) describe(name, body);
  else describe.skip(`${name} (SKIPPED: ${why})`, body);
}

export interface Slurm {
  readonly env: NodeJS.ProcessEnv;
  /** Runs a program of Slurm, or a script that does. @returns what it prints */
  run(program: string, ...args: readonly string[]): string;
  /** Waits until a job, or an array of jobs, is no longer queued or running. */
  ended(job: string): Promise<void>;
  /** Kills the daemon of a node, which loses what runs there. */
  kill(node: (typeof NODES)[number]): void;
  stop(): void;
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** Starts it in a new folder and waits until both nodes are idle. */
export async function startSlurm(folder: string): Promise<Slurm> {
  const at = (...parts: readonly string[]): string => join(folder, ...parts);
  for (const name of ['state', 'spool.a', 'spool.b', 'log', 'munge', 'munge.run'])
    mkdirSync(at(name), { recursive: true });
  chmodSync(at('munge'), 0o700);
  chmodSync(at('munge.run'), 0o755);
  writeFileSync(at('munge/key'), randomBytes(128), { mode: 0o400 });
  const ports = [await freePort(), await freePort(), await freePort()];
  const host = hostname().split('.')[0];
  const conf = at('slurm.conf');
  const nodes = NODES.map(
    (name, i) => `NodeName=${name} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${ports[i + 1]} CPUs=1 RealMemory=4000`,
  );
  writeFileSync(
    conf,
    `ClusterName=lamella
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${ports[0]}
AuthType=auth/munge
AuthInfo=socket=${at('munge.run/socket')}
SlurmUser=root
SlurmdUser=root
StateSaveLocation=${at('state')}
SlurmdSpoolDir=${at('spool.%n')}
SlurmctldPidFile=${at('slurmctld.pid')}
SlurmdPidFile=${at('slurmd.%n.pid')}
SlurmctldLogFile=${at('log/slurmctld')}
SlurmdLogFile=${at('log/slurmd.%n')}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2
KillWait=2
SlurmdTimeout=20
${nodes.join('\n')}
PartitionName=test Nodes=a,b Default=YES MaxTime=60 State=UP
`,
  );
  const env = { ...process.env, SLURM_CONF: conf };
  const run = (program: string, ...args: readonly string[]): string =>
    execFileSync(program, args, { env, cwd: folder, encoding: 'utf8' });
  const pidFiles = [...NODES.map((name) => at(`slurmd.${name}.pid`)), at('slurmctld.pid'), at('munge.run/pid')];
  const end = (file: string): void => {
    if (existsSync(file)) spawnSync('kill', ['-9', readFileSync(file, 'utf8').trim()]);
  };
  const stop = (): void => pidFiles.forEach(end);
  try {
    const munge = ['socket', 'pid', 'log', 'seed'].map((name, i) =>
      ['--socket', '--pid-file', '--log-file', '--seed-file'][i]?.concat(`=${at('munge.run', name)}`),
    ) as string[];
    run('/usr/sbin/munged', '--force', `--key-file=${at('munge/key')}`, ...munge);
    run('/usr/sbin/slurmctld', '-c', '-f', conf);
    for (const name of NODES) run('/usr/sbin/slurmd', '-N', name, '-f', conf);
    await vi.waitFor(
      () => {
        const idle = run('sinfo', '-h', '-N', '-o', '%T').trim().split('\n');
        if (idle.join() !== 'idle,idle') throw new Error(`nodes are ${idle.join()}`);
      },
      { timeout: 120_000, interval: 250 },
    );
  } catch (cause) {
    stop();
    throw cause;
  }
  return {
    env,
    run,
    stop,
    async ended(job) {
      await vi.waitFor(
        () => {
          // A job that is long gone is unknown.
          const { stdout } = spawnSync('squeue', ['-h', '-j', job], { env, encoding: 'utf8' });
          if (stdout.trim() !== '') throw new Error(`still there: ${stdout}`);
        },
        { timeout: 540_000, interval: 250 },
      );
    },
    kill: (node) => end(at(`slurmd.${node}.pid`)),
  };
}
