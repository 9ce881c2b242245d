import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const RUNTIME = new URL('../../dist/platform/node/runtime.js', import.meta.url).href;

/** What a process that opens the processor leaves in the home of its user. */
async function leftAtHome(setting: string | undefined): Promise<string[]> {
  const home = await mkdtemp(join(tmpdir(), 'lamella-home-'));
  const { ORT_DISABLE_TELEMETRY: _, ...rest } = process.env;
  const env = { ...rest, HOME: home, USERPROFILE: home, XDG_CACHE_HOME: join(home, '.cache') };
  const script = `const { openRuntime } = await import('${RUNTIME}'); await (await openRuntime({ device: 'cpu' })).dispose?.();`;
  try {
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      env: setting === undefined ? env : { ...env, ORT_DISABLE_TELEMETRY: setting },
    });
    return await readdir(home, { recursive: true });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

test('ONNX Runtime collects nothing about its use', async () => {
  expect(await leftAtHome(undefined)).toEqual([]);
});

// The builds for Linux collect: without this the test above could not fail.
test.runIf(process.platform === 'linux')('unless the user lets it', async () => {
  expect((await leftAtHome('0')).join(' ')).toMatch(/deviceid/);
});
