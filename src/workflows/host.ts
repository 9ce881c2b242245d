import type { WritableFiles } from '../files.ts';
import type { DeviceName, ProfileRequest, Runtime } from '../runtime/runtime.ts';
import type { Clock } from '../train/store.ts';

/** Where a workflow runs: files, devices and a clock. `platform/node` and `platform/browser` each make one. */
export interface Host extends Clock {
  readonly files: WritableFiles;
  /** Opens a device; default: the fastest that works. @throws DeviceError when it is absent. */
  openRuntime(device?: DeviceName | 'auto'): Promise<Runtime>;
  /** Meters the energy that the processor uses, where the machine counts it. */
  openEnergyMeter?(): Promise<EnergyMeter | undefined>;
  /** Receives the trace that ONNX Runtime writes of a graph's first runs, where it can. */
  openTrace?(runs: number): Promise<Trace>;
}

export interface EnergyMeter {
  /** Joules since the meter was opened. */
  joules(): Promise<number>;
}

export interface Trace {
  readonly request: ProfileRequest;
  /** The trace, once the program is disposed; undefined where there is none. */
  text(): Promise<string | undefined>;
  close(): Promise<void>;
}
