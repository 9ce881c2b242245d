import { continueFor, type FoundArea, flood, forEachRun, painter, sameLabel, similar } from 'lamella/studio';
import { nextTask } from '../next-task.ts';
import { text } from '../text/text.ts';
import type { Bench, Tool } from './tool.ts';

/** Time for a fill between two frames, so that the page answers meanwhile. */
const SLICE_MS = 8;

/** Runs that are painted between two looks at the clock: less than a millisecond. */
const RUNS_AT_ONCE = 32;

/** Values of the first channel that is shown, as floods ask for them. */
export const valuesOf = ({ planes, layer: { width } }: Bench) => {
  const { data } = planes[0];
  return (x: number, y: number): number => data[y * width + x];
};

/** Finds an area and paints it, with pauses. */
function* filling(bench: Bench, finding: Generator<unknown, FoundArea>, value: number): Generator<unknown, void> {
  const { runs, complete } = yield* finding;
  const paint = painter(bench.layer, { value, slice: bench.slice });
  for (let i = 0; i < runs.length; i += 3 * RUNS_AT_ONCE) {
    forEachRun({ runs: runs.subarray(i, i + 3 * RUNS_AT_ONCE) }, paint);
    yield;
  }
  bench.commit(text.edits.fill);
  if (!complete) bench.note(text.tools.fillLimit);
}

/** Connected pixels like the one under the pointer: of the same label, and of an intensity within the tolerance. */
export const fill: Tool = (bench, at, { alt }) => {
  const { layer, slice } = bench;
  const seed = [Math.floor(at.x), Math.floor(at.y)] as const;
  if (seed[0] < 0 || seed[1] < 0 || seed[0] >= layer.width || seed[1] >= layer.height) return undefined;
  const value = alt ? layer.notAnnotated : bench.label(at, { alt, shift: false }, true);
  const isLike = similar(valuesOf(bench), seed, bench.tolerance);
  const isSame = sameLabel(layer, seed, slice);
  const inside = (x: number, y: number): boolean => isSame(x, y) && isLike(x, y);
  const task = filling(bench, flood(inside, seed, { size: [layer.height, layer.width] }), value);
  let over = false;
  const goOn = (): void => {
    over = continueFor(task, SLICE_MS, () => performance.now()).done === true;
  };
  const goOnLater = async (): Promise<void> => {
    for (await nextTask(); !over; await nextTask()) {
      goOn();
      if (over) bench.done();
    }
  };
  goOn();
  if (over) return undefined;
  void goOnLater();
  return {
    move() {},
    // The fill goes on by itself, and says when it is done; presses do nothing until then.
    up: () => true,
    down() {},
    cancel() {
      over = true;
      bench.cancel();
    },
  };
};
