import type { Tool } from './tool.ts';

/** Takes the label under the pointer as the one to paint with. */
export const pick: Tool = (bench, at) => {
  const take = ({ x, y }: typeof at): void => {
    const label = bench.layer.get(Math.floor(x), Math.floor(y), bench.slice);
    if (label !== bench.layer.notAnnotated) bench.choose(label);
  };
  take(at);
  return {
    move(points) {
      const last = points.at(-1);
      if (last !== undefined) take(last);
    },
    up: () => false,
    cancel() {},
  };
};
