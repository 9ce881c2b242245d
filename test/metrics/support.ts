/** The reference cases: PNG pictures and values computed on them by the reference programs. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { ndarray } from '../../src/array/ndarray.ts';
import { goldenFolder } from '../support/data.ts';

export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(join(goldenFolder(), 'metrics', name), 'utf8')) as T;
}

export function readGrey(path: string) {
  const { width, height, data } = decode(readFileSync(path));
  return ndarray('uint8', [height, width], Uint8Array.from(data));
}

export function readCase(name: 'A' | 'B') {
  const folder = join(goldenFolder(), 'metrics');
  const label = readGrey(join(folder, `case${name}_label.png`));
  const picture = readGrey(join(folder, `case${name}_pred.png`));
  const prediction = ndarray(
    'float32',
    picture.shape,
    Float32Array.from(picture.data, (value) => value / 255),
  );
  return { label, prediction };
}

/** The pixels over a threshold. */
export function above(prediction: ReturnType<typeof readCase>['prediction'], threshold: number) {
  return ndarray(
    'uint8',
    prediction.shape,
    Uint8Array.from(prediction.data, (value) => (value > threshold ? 1 : 0)),
  );
}

export interface ReferenceCounts {
  tp: number;
  fp: number;
  fn: number;
  tn: number;
  precision: number;
  recall: number;
  fscore: number;
  metricValue: number;
}

export interface ReferenceCase {
  per_threshold: {
    th: number;
    pixel: ReferenceCounts;
    pixel_error_mse: number;
    rand_fg: ReferenceCounts;
    rand_fg_error_choose2: number;
    rand_classic: ReferenceCounts;
    v_rand_thinned: ReferenceCounts;
    v_info_fg: number;
    v_info_thinned: number;
    vi_fg_nats: number;
    vi_nats: number;
    warping: Record<string, number>;
  }[];
  challenge: Record<string, number>;
  gt_components: number[][];
  'pred_components_th0.5': number[][];
  'pred_watershed_th0.5': number[][];
  'warped_gt_th0.5': number[][];
}

export type ReferenceCases = Record<'A' | 'B', ReferenceCase>;
