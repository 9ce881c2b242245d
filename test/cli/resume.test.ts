import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lamella } from './command.ts';

const SMALL = ['--base', '4', '--depth', '1', '--patch', '32', '--batch', '1', '--workers', '0'];
let root = '';
let data = '';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-resume-'));
  data = join(root, 'data');
  await lamella(['phantom', data, '--size', '64', '--slices', '5']);
});
afterAll(async () => rm(root, { recursive: true, force: true }));

/** The one command that a job scheduler repeats. */
const job = (run: string, ...more: string[]) =>
  lamella(['train', data, '--out', run, '--resume', '--steps', '3', ...SMALL, ...more]);

test('--resume with data starts a run where there is none, and resumes it where there is one', async () => {
  const run = join(root, 'run');
  const first = await job(run);
  expect([first.code, first.stderr]).toEqual([0, '']);
  expect(first.stdout).not.toContain('resuming');
  const weights = await readFile(join(run, 'last.onnx'));
  const second = await job(run);
  expect([second.code, second.stderr]).toEqual([0, '']);
  expect(second.stdout).toContain(`resuming ${run} after step 3 of 3`);
  expect(await readFile(join(run, 'last.onnx'))).toEqual(weights);
});

test('settings that differ from those of the run are named and ignored', async () => {
  const run = join(root, 'other');
  expect((await job(run, '--lr', '0.01')).code).toBe(0);
  const { code, stderr } = await job(run, '--lr', '0.1', '--seed', '4');
  expect(code).toBe(0);
  expect(stderr).toBe(
    'lamella: The run keeps the settings it began with: --lr 0.01 (now --lr 0.1); no --seed (now --seed 4).\n',
  );
  const config = JSON.parse(await readFile(join(run, 'config.json'), 'utf8'));
  expect([config.recipe.learningRate, config.recipe.seed]).toEqual([0.01, 0]);
});

test('--resume without data needs a run', async () => {
  const { code, stderr } = await lamella(['train', '--resume', join(root, 'none')]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/this folder contains no run to resume\. Use the folder that has the run's config\.json/);
});

test('--model is still accepted for --network', async () => {
  const run = join(root, 'former');
  const { code } = await lamella(['train', data, '--model', 'n1', '--steps', '1', '--workers', '0', '--out', run]);
  expect(code).toBe(0);
  expect(JSON.parse(await readFile(join(run, 'config.json'), 'utf8')).recipe.model.name).toBe('n1');
});
