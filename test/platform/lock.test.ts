import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunError } from '../../src/errors.ts';
import { takeLock } from '../../src/platform/node/lock.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamella-lock-'));
  file = join(folder, 'lock');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const holderOf = async () => JSON.parse(await readFile(file, 'utf8')) as { pid: number; began?: string };

/** A process that lives until it is ended. */
async function sleeper() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await new Promise((resolve) => child.once('spawn', resolve));
  return {
    pid: child.pid as number,
    end: () =>
      new Promise((resolve) => {
        child.once('exit', resolve);
        child.kill('SIGKILL');
      }),
  };
}
const lockOf = (holder: object): Promise<void> => writeFile(file, JSON.stringify({ since: '2026-01-01', ...holder }));

test('one at a time; free again once it is released', async () => {
  const lock = await takeLock(file, 'runs/a');
  expect((await holderOf()).pid).toBe(process.pid);
  await expect(takeLock(file, 'runs/a')).rejects.toThrow(
    new RegExp(`^runs/a: this run is being written by process ${process.pid} since .*delete ${file}\\.$`),
  );
  await lock.release();
  await (await takeLock(file, 'runs/a')).release();
});

test('of a living process it is kept, of a dead one taken over', async () => {
  const other = await sleeper();
  await lockOf({ pid: other.pid, host: hostname() });
  await expect(takeLock(file, 'runs/a')).rejects.toThrow(`process ${other.pid} since 2026-01-01`);
  await other.end();
  const lock = await takeLock(file, 'runs/a');
  expect((await holderOf()).pid).toBe(process.pid);
  await lock.release();
});

test.skipIf(process.platform !== 'linux')(
  'a later process that has the number of a dead one is not taken for it',
  async () => {
    const other = await sleeper();
    await lockOf({ pid: other.pid, host: hostname(), began: '1' });
    await (await takeLock(file, 'runs/a')).release();
    await other.end();
  },
);

test('of another machine it is kept: it cannot be asked', async () => {
  await lockOf({ pid: 1, host: 'elsewhere' });
  await expect(takeLock(file, 'runs/a')).rejects.toThrow(RunError);
  await expect(takeLock(file, 'runs/a')).rejects.toThrow('process 1 on elsewhere since 2026-01-01');
  await rm(file);
});

test.each(['', '{"pid": 12', 'null'])('one cut off by a kill (%j) is taken over', async (text) => {
  await writeFile(file, text);
  await (await takeLock(file, 'runs/a')).release();
});

test('a lock that is only just being written is waited for', async () => {
  await writeFile(file, '');
  const taking = takeLock(file, 'runs/a');
  setTimeout(() => void lockOf({ pid: process.pid, host: hostname() }), 30);
  await expect(taking).rejects.toThrow(`process ${process.pid} since 2026-01-01`);
  await rm(file);
});

const DEAD = { pid: 999_999_999, host: hostname() };

test.each([
  ['an hour ago, before it wrote its name', '', 3600],
  ['just now, before it wrote its name', '', 0],
  ['a second ago', JSON.stringify(DEAD), 1],
])('a process that was killed while taking over, %s, holds nobody up', async (_, name, agoS) => {
  await lockOf(DEAD);
  await writeFile(`${file}.next`, name);
  const then = Date.now() / 1000 - agoS;
  await utimes(`${file}.next`, then, then);
  const lock = await takeLock(file, 'runs/a');
  expect((await holderOf()).pid).toBe(process.pid);
  expect(await readdir(folder)).toEqual(['lock']);
  await lock.release();
});

test('of many that find a lock of a dead process at once, one gets it', async () => {
  for (let round = 0; round < 3; round++) {
    await lockOf({ pid: 999_999_999, host: hostname() });
    const script = `import { takeLock } from ${JSON.stringify(new URL('../../dist/platform/node/lock.js', import.meta.url).href)};
      takeLock(${JSON.stringify(file)}, 'runs/a').then(() => 'got it', () => 'told').then(console.log);
      process.stdin.resume();`;
    const children = Array.from({ length: 4 }, () => spawn(process.execPath, ['--input-type=module', '-e', script]));
    // Who gets it lives until all have tried.
    const outcomes = await Promise.all(children.map(async ({ stdout }) => String(await once(stdout, 'data')).trim()));
    await Promise.all(
      children.map((child) => {
        child.stdin.end();
        return once(child, 'close');
      }),
    );
    expect(outcomes.sort()).toEqual(['got it', 'told', 'told', 'told']);
  }
});
