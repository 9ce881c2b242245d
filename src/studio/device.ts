/** A device that is lost, or has too little memory: going on with what there is. */

import { factsOf, type LamellaError } from '../errors.ts';
import type { EngineDescription, EngineEvent, Smaller } from './engine.ts';
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

/**
 * What needs less memory, if that was missing, and says so.
 * @param settled settings that were made smaller before
 * @returns those settings with the next one; undefined for another error, if nothing smaller is left, and if nothing can be
 * computed here any more
 */
export async function smallerAfter(
  host: StudioHost,
  cause: unknown,
  settled: Smaller,
  emit: Emit,
): Promise<Smaller | undefined> {
  const { smaller, isFinal } = factsOf(cause, 'out-of-memory') ?? {};
  if (smaller === undefined || isFinal) return undefined;
  emit(smallerEvent(smaller, await host.describe()));
  return { ...settled, ...smaller };
}

/** Says which network is trained instead of one that does not fit. */
export function smallerEvent(
  smaller: Smaller,
  { devices: [device] }: Pick<EngineDescription, 'devices'>,
): Extract<EngineEvent, { kind: 'device' }> {
  const why = `There is too little memory for this network, so one with ${inWords(smaller)} is trained.`;
  return { kind: 'device', device: device?.label ?? '', why };
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
