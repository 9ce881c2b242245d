/** Programs of others that read what Lamella writes: Python libraries (test/peers/requirements.txt) and ImageJ. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** ImageJ and Rhino, which runs a script beside it without a window, where Debian has them. */
const JARS = ['/usr/share/java/ij.jar', '/usr/share/java/js.jar'];

type Peers = { readonly python: string } | { readonly absent: string };

/** A set of readers that are installed together: `test/peers/<set>.txt`. */
type PeerSet = 'requirements' | 'bioimageio' | 'labels' | 'schedulers' | 's3';

const found = new Map<PeerSet, Peers>();

/** The environment of a set; that of `requirements` scripts/test.mjs prepared, and what is missing is made now. */
function peers(set: PeerSet): Peers {
  const known = found.get(set);
  if (known !== undefined) return known;
  const prepared = set === 'requirements' ? process.env.LAMELLA_PEERS : undefined;
  const make = (): string =>
    execFileSync(process.execPath, [`${ROOT}scripts/peers.mjs`, `${ROOT}test/peers/${set}.txt`], { encoding: 'utf8' });
  const state = JSON.parse(prepared ?? make()) as Peers;
  found.set(set, state);
  return state;
}

/** A suite that needs the Python readers; where they cannot be had its name says so and it is skipped. */
export function describeWithPeers(name: string, body: () => void, set: PeerSet = 'requirements'): void {
  const state = peers(set);
  if ('python' in state) describe(name, body);
  else describe.skip(`${name} (SKIPPED: ${state.absent})`, body);
}

/**
 * Runs `test/peers/<script>` and gives what it prints, parsed as JSON.
 * @throws Error with what it wrote to stderr when it fails.
 */
export function askPeer<T>(script: string, ...args: readonly string[]): T {
  return askPeerOf('requirements', script, ...args);
}

/** `askPeer` of another set. */
export function askPeerOf<T>(set: PeerSet, script: string, ...args: readonly string[]): T {
  const { status, stdout, stderr } = runPython(set, [`${ROOT}test/peers/${script}`, ...args]);
  if (status !== 0) throw new Error(`${script} failed:\n${stderr}`);
  return JSON.parse(stdout) as T;
}

/** The Python of a set, for programs that go on. */
export function peerPython(set: PeerSet): string {
  const state = peers(set);
  if ('absent' in state) throw new Error(state.absent);
  return state.python;
}

/** Runs the Python of a set. */
export function runPython(set: PeerSet, args: readonly string[], { cwd }: { readonly cwd?: string } = {}) {
  return spawnSync(peerPython(set), args, { encoding: 'utf8', maxBuffer: 2 ** 28, cwd });
}

/** A suite that needs ImageJ; where it is absent its name says so and it is skipped. */
export function describeWithImageJ(name: string, body: () => void): void {
  const absent = JARS.every(existsSync)
    ? spawnSync('java', ['-version'], { stdio: 'ignore' }).status === 0
      ? undefined
      : 'no Java'
    : 'no ImageJ: apt-get install libij-java librhino-java';
  if (absent === undefined) describe(name, body);
  else describe.skip(`${name} (SKIPPED: ${absent})`, body);
}

/** Runs `test/peers/<script>` with ImageJ and gives what it prints, parsed as JSON. */
export function askImageJ<T>(name: string, ...args: readonly string[]): T {
  const java = ['-Djava.awt.headless=true', '-cp', JARS.join(':'), 'org.mozilla.javascript.tools.shell.Main'];
  const script = ['-version', '200', `${ROOT}test/peers/${name}`];
  const { status, stdout, stderr } = spawnSync('java', [...java, ...script, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ImageJ failed:\n${stderr}`);
  return JSON.parse(stdout) as T;
}
