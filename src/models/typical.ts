import type { ModelName, ModelSpec } from './spec.ts';

/** A network as it is published or mostly used, to be looked at without data. */
interface Typical {
  readonly spec: ModelSpec;
  /** Height and width of the image. */
  readonly size: readonly [number, number];
}

const grey = { channels: 1, numClasses: 2 } as const;
const digits = { channels: 1, numClasses: 10, input: [28, 28] } as const;

export const TYPICAL: { readonly [N in ModelName]: Typical } = {
  unet: { spec: { name: 'unet', ...grey }, size: [256, 256] },
  unet2015: { spec: { name: 'unet2015', ...grey }, size: [572, 572] },
  n1: { spec: { name: 'n1', ...grey }, size: [9, 9] },
  n2: { spec: { name: 'n2', ...grey }, size: [23, 23] },
  n3: { spec: { name: 'n3', ...grey }, size: [47, 47] },
  n4: { spec: { name: 'n4', ...grey }, size: [95, 95] },
  perceptron: { spec: { name: 'perceptron', ...digits }, size: digits.input },
  mlp: { spec: { name: 'mlp', ...digits }, size: digits.input },
  alexnet: { spec: { name: 'alexnet', channels: 3, numClasses: 1000, input: [224, 224] }, size: [224, 224] },
};
