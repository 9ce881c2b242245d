/** What the labels of slices that are read by region say, found by reading them part by part. */

import { blockGrid } from '../../objects/blocks/block-grid.ts';
import { type ValuePieces, ValuePiecesByBlocks } from '../../objects/blocks/value-pieces.ts';
import { labelGrid } from '../../objects/grid.ts';
import { LabelKindSurvey, pieceConnectivity } from '../labels/label-kind.ts';
import { type LabelMapping, type LabelOptions, type LabelPage, mappingOfValues } from '../labels/labels.ts';
import { PaletteSurvey } from '../labels/palettes.ts';
import { partsOf, type StreamedPage } from './page.ts';
import { type ScannedLabels, scanLabels } from './scan.ts';

/** The values of the labels of all slices. */
export interface SurveyedLabels {
  /** Pixels of each value of each slice. */
  readonly counts: readonly ReadonlyMap<number, number>[];
  /** Of each slice its values, once each, as a slice of one row. */
  readonly values: readonly LabelPage[];
  /** As `findMapping` of the slices; labels are read again where it depends on where values lie. */
  mapping(options: LabelOptions): Promise<LabelMapping>;
}

/** @throws DatasetError as `labelPages` */
export async function surveyLabels(pages: readonly StreamedPage[]): Promise<SurveyedLabels> {
  const scanned: ScannedLabels[] = [];
  for (const page of pages) scanned.push(await scanLabels(page));
  return {
    counts: scanned.map(({ counts }) => counts),
    values: scanned.map(keysOf),
    mapping: (options) => mappingOf(pages, scanned, options),
  };
}

async function mappingOf(
  pages: readonly StreamedPage[],
  scanned: readonly ScannedLabels[],
  options: LabelOptions,
): Promise<LabelMapping> {
  const counts = new Map<number, number>();
  const palettes = new PaletteSurvey();
  for (const { counts: own, first } of scanned) {
    for (const [value, pixels] of own) counts.set(value, (counts.get(value) ?? 0) + pixels);
    palettes.add(keysOf({ counts: own, first }));
  }
  const { classes = [], kind, task } = options;
  const isUnclear = kind === undefined && task === undefined && classes.every((item) => typeof item === 'string');
  const maps = isUnclear && counts.size > 2 ? await piecesOf(pages) : [];
  const source = scanned[0]?.first.source;
  const found = mappingOfValues({ counts, colour: false, pages: pages.length, source }, options, (ignore) => {
    const survey = new LabelKindSurvey({ ignore });
    for (const map of maps) survey.addCounted(map);
    return survey.result({ unclear: 'classes' }).kind === 'objects';
  });
  if (found.kind !== 'instances') palettes.require();
  return found;
}

/** The values of a slice, once each. */
function keysOf({ counts, first }: ScannedLabels): LabelPage {
  const keys = [...counts.keys()];
  const values = keys.some((value) => value > 0x7fffffff) ? Uint32Array.from(keys) : Int32Array.from(keys);
  return { ...first, values, height: 1, width: keys.length };
}

/** The connected pieces of each value, of the slices of a file together. */
async function piecesOf(pages: readonly StreamedPage[]): Promise<readonly (readonly ValuePieces[])[]> {
  const maps: (readonly ValuePieces[])[] = [];
  for (const file of new Set(pages.map((page) => page.file))) {
    const slices = pages.filter((page) => page.file === file);
    const [{ height, width, rows }] = slices;
    const grid =
      slices.length === 1
        ? blockGrid([height, width], [rows, width])
        : blockGrid([slices.length, height, width], [1, rows, width]);
    const pieces = new ValuePiecesByBlocks(grid, { connectivity: pieceConnectivity(grid.shape) });
    for (const page of slices) {
      for (const box of partsOf({ height, width, rows })) {
        const { values } = await page.readLabel(box);
        const shape = [...(slices.length === 1 ? [] : [1]), box.height, box.width];
        pieces.add(labelGrid(values, shape));
      }
    }
    maps.push(pieces.result());
  }
  return maps;
}
