/** Measured speeds of devices, kept for a day, so that the next run need not measure again. */

import type { Runtime } from '../runtime/runtime.ts';

type Device = Pick<Runtime, 'device' | 'description'>;

/** Floating-point operations per second of devices. */
export interface DeviceSpeeds {
  /** @returns undefined for a device that was not measured, or too long ago */
  get(device: Device): Promise<number | undefined>;
  set(device: Device, flops: number): Promise<void>;
}

/** A small file that outlives the process, and what it is to hold. */
export interface SpeedFile {
  /**
   * What a device is called in the file: all that its speed depends on, and nothing personal. Undefined if that is not
   * known: such a device is remembered while the process lives.
   */
  nameOf(device: Device): string | undefined;
  /** @returns undefined if there is no file yet */
  read(): Promise<Uint8Array | undefined>;
  write(content: Uint8Array): Promise<void>;
  /** Milliseconds since 1970. */
  nowMs(): number;
}

/** A machine that was busy when it was measured may be idle tomorrow. */
const KEPT_MS = 24 * 60 * 60 * 1000;

/** In the file, by the name of the device. */
interface Entry {
  readonly flops: number;
  /** ISO 8601. */
  readonly measured: string;
}

/** Speeds in memory and in a file. A file that cannot be read or written is as good as none. */
export function keptSpeeds(file: SpeedFile): DeviceSpeeds {
  const here = new Map<string, number>();
  return {
    async get(device) {
      const name = file.nameOf(device);
      return here.get(device.description) ?? (name === undefined ? undefined : (await freshIn(file))[name]?.flops);
    },
    async set(device, flops) {
      here.set(device.description, flops);
      const name = file.nameOf(device);
      if (name === undefined) return;
      const entry: Entry = { flops, measured: new Date(file.nowMs()).toISOString() };
      const entries = { ...(await freshIn(file)), [name]: entry };
      await file.write(new TextEncoder().encode(`${JSON.stringify(entries, null, 2)}\n`)).catch(() => undefined);
    },
  };
}

/** What the file says that is neither damaged nor old. */
async function freshIn(file: SpeedFile): Promise<Readonly<Record<string, Entry>>> {
  const bytes = await file.read().catch(() => undefined);
  const isFresh = ({ flops, measured }: Partial<Entry>): boolean => {
    const ageMs = file.nowMs() - Date.parse(measured ?? '');
    return typeof flops === 'number' && flops > 0 && ageMs >= 0 && ageMs < KEPT_MS;
  };
  try {
    const entries: Readonly<Record<string, Partial<Entry> | null>> = JSON.parse(new TextDecoder().decode(bytes));
    return Object.fromEntries(Object.entries(entries ?? {}).filter(([, entry]) => isFresh(entry ?? {}))) as Record<
      string,
      Entry
    >;
  } catch {
    return {};
  }
}
