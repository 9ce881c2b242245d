/** What is compared, with what, and the goal: our time as a share of the peer's, or a limit in ms. */
import type { Budget } from '../../apps/studio/test/budgets.ts';
import { STEPS_OF_A_RUN } from '../tasks/step.ts';
import type { Inputs } from './inputs.ts';
import type { PythonName } from './python.ts';
import { scaleRows } from './scale-rows.ts';
import type { TaskOptions } from './side.ts';
import { studioRows } from './studio-rows.ts';

export interface Comparison {
  readonly name: string;
  /** As `--only` and the JSON call the group. */
  readonly group: string;
  readonly task: string;
  readonly ours: TaskOptions;
  /** The peer's options; absent where nothing like it exists elsewhere. */
  readonly peer?: TaskOptions;
  /** The peer's task, where it has another name. */
  readonly peerTask?: string;
  /** The environment of the peer. */
  readonly python?: PythonName;
  /** Instead of a peer: another task of ours to compare with. */
  readonly against?: { readonly name: string; readonly task: string; readonly options: TaskOptions };
  /** TensorFlow.js in the tab that is ours: the task is told whether it is there. */
  readonly sameTab?: boolean;
  /** Largest ratio. */
  readonly goal?: number;
  /** Largest median in ms, where the goal is a time. */
  readonly limitMs?: number;
  /** Of Studio: of our figure, or of the ratio where its unit says so. */
  readonly budget?: Budget;
  /** Also the ratio of the most memory that the processes held. */
  readonly memory?: boolean;
  /** Its goal; default 1. */
  readonly memoryGoal?: number;
  /** Part of `--quick`. */
  readonly quick?: boolean;
  /** Runs before the first that counts; default 2. */
  readonly warmUp?: number;
}

/** The U-Net of segmentation-models-pytorch on MobileNetV2, as `scripts/zoo/networks.py` has it. */
export const FOREIGN = 'smp_unet_mobilenetv2';

/** @param data folder with image/ and label/ to train on; rows that need it are left out without it */
export function comparisons(inputs: Inputs, data: string | undefined): readonly Comparison[] {
  const { folder, objectsSide, scoresSide } = inputs;
  const step = (
    net: 'unet' | 'unet2015',
    base: number,
    size: number,
    batch: number,
    goal: number,
    quick = false,
  ): Comparison => {
    const options = { net, base, size, batch };
    const name = `training step, ${net === 'unet' ? '' : 'unet2015, '}${base} channels, ${size}x${size}, batch ${batch}`;
    const memory = net === 'unet' && base === 32 && size === 256;
    // Steps of seconds are warm after one.
    const warmUp = base === 64 ? 1 : 2;
    return { name, group: 'step', task: 'step', ours: options, peer: options, goal, quick, memory, warmUp };
  };
  const predict = (side: number, quick = false): Comparison => {
    const options = { image: inputs.picture(side), folder, base: 32 };
    const name = `predict ${side}x${side}, file to file`;
    return {
      name,
      group: 'predict',
      task: 'predict',
      ours: options,
      peer: options,
      goal: 0.6,
      quick,
      memory: side === 2048,
      warmUp: side === 2048 ? 1 : 2,
    };
  };
  const preview = (side: number, region: number): Comparison => ({
    name: `preview after a step, ${region}x${region} of ${side}x${side}, against a file and the whole page`,
    group: 'preview',
    task: 'preview',
    ours: { side, region, way: 'session' },
    against: { name: 'by a file', task: 'preview', options: { side, region, way: 'file' } },
    goal: 0.25,
    warmUp: 1,
  });
  const objects = (what: string, name: string): Comparison => {
    const options = { what, folder, side: objectsSide };
    return {
      name: `${name}, 2048x2048`,
      group: 'objects',
      task: 'objects',
      ours: options,
      peer: options,
      goal: 0.7,
      quick: true,
    };
  };
  const score = (what: string, name: string, hasPeer = true): Comparison => {
    const options = { what, folder, side: scoresSide };
    const common = { name, group: 'scores', task: 'scores', ours: options, quick: true } as const;
    return hasPeer ? { ...common, peer: options, goal: 1 } : common;
  };
  const read = (kind: string, files: string): Comparison => {
    const options = { folder: files };
    return {
      name: `read 100 slices, ${kind}`,
      group: 'read',
      task: 'read',
      ours: options,
      peer: options,
      goal: 1,
      quick: true,
    };
  };
  const small = { net: 'unet', base: 32, size: 128, batch: 1 } as const;

  return [
    step('unet', 32, 256, 1, 0.8, true),
    step('unet', 64, 256, 1, 0.7),
    step('unet2015', 64, 572, 1, 0.7),
    step('unet', 16, 512, 1, 0.85),
    step('unet', 32, 128, 4, 0.85, true),
    {
      name: `training step, ${FOREIGN}, 256x256, batch 1`,
      group: 'step',
      task: 'foreignStep',
      ours: { file: inputs.network(FOREIGN), size: 256 },
      peer: { net: FOREIGN, size: 256 },
      python: 'zoo',
      goal: 1,
    },
    ...(data === undefined ? [] : training(data)),
    predict(512, true),
    predict(2048),
    inEightBits(predict(2048)),
    preview(1024, 256),
    preview(1024, 512),
    preview(2048, 512),
    score('pixel', 'ISBI pixel F-score of a slice'),
    score('rand', 'Rand of a slice'),
    score('information', 'variation of information of a slice'),
    score('thinning', 'thinning watershed of a slice'),
    score('warping', 'warping error of a slice', false),
    score('all', 'all ISBI scores of a slice, 11 thresholds', false),
    objects('distance', 'distance transform'),
    objects('watershed', 'seeded watershed'),
    objects('label', 'connected components'),
    objects('labelInto', 'connected components into given memory'),
    {
      name: 'elastic deformation, 512x512 image and label',
      group: 'elastic',
      task: 'elastic',
      ours: { side: 512 },
      peer: { side: 512 },
      goal: 0.5,
      quick: true,
    },
    read('PNG', inputs.png),
    read('LZW TIFF', inputs.tiff),
    {
      name: 'browser WASM step against Node CPU step, 32 channels, 128x128',
      group: 'browser',
      task: 'browser',
      ours: { base: 32, size: 128, batch: 1 },
      against: { name: 'Node CPU', task: 'step', options: small },
      goal: 3,
    },
    {
      // As large as a software driver of WebGL takes seconds for.
      name: 'browser WASM step against TensorFlow.js, same tab, 8 channels, 64x64',
      group: 'browser',
      task: 'browser',
      ours: { base: 8, size: 64, batch: 1 },
      sameTab: true,
      warmUp: 1,
    },
    {
      name: 'lamella --help',
      group: 'start',
      task: 'command',
      ours: { args: '--help' },
      limitMs: 150,
      quick: true,
      warmUp: 1,
    },
    {
      name: 'lamella inspect file',
      group: 'start',
      task: 'command',
      ours: { args: `inspect ${inputs.picture(512)}` },
      limitMs: 300,
      quick: true,
      warmUp: 1,
    },
    ...scaleRows(inputs),
    ...studioRows(inputs),
  ];
}

/** Ours in 8 bits; the peer stays in float32. */
const inEightBits = (row: Comparison): Comparison => ({
  ...row,
  name: row.name.replace(',', ' in 8 bits,'),
  ours: { ...row.ours, precision: 'int8' },
  goal: 0.25,
  memory: false,
});

/** Rows that train on real images. */
function training(data: string): readonly Comparison[] {
  const args =
    '--steps 200 --base 32 --patch 256 --batch 1 --norm none --optimizer adamw --separation 10 --val 0 --seed 1';
  return [
    {
      name: 'train, 200 steps, AdamW, augmentation, border weights',
      group: 'train',
      task: 'train',
      ours: { data, args, what: 'whole' },
      peer: { data, steps: 200, base: 32, size: 256 },
      goal: 0.8,
      warmUp: 0,
    },
    {
      name: 'a step of train against the bare step (AdamW)',
      group: 'train',
      task: 'train',
      ours: { data, args: args.replace('--steps 200', `--steps ${STEPS_OF_A_RUN}`), what: 'step' },
      against: { name: 'bare step', task: 'bare', options: { base: 32, size: 256, batch: 1 } },
      goal: 1.05,
      warmUp: 0,
    },
    {
      name: 'first training step after starting the command',
      group: 'start',
      task: 'train',
      ours: { data, args, what: 'first' },
      limitMs: 3000,
      warmUp: 1,
    },
  ];
}
