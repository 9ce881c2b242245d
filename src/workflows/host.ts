import type { WritableFiles } from '../files.ts';
import type { Image } from '../image/image.ts';
import type { cleanedImage } from '../predict/cleaned.ts';
import type { DeviceName, ProfileRequest, Runtime } from '../runtime/runtime.ts';
import type { Clock } from '../train/store.ts';
import type { pagesOfVolumes } from '../train/tasks/volumes/predict-pages.ts';
import type { encodeHdf5 } from './encode-hdf5.ts';
import type { mapReport } from './map-report.ts';
import type { packagedMaps } from './packaged-maps.ts';
import type { predictByRegion } from './predict-regions.ts';
import type { SEGMENTS } from './predicted-segments.ts';

/** Where a workflow runs: files, devices and a clock. `platform/node` and `platform/browser` each make one. */
export interface Host extends Clock {
  readonly files: WritableFiles;
  /** Bytes that this process has and that it could still get, if the platform can tell. */
  memory?(): { readonly used: number; readonly free: number };
  /** Writes label maps with the names of their values; undefined in a page, which asks for none and need not load it. */
  readonly segments?: typeof SEGMENTS;
  /** Writes results as HDF5; undefined in a page, which asks for none and need not load it. */
  readonly encodeHdf5?: typeof encodeHdf5;
  /** For images larger than memory; undefined in Studio's page, which cannot tell what that is. */
  readonly predictByRegion?: typeof predictByRegion;
  /** What a file of a result does not hold; undefined in a page, which keeps the format of its images. */
  readonly lostIn?: (result: Pick<Image, 'geometry' | 'spacing'>, out: string) => readonly string[];
  /** For models of several folds; undefined in a page, where folds are not trained. */
  readonly cleanedImage?: typeof cleanedImage;
  /** For reports of networks of volumes; undefined in a page, where none is trained. */
  readonly pagesOfVolumes?: typeof pagesOfVolumes;
  /** For reports of stars and flows; undefined in a page, where none is trained. */
  readonly mapReport?: typeof mapReport;
  /** For packages of stars and flows; undefined in a page, likewise. */
  readonly packagedMaps?: typeof packagedMaps;
  /** What the last bits of results depend on, by name: versions, and the kind of processor. */
  versions?(): Readonly<Record<string, string>>;
  /** Opens a device; default: the fastest available. @throws DeviceError if it is not available. */
  openRuntime(device?: DeviceName | 'auto'): Promise<Runtime>;
  /** Measures the CPU's energy, if the machine reports it. */
  openEnergyMeter?(): Promise<EnergyMeter | undefined>;
  /** Collects ONNX Runtime's trace of a graph's first runs, if supported. */
  openTrace?(runs: number): Promise<Trace>;
}

export interface EnergyMeter {
  /** Joules since the meter was opened. */
  joules(): Promise<number>;
}

export interface Trace {
  readonly request: ProfileRequest;
  /** The trace, once the program is disposed; undefined if there is none. */
  text(): Promise<string | undefined>;
  close(): Promise<void>;
}
