/**
 * S32: what the page loads, compressed: the start screen; and all scripts but codecs, Zarr's and HDF5's, without the charts
 * and tables that are loaded when something is measured, and with them.
 */

import { expect, it } from 'vitest';
import { BUDGETS } from './budgets.ts';
import { loadedAtOnce, pageBytes } from './speed.ts';

it('S32: stays within its budget of bytes', () => {
  const { start, work, all } = pageBytes();
  console.log(
    `S32: ${start.toFixed(0)} kB for the start screen, ${work.toFixed(0)} kB until something is measured, and ${all.toFixed(0)} kB in all, compressed`,
  );
  expect(start).toBeLessThanOrEqual(BUDGETS.startBytes.gate);
  expect(work).toBeLessThanOrEqual(BUDGETS.workBytes.gate);
  expect(all).toBeLessThanOrEqual(BUDGETS.allBytes.gate);
});

it('S32: no worker waits for texts while messages reach it', () => {
  const engine = loadedAtOnce(/^studio-worker/);
  expect(engine.length).toBeGreaterThan(2);
  for (const worker of [engine, loadedAtOnce(/^incoming-worker/)]) expect(worker.join()).not.toMatch(/(?:text|en|de)-/);
  expect(loadedAtOnce(/^index/).join()).toMatch(/text-/);
});
