import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { NOT_ANNOTATED as UNPAINTED } from '../../src/annotate/label-values.ts';
import type { Box } from '../../src/annotate/region.ts';
import { ndarray } from '../../src/array/ndarray.ts';
import { prepareInput } from '../../src/input/network-input.ts';
import { type Page, pagesOf } from '../../src/input/planes.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { openOwnModel } from '../../src/predict/own.ts';
import { predictPlanes } from '../../src/predict/predict.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { FilteredSquares, SQUARE_PX } from '../../src/studio/filtered-squares.ts';
import type { StudioHost } from '../../src/studio/host.ts';
import type { LiveData, LivePiece } from '../../src/studio/live-data.ts';
import { QuickRung } from '../../src/studio/live-models.ts';
import { learnQuick } from '../../src/train/quick.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

let runtime: Runtime;
/** Runs of the filters. */
let filtered = 0;
beforeAll(async () => {
  const cpu = await openRuntime({ device: 'cpu' });
  runtime = {
    ...cpu,
    async load(model) {
      const program = await cpu.load(model);
      const run: typeof program.run = (feeds) => {
        if (program.outputs.some(({ name }) => name === 'features')) filtered++;
        return program.run(feeds);
      };
      return {
        inputs: program.inputs,
        outputs: program.outputs,
        run,
        dispose: () => program.dispose(),
      } as typeof program;
    },
  };
});
afterAll(() => runtime.dispose());

const NOT_ANNOTATED = 7;

describe('the quick model on squares', () => {
  it('says what it says of the whole page, and filters each square once, whatever it learns', async () => {
    const [width, height] = [300, 270];
    const { image, label } = phantom({ width, height, depth: 1, seed: 3 });
    const strokes = (every: number) => ({
      ...label,
      ...ndarray(
        'uint8',
        label.shape,
        Uint8Array.from(label.data, (value, p) => (Math.floor(p / width) % every === 0 ? value : NOT_ANNOTATED)),
      ),
    });
    filtered = 0;
    const squares = new FilteredSquares(runtime, 1);
    const [page] = pagesOf(image);
    if (page === undefined) throw new Error('There is no page.');
    let planes: Float32Array | undefined;
    for (const every of [20, 30]) {
      const learned = await learnQuick(runtime, [{ image, label: strokes(every) }], { ignore: [NOT_ANNOTATED] });
      const model = await openOwnModel(runtime, learned.bytes);
      planes ??= prepareInput(page, model.input);
      const before = filtered;
      const whole = await predictPlanes(model, { ...page, planes });
      let furthest = 0;
      for (let y = 0; y < height; y += SQUARE_PX) {
        for (let x = 0; x < width; x += SQUARE_PX) {
          const region = { x, y, width: Math.min(SQUARE_PX, width - x), height: Math.min(SQUARE_PX, height - y) };
          const { shape, data } = await squares.predict(learned, { ...page, planes }, region);
          expect(shape).toEqual([2, region.height, region.width]);
          for (let p = 0; p < data.length; p++) {
            const row = Math.floor(p / region.width);
            const [own, below] = [Math.floor(row / region.height), row % region.height];
            const at = (own * height + y + below) * width + x + (p % region.width);
            furthest = Math.max(furthest, Math.abs((data[p] as number) - (whole.data[at] as number)));
          }
        }
      }
      expect(furthest).toBeLessThan(1e-5);
      expect(filtered - before).toBe(every === 20 ? 4 : 0);
      await model.program.dispose();
    }
    await squares.dispose();
  });

  it('are what it learns from, as long as they are kept, and it learns the same without', async () => {
    const [width, height] = [300, 270];
    const { image, label } = phantom({ width, height, depth: 1, seed: 4 });
    const [page] = pagesOf(image) as [Page];
    const corners = [0, SQUARE_PX].flatMap((y) => [0, SQUARE_PX].map((x) => [x, y] as const));
    const pieces = corners.map(([x, y]): LivePiece => {
      const box: Box = [x, y, Math.min(SQUARE_PX, width - x), Math.min(SQUARE_PX, height - y)];
      const labels = Uint8Array.from({ length: box[2] * box[3] }, (_, p) => {
        const [row, column] = [y + Math.floor(p / box[2]), x + (p % box[2])];
        return row % 25 === 0 ? Number((label.data[row * width + column] as number) > 0) : UNPAINTED.classes;
      });
      return { key: `a/${x},${y}`, page, pageName: 'a', box, labels };
    });
    const classes = ['background', 'cell'].map((name, i) => ({ name, values: [i] }));
    const declared = { kind: 'classes' as const, classes, ignore: [UNPAINTED.classes] };
    const learned = async () => {
      const rung = new QuickRung({ openRuntime: async () => runtime } as unknown as StudioHost);
      await rung.learn({ pieces, declared } as unknown as LiveData);
      return (await rung.predict(page, { x: 40, y: 30, width: 200, height: 200 })).data;
    };
    filtered = 0;
    const fromSquares = await learned();
    // Four to learn from, and the region.
    expect(filtered).toBe(5);
    const keeps = vi.spyOn(FilteredSquares.prototype, 'keeps').mockReturnValue(false);
    expectAllClose(fromSquares, await learned(), { atol: 1e-3 });
    keeps.mockRestore();
    const squares = new FilteredSquares(runtime, 1);
    expect([squares.keeps(18), squares.keeps(19)]).toEqual([true, false]);
  });

  it('keeps those that were used last', async () => {
    filtered = 0;
    const squares = new FilteredSquares(runtime, 1);
    const page = { width: 40 * SQUARE_PX, height: 1, planes: new Float32Array(40 * SQUARE_PX) };
    for (let i = 0; i < 40; i++) await squares.features(page, { x: i * SQUARE_PX, y: 0 });
    expect(filtered).toBe(40);
    await squares.features(page, { x: 39 * SQUARE_PX, y: 0 });
    expect(filtered).toBe(40);
    await squares.features(page, { x: 0, y: 0 });
    expect(filtered).toBe(41);
    await squares.dispose();
  });
});
