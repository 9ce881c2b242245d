import { continueFor, type FoundArea, flood, forEachRun, painter, sameLabel, similar } from 'lamella/studio';
import { text } from '../text/text.ts';
import type { Bench, Tool } from './tool.ts';

/** Time for a flood between two frames, so that the page answers meanwhile. */
const SLICE_MS = 8;

/** Values of the first channel that is shown, as floods ask for them. */
export const valuesOf = ({ planes, layer: { width } }: Bench) => {
  const { data } = planes[0];
  return (x: number, y: number): number => data[y * width + x];
};

/** Connected pixels like the one under the pointer: of the same label, and of an intensity within the tolerance. */
export const fill: Tool = (bench, at, { alt }) => {
  const { layer, slice } = bench;
  const seed = [Math.floor(at.x), Math.floor(at.y)] as const;
  if (seed[0] < 0 || seed[1] < 0 || seed[0] >= layer.width || seed[1] >= layer.height) return undefined;
  const value = alt ? layer.notAnnotated : bench.label(at, { alt, shift: false }, true);
  const isLike = similar(valuesOf(bench), seed, bench.tolerance);
  const isSame = sameLabel(layer, seed, slice);
  const task = flood((x, y) => isSame(x, y) && isLike(x, y), seed, { size: [layer.height, layer.width] });
  let cancelled = false;
  let ended = false;
  const paint = (area: FoundArea): void => {
    ended = true;
    forEachRun(area, painter(layer, { value, slice }));
    bench.commit(text.edits.fill);
    if (!area.complete) bench.note(text.tools.fillLimit);
    bench.done();
  };
  const go = (): void => {
    if (cancelled) return;
    const state = continueFor(task, SLICE_MS, () => performance.now());
    if (state.done) paint(state.value);
    else setTimeout(go);
  };
  go();
  if (ended) return undefined;
  return {
    move() {},
    // The flood goes on by itself, and says when it is done.
    up: () => true,
    cancel() {
      cancelled = true;
    },
  };
};
