import { expect, it } from 'vitest';
import { mlp } from '../../src/models/mlp.ts';
import { unet } from '../../src/models/unet.ts';

it('an option given as undefined has its default, as one that is left out', () => {
  const shape = [1, 1, 32, 32] as const;
  const left = { name: 'unet', channels: 1, numClasses: 2, baseChannels: 4 } as const;
  const given = { ...left, depth: undefined, norm: undefined, residual: undefined, upsampling: undefined };
  const most = { maxChannels: undefined, dropout: undefined };
  const names = (network: ReturnType<typeof unet>) =>
    network.parameters.map(({ value }) => `${value.name} ${value.shape}`);
  expect(names(unet({ ...given, ...most }, shape))).toEqual(names(unet(left, shape)));
  const plain = { name: 'mlp', channels: 1, numClasses: 2, input: [8, 8] } as const;
  const unsaid = { ...plain, hidden: undefined, activation: undefined, dropout: undefined };
  expect(names(mlp(unsaid, [1, 1, 8, 8]))).toEqual(names(mlp(plain, [1, 1, 8, 8])));
});
