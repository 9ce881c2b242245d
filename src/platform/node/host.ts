import { performance } from 'node:perf_hooks';

import { cleanedImage } from '../../predict/cleaned.ts';
import { pagesOfVolumes } from '../../train/tasks/volumes/predict-pages.ts';
import type { Host } from '../../workflows/host.ts';
import { lostIn } from '../../workflows/lost.ts';
import { mapReport } from '../../workflows/map-report.ts';
import { packagedMaps } from '../../workflows/packaged-maps.ts';
import { predictByRegion } from '../../workflows/predict-regions.ts';
import { SEGMENTS } from '../../workflows/predicted-segments.ts';
import { openEnergyMeter } from './energy.ts';
import { nodeFiles } from './files.ts';
import { openTrace } from './profile.ts';
import { type NodeDevice, openRuntime } from './runtime.ts';
import { versions } from './versions.ts';

/** This machine: its files, devices and clock. */
export const nodeHost: Host = {
  files: nodeFiles,
  memory: () => ({ used: process.memoryUsage.rss(), free: process.availableMemory() }),
  nowMs: () => performance.now(),
  versions,
  segments: SEGMENTS,
  encodeHdf5: async (...given) => (await import('../../workflows/encode-hdf5.ts')).encodeHdf5(...given),
  // Values of results have no unit.
  lostIn: ({ geometry, spacing }, out) => lostIn({ geometry, spacing }, out),
  cleanedImage,
  predictByRegion,
  mapReport,
  packagedMaps,
  pagesOfVolumes,
  // An unsupported device is rejected by its name.
  openRuntime: (device) => openRuntime({ device: device as NodeDevice | 'auto' | undefined }),
  openEnergyMeter,
  openTrace: (runs) => openTrace({ runs }),
};
