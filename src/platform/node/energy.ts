/** Energy in joules used by the CPU package, if Linux measures it (RAPL, Intel and AMD). */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EnergyMeter } from '../../workflows/host.ts';

/** Where the counters are. */
const POWERCAP = '/sys/class/powercap';

interface Counter {
  readonly file: string;
  /** Value in microjoules at which it wraps around to 0. */
  readonly rangeUj: number;
  lastUj: number;
  totalUj: number;
}

async function numberIn(file: string): Promise<number> {
  const value = Number((await readFile(file, 'utf8')).trim());
  if (!Number.isFinite(value)) throw new Error(`${file} is no number`);
  return value;
}

/** The counters of whole packages (`intel-rapl:0`), not of their subdomains (`intel-rapl:0:1`), which they include. */
async function openCounters(folder: string): Promise<Counter[]> {
  const names = (await readdir(folder)).filter((name) => /^intel-rapl:\d+$/.test(name));
  const counters: Counter[] = [];
  for (const name of names) {
    const file = join(folder, name, 'energy_uj');
    const rangeUj = await numberIn(join(folder, name, 'max_energy_range_uj'));
    counters.push({ file, rangeUj, lastUj: await numberIn(file), totalUj: 0 });
  }
  return counters;
}

/** Undefined if the machine does not measure it, as most virtual ones, or only root may read it. */
export async function openEnergyMeter(folder = POWERCAP): Promise<EnergyMeter | undefined> {
  let counters: Counter[];
  try {
    counters = await openCounters(folder);
  } catch {
    return undefined;
  }
  if (counters.length === 0) return undefined;
  return {
    async joules() {
      for (const counter of counters) {
        const now = await numberIn(counter.file);
        // It wraps around about once an hour under load.
        counter.totalUj += now >= counter.lastUj ? now - counter.lastUj : now + counter.rangeUj - counter.lastUj;
        counter.lastUj = now;
      }
      return counters.reduce((sum, { totalUj }) => sum + totalUj, 0) / 1e6;
    },
  };
}
