/** A device that is lost, or has too little memory: going on with what there is. */

import { factsOf, type LamellaError } from '../errors.ts';
import type { EngineEvent } from './engine.ts';
import type { StudioHost } from './host.ts';

type Emit = (event: EngineEvent) => void;

/** Leaves the device for the CPU if it was lost, and says so. @returns whether it was */
export function leaveLostDevice(host: StudioHost, cause: unknown, emit: Emit): boolean {
  if (factsOf(cause, 'device-lost') === undefined) return false;
  const device = host.useCpu();
  if (device !== undefined) emit({ kind: 'device', device, why: (cause as LamellaError).problem });
  return true;
}

/** Does something, and once more on the CPU if the device is lost meanwhile. */
export async function surviving<T>(host: StudioHost, emit: Emit, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!leaveLostDevice(host, cause, emit)) throw cause;
    return work();
  }
}

/** Settings of `train`. */
export type Smaller = { readonly [setting: string]: number | readonly [height: number, width: number] };

/**
 * What needs less memory, if that was missing, and says so.
 * @param settled settings that were made smaller before
 * @returns those settings with the next one; undefined for another error, and if nothing smaller is left
 */
export async function smallerAfter(
  host: StudioHost,
  cause: unknown,
  settled: Smaller,
  emit: Emit,
): Promise<Smaller | undefined> {
  const smaller = factsOf(cause, 'out-of-memory')?.smaller;
  if (smaller === undefined) return undefined;
  const [device] = (await host.describe()).devices;
  const why = `There is too little memory for this network, so one with ${inWords(smaller)} is trained.`;
  emit({ kind: 'device', device: device?.label ?? '', why });
  return { ...settled, ...smaller };
}

const WORDS: { readonly [setting: string]: (value: unknown) => string } = {
  batch: (value) => `${value} patch at a time`,
  baseChannels: (value) => `${value} channels`,
  patch: (value) => `patches of ${(value as readonly number[]).toReversed().join(' x ')} pixels`,
};

const inWords = (settings: Smaller): string =>
  Object.entries(settings)
    .map(([name, value]) => WORDS[name]?.(value) ?? `${name} ${value}`)
    .join(' and ');
