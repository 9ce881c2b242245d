import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const RUNTIME = new URL('../../dist/platform/node/runtime.js', import.meta.url).href;

interface Trace {
  /** Files and folders in the home of the user. */
  readonly home: readonly string[];
  /** What ONNX Runtime was told. */
  readonly told: string;
}

/** What a process that opens the processor leaves behind. */
async function openedWith(setting: { ORT_DISABLE_TELEMETRY?: string }): Promise<Trace> {
  const home = await mkdtemp(join(tmpdir(), 'lamella-home-'));
  // No other variable goes along: ONNX Runtime is silent of itself where one says that this is a CI machine.
  const { PATH, SystemRoot } = process.env;
  const env = { PATH, SystemRoot, HOME: home, USERPROFILE: home, ...setting };
  const script = `const { openRuntime } = await import('${RUNTIME}');
    await (await openRuntime({ device: 'cpu' })).dispose?.();
    console.log(process.env.ORT_DISABLE_TELEMETRY);`;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env });
    return { home: await readdir(home, { recursive: true }), told: stdout.trim() };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

test('ONNX Runtime is told to collect nothing about its use, and leaves nothing in the home of the user', async () => {
  expect(await openedWith({})).toEqual({ home: [], told: '1' });
});

test('a user who wants it is heard', async () => {
  expect((await openedWith({ ORT_DISABLE_TELEMETRY: '0' })).told).toBe('0');
});
