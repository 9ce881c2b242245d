/** Studio's budgets (apps/studio/test/budgets.ts), and what other programs take for the same. */
import { BUDGETS } from '../../apps/studio/test/budgets.ts';
import type { Inputs } from './inputs.ts';
import type { Comparison } from './rows.ts';

/** Ours per move as a share of napari's. */
const OF_NAPARI = 0.2;
/** Our first preview as a share of a random forest's. */
const OF_FOREST = 0.5;

const step = { base: 32, size: 128, batch: 1 } as const;
const preview = { base: 16, size: 512 } as const;

type Kind = 'classes' | 'objects';

export function studioRows(inputs: Inputs): readonly Comparison[] {
  const row = (name: string, what: keyof typeof BUDGETS, { ours, ...more }: Partial<Comparison> = {}): Comparison => ({
    name: `Studio: ${name}`,
    group: 'studio',
    task: 'studio',
    ours: { what, ...ours },
    budget: BUDGETS[what],
    warmUp: 1,
    ...more,
  });
  const napari = (radius: number, kind: Kind) => ({ radius, kind });
  const move = (radius: number, kind: Kind, hasPeer: boolean): Comparison =>
    row(
      `a move of the brush, radius ${radius}, ${kind}, 8192x8192`,
      radius > 1000 ? 'largestMove' : 'move',
      hasPeer
        ? {
            ours: napari(radius, kind),
            peer: napari(radius, kind),
            peerTask: 'move',
            python: 'studio',
            goal: OF_NAPARI,
          }
        : { ours: napari(radius, kind) },
    );
  return [
    ...[8, 64, 512].map((radius) => move(radius, 'classes', true)),
    move(2000, 'classes', false),
    ...[8, 256, 2000].map((radius) => move(radius, 'objects', false)),
    row('the slowest twentieth of the moves, radius 256, classes', 'moveTail', { ours: napari(256, 'classes') }),
    row('undo of one stroke over 4096x4096', 'undo'),
    row('redo of one stroke over 4096x4096', 'redo'),
    ...[8, 64, 512].map((radius) =>
      row(`undo of the stroke of 200 moves, radius ${radius}`, 'undoStroke', {
        ours: napari(radius, 'classes'),
        peer: napari(radius, 'classes'),
        peerTask: 'undo',
        python: 'studio',
        goal: OF_NAPARI,
      }),
    ),
    row('fill 4 Mpx', 'flood'),
    row('the page does not answer while it fills', 'floodBlocks'),
    row('scripts of a frame, 8192x8192, two channels and labels', 'frame'),
    row('bytes of the start screen', 'startBytes', { warmUp: 0 }),
    row('bytes of scripts until something is measured', 'workBytes', { warmUp: 0 }),
    row('bytes of all scripts', 'allBytes', { warmUp: 0 }),
    row('second load without a network', 'offline'),
    row('open 100 PNGs of 512x512', 'open100'),
    row("first preview after the second class's first stroke", 'firstPreview', {
      ours: { image: inputs.picture(512) },
      peer: { image: inputs.picture(512) },
      peerTask: 'firstPreview',
      python: 'studio',
      goal: OF_FOREST,
    }),
    row('stroke to quick preview, 512x512', 'quickPreview'),
    row('stroke to preview of the network, 512x512', 'networkPreview'),
    {
      ...row('a training step in the tab against the same WASM in Node', 'tabStep'),
      task: 'browser',
      ours: step,
      against: { name: 'WASM in Node', task: 'wasmStep', options: step },
      warmUp: 3,
    },
    {
      ...row("a training step in the tab against Node's CPU", 'tabStepOfCpu'),
      task: 'browser',
      ours: step,
      against: { name: 'CPU in Node', task: 'step', options: { net: 'unet', ...step } },
      warmUp: 3,
    },
    {
      ...row('50 steps of the live loop against plain ones', 'liveStep'),
      task: 'liveStep',
      ours: {},
      against: { name: 'plain steps', task: 'plainStep', options: {} },
    },
    row('memory, 8192x8192 uint16, 20 regions, live', 'memory', { warmUp: 0 }),
    row('a stroke until it is in the journal', 'journal'),
    row('longest task of the page for the journal, processor time', 'journalBlocks'),
    row('lamella studio, command to page', 'serverStart'),
    {
      ...row('a preview of 512x512 by the server against the tab', 'serverPreview'),
      task: 'networkPreview',
      ours: preview,
      against: { name: 'WASM in the tab', task: 'browserPreview', options: preview },
    },
  ];
}
