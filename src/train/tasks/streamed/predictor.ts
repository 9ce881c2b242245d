/** A network's prediction of validation slices that are read by region, tile by tile: as of the whole slices, to the last bit. */

import { float32 } from '../../../array/ndarray.ts';
import type { PreparedPage } from '../../../dataset/streamed/prepare.ts';
import { LamellaError, option } from '../../../errors.ts';
import type { ScoredPage } from '../../../evaluate/scorer.ts';
import { openOwnModel } from '../../../predict/own.ts';
import { type AxisTile, planRegion } from '../../../predict/tile-plan.ts';
import { runTiles } from '../../../predict/tiles.ts';
import { addTile, regionsInput } from '../../../predict/window.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import type { HeldOutPredictor } from '../segmentation/setup.ts';

export async function streamedPredictor(
  runtime: Runtime,
  bytes: Uint8Array,
  pages: readonly PreparedPage[],
): Promise<HeldOutPredictor> {
  const model = await openOwnModel(runtime, bytes);
  /** In the tiles of the whole page. */
  async function predictPage(
    { page, annotated, readImage, readLabel }: PreparedPage,
    give: (scored: ScoredPage) => void,
  ) {
    const { name, height, width, file } = page;
    const y = planRegion(height, { from: 0, to: height }, model.rule.y);
    const x = planRegion(width, { from: 0, to: width }, model.rule.x);
    if (y === undefined || x === undefined) {
      throw new LamellaError('this image does not fit into memory, and the network sees all of it at once.', {
        file,
        remedy: `Train without validation, ${option('split', 0)}, or set ${option('memory')} to more.`,
      });
    }
    const { count: channels } = model.input.channels;
    const input = regionsInput([{ height, width, channels, name, read: readImage }]);
    const isScored = (row: AxisTile, column: AxisTile): boolean =>
      annotated?.some(
        ({ top, left, bottom, right }) => top < row.to && row.from < bottom && left < column.to && column.from < right,
      ) ?? true;
    const jobs = y.tiles.flatMap((row) =>
      x.tiles.flatMap((column) => (isScored(row, column) ? [{ y: row, x: column, orientation: 0 as const }] : [])),
    );
    await runTiles(model, input, { sides: { y: y.side, x: x.side }, jobs }, {}, async (tile) => {
      const { y: rows, x: columns } = tile.job;
      const area = { y: rows.from, x: columns.from, height: rows.to - rows.from, width: columns.to - columns.from };
      const probabilities = float32([model.classes.length, area.height, area.width]);
      addTile(probabilities, tile, area);
      const label = await readLabel(area);
      give({ page: { name, height: area.height, width: area.width, label }, probabilities });
    });
  }
  return {
    async predict(give) {
      for (const [i, page] of pages.entries()) await predictPage(page, (scored) => give(scored, i));
    },
    dispose: () => model.program.dispose(),
  };
}
