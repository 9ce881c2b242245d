import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { writeSlices } from '../../packages/phantom/write-slices.ts';
import { RunError } from '../../src/errors.ts';
import { OverlapScorer } from '../../src/evaluate/overlap.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { trainRun } from '../../src/platform/node/train-run.ts';
import { overlapTable } from '../../src/report/kit/score-tables.ts';
import { writeReport } from '../../src/workflows/report.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamella-run-report-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the report of a run', () => {
  test('shows the held-out slices of a membrane stack, their scores, and how to do it again', async () => {
    const data = join(folder, 'membranes');
    const run = join(folder, 'run');
    await writeSlices(nodeFiles, data, phantom({ depth: 6, height: 256, width: 256, seed: 1 }), [0, 1, 2, 3, 4, 5]);
    await trainRun(data, {
      out: run,
      device: 'cpu',
      steps: 20,
      baseChannels: 8,
      depth: 2,
      patch: [64, 64],
      workers: 0,
      split: { names: ['04', '05'] },
    });
    const { file, data: shown } = await writeReport(nodeHost, run, { device: 'cpu' });
    expect(file).toBe(join(run, 'report.html'));
    expect(shown.title).toBe('Lamella report: membranes, run');
    expect(shown.headline.map(({ label }) => label)).toEqual([
      'V-Rand',
      'V-Info',
      'Warping error',
      'Rand error',
      'Pixel error',
      'Training',
    ]);
    expect(shown.sheet.map(({ name }) => name)).toEqual(['04.png', '05.png']);
    expect(shown.tables.map(({ rows }) => rows.map(({ name }) => name))[0]).toEqual([
      'This run',
      'Best brightness threshold',
    ]);
    // Two images choose no threshold.
    expect(shown.thresholds.map(({ best, note }) => [best, note])).toEqual(
      shown.thresholds.map(() => [undefined, 'Of 2 images, too few to choose a threshold.']),
    );
    const facts = new Map([...shown.network, ...shown.times]);
    expect(facts.get('Network')).toBe('U-Net, 8 channels at the first level, depth 2, weight normalisation');
    expect(facts.get('Optimizer')).toMatch(
      /^Adam with decoupled weight decay \(adamw, weight decay 0.01\), learning rate/,
    );
    expect([...facts.keys()]).toContain('Validation between them');
    expect(shown.training?.loss.points).toHaveLength(20);
    expect(shown.commands[0]).toContain('config.json');
    const page = readFileSync(file, 'utf8');
    expect(page).toContain('data:image/png;base64,');
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
  });

  test('scores objects as prediction finds them, and no border as a class, where nothing is held out', async () => {
    const data = join(folder, 'squares');
    const run = join(folder, 'of-squares');
    const side = 64;
    // 2 x 2 squares of 20 pixels, those of a row side by side.
    const label = Uint16Array.from({ length: side * side }, (_, p) => {
      const [x, y] = [(p % side) - 12, Math.floor(p / side) - 4];
      return x < 0 || x >= 40 || y % 28 >= 20 || y >= 56 || y < 0 ? 0 : 1 + Math.floor(x / 20) + 2 * Math.floor(y / 28);
    });
    const write = (kind: string, values: Uint16Array): void => {
      mkdirSync(join(data, kind), { recursive: true });
      const grid = { dtype: 'uint16', axes: 'yx', shape: [side, side], spacing: {} } as const;
      writeFileSync(join(data, kind, 'a.tif'), writeTiff({ ...grid, data: new Uint16Array(values) }));
    };
    write('labels', label);
    write(
      'images',
      label.map((value) => (value > 0 ? 200 : 20)),
    );
    writeFileSync(
      join(data, 'lamella.json'),
      JSON.stringify({
        version: 1,
        name: 'Squares of a board',
        task: 'objects',
        classes: [
          { name: 'background', value: 0 },
          { name: 'square', value: 'rest' },
        ],
        notAnnotated: 65_535,
        images: [{ file: 'images/a.tif', labels: 'labels/a.tif' }],
      }),
    );
    await trainRun(data, { out: run, device: 'cpu', steps: 2, baseChannels: 4, depth: 2, patch: [64, 64], workers: 0 });
    const { data: shown } = await writeReport(nodeHost, run, { device: 'cpu' });
    expect(shown.title).toBe('Lamella report: Squares of a board, run of-squares');
    expect(shown.headline.map(({ label }) => label)).toEqual([
      'AP at IoU 0.5',
      'Mean AP of images',
      'Precision at IoU 0.5',
      'Recall at IoU 0.5',
      'Mean AP',
      'Training',
    ]);
    const [overlap, objects] = shown.tables;
    expect(overlap?.rows.map(({ name }) => name)).toEqual(['background', 'square']);
    expect(objects?.note).toMatch(/^4 ground-truth and \d+ predicted objects, separated as in prediction\.$/);
  });

  test('of two classes the foreground is not repeated as a mean', () => {
    const scorer = (classes: number) => {
      const overlap = new OverlapScorer(classes);
      overlap.add(Uint8Array.of(0, 1, classes - 1), Uint8Array.of(0, 1, 0));
      return overlapTable(overlap.result(), ['ground', 'cell', 'rim'].slice(0, classes), 'here').rows;
    };
    expect(scorer(2).map(({ name, own = false }) => [name, own])).toEqual([
      ['ground', false],
      ['cell', true],
    ]);
    expect(scorer(3).map(({ name }) => name)).toEqual(['Foreground mean', 'ground', 'cell', 'rim']);
  });

  test('a folder without a run is refused by name', async () => {
    await expect(writeReport(nodeHost, folder)).rejects.toThrow(RunError);
  });
});
