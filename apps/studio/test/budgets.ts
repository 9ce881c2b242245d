/**
 * What Studio may cost. `goal` is for a laptop; `gate` is what the tests assert on two shared cores with graphics in
 * software. The benchmarks (`npm run bench -- --only studio`) print the figure beside both.
 */

export interface Budget {
  readonly unit: 'ms' | 'kB' | 'MB' | 'ratio';
  readonly goal: number;
  /** Undefined: printed only. */
  readonly gate?: number;
}

export const BUDGETS = {
  /** A move of a brush of up to 256 px radius, to the call of the graphics driver; 8192 x 8192. Median of a stroke. */
  move: { unit: 'ms', goal: 2, gate: 4 },
  /** The 95th percentile. */
  moveTail: { unit: 'ms', goal: 8 },
  /** Radius 2000. */
  largestMove: { unit: 'ms', goal: 8, gate: 25 },
  /** Of one stroke over 4096 x 4096 pixels. */
  undo: { unit: 'ms', goal: 50, gate: 200 },
  redo: { unit: 'ms', goal: 50, gate: 200 },
  /** Of a stroke of 200 moves. */
  undoStroke: { unit: 'ms', goal: 50 },
  /** Four million pixels, until they are painted. */
  flood: { unit: 'ms', goal: 150 },
  /** The longest that the page does not answer meanwhile. */
  floodBlocks: { unit: 'ms', goal: 16, gate: 50 },
  /** Scripts of a frame while the image moves: 8192 x 8192, uint16, two channels, labels. */
  frame: { unit: 'ms', goal: 3, gate: 3 },
  /** Scripts and styles of the start screen, compressed. */
  startBytes: { unit: 'kB', goal: 160, gate: 160 },
  /**
   * All scripts but codecs, Zarr and HDF5, compressed: without what is loaded when something is measured, and with it.
   * ONNX Runtime's are those for WebGPU, which are more than those for WebAssembly; a page loads one of the two. So it does of the languages: the larger counts.
   */
  workBytes: { unit: 'kB', goal: 500, gate: 500 },
  allBytes: { unit: 'kB', goal: 500, gate: 500 },
  /** The hosted page, loaded again without a network. */
  offline: { unit: 'ms', goal: 1000, gate: 1000 },
  /** 100 PNG files of 512 x 512, to the last thumbnail. */
  open100: { unit: 'ms', goal: 1500, gate: 6000 },
  /** The second class's first stroke to the preview of all that is visible, 512 x 512, the engine warm. */
  firstPreview: { unit: 'ms', goal: 1000, gate: 2000 },
  /** A stroke to the preview that has learned it, of the quick model and of the network; 512 x 512. */
  quickPreview: { unit: 'ms', goal: 400, gate: 1000 },
  networkPreview: { unit: 'ms', goal: 1000, gate: 3000 },
  /** A training step in the tab as a multiple of the same WebAssembly called in Node, and of Node's CPU. */
  tabStep: { unit: 'ratio', goal: 1.15, gate: 1.3 },
  tabStepOfCpu: { unit: 'ratio', goal: 3, gate: 3 },
  /** Time of a live step as a multiple of a plain one: 85 and 75 % of the steps per second. */
  liveStep: { unit: 'ratio', goal: 1 / 0.85, gate: 1 / 0.75 },
  /** The tab with an image of 8192 x 8192 of uint16, 20 regions and the live network. */
  memory: { unit: 'MB', goal: 1500, gate: 2000 },
  /** The end of a stroke until it is in the storage, and the page's longest task meanwhile, in processor time. */
  journal: { unit: 'ms', goal: 1000, gate: 1000 },
  journalBlocks: { unit: 'ms', goal: 5, gate: 5 },
  /** The command `lamella studio` to the page that can be used. */
  serverStart: { unit: 'ms', goal: 1500, gate: 3000 },
  /** A preview by Node's CPU as a multiple of the tab's WebAssembly. */
  serverPreview: { unit: 'ratio', goal: 0.4, gate: 0.6 },
} as const satisfies Readonly<Record<string, Budget>>;
