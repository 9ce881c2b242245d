import type { WritableFiles } from '../files.ts';
import type { DeviceName, Runtime } from '../runtime/runtime.ts';
import type { Clock } from '../train/store.ts';

/** Where a workflow runs: files, devices and a clock. `platform/node` and `platform/browser` each make one. */
export interface Host extends Clock {
  readonly files: WritableFiles;
  /** Opens a device; default: the fastest that works. @throws DeviceError when it is absent. */
  openRuntime(device?: DeviceName | 'auto'): Promise<Runtime>;
  /** Meters the energy that the processor uses, where the machine counts it. */
  openEnergyMeter?(): Promise<EnergyMeter | undefined>;
}

export interface EnergyMeter {
  /** Joules since the meter was opened. */
  joules(): Promise<number>;
}
