import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe } from 'vitest';

/** Where the real data lie: `LAMELLA_DATA`, or `../shared/data` beside the checkout. */
export function dataFolder(): string {
  return resolve(process.env.LAMELLA_DATA ?? '../shared/data');
}

/** Where the reference values lie, beside the data. */
export function goldenFolder(): string {
  return resolve(dataFolder(), '../golden');
}

/** A suite that needs real data; where they are absent its name says so and it is skipped. */
export function describeWithData(name: string, body: () => void): void {
  const folder = dataFolder();
  if (existsSync(folder)) describe(name, body);
  else describe.skip(`${name} (SKIPPED: no real data at ${folder}; set LAMELLA_DATA)`, body);
}
