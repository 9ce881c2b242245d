import { expect, test } from 'vitest';
import type { Explanation, Plane } from '../../packages/explain/explanation.ts';
import { renderExplanation } from '../../packages/explain/page/page.ts';
import { signedPicture } from '../../src/report/kit/colour-maps.ts';
import { describePages, expectSound } from '../support/pages.ts';

function plane(width: number, height: number, value: (x: number, y: number) => number): Plane {
  const data = Float32Array.from({ length: width * height }, (_, p) => value(p % width, Math.floor(p / width)));
  return { width, height, data };
}

/** An explanation of a pixel with a part of every kind. */
function sample(): Explanation {
  const side = 96;
  const ripple = plane(side, side, (x, y) => Math.sin(x / 6) + Math.cos(y / 8));
  const blob = plane(side, side, (x, y) => Math.max(0, 20 - Math.hypot(x - 40, y - 50)));
  const box = { x: 20, y: 30, width: 41, height: 41 };
  return {
    question: 'pixel',
    image: { name: 'a <b>.png', widthPx: side, heightPx: side },
    at: { x: 40, y: 50 },
    view: { widthPx: side, heightPx: side, box: { x: 0, y: 0, width: side, height: side }, point: { x: 40, y: 50 } },
    input: [ripple],
    pixel: { file: [131], input: [0.25] },
    classes: ['membrane', 'cell'],
    target: 1,
    probabilities: [0.12, 0.88],
    probabilityMap: plane(side, side, (x) => (x < 4 ? Number.NaN : x / side)),
    parameters: 12_345,
    macs: 6.5e8,
    inputShape: [1, 1, side, side],
    layers: [
      {
        name: 'conv1',
        op: 'Conv',
        shape: [1, 4, side, side],
        parameters: 40,
        macs: 331_776,
        sees: [3, 3],
        mean: ripple,
      },
      { name: 'dense', op: 'Gemm', shape: [1, 100], parameters: 400, macs: 400, mean: plane(100, 1, (x) => x) },
    ],
    filters: {
      layer: 'conv1',
      total: 4,
      kernels: [0, 1].map((channel) => ({ channel, planes: [plane(3, 3, (x, y) => x - y)], response: ripple })),
    },
    features: { layer: 'conv1', shape: [1, 4, side, side], maps: [{ channel: 2, map: ripple }] },
    fields: [
      { of: 'the output', theoretical: box, effective: { x: 30, y: 40, width: 21, height: 21 }, gradient: blob },
      {
        of: 'conv1',
        theoretical: { ...box, width: 3, height: 3 },
        effective: { ...box, width: 3, height: 3 },
        gradient: blob,
      },
    ],
    attribution: { saliency: blob, gradCam: { layer: 'conv1', map: blob } },
    passages: [
      {
        name: 'The first layer',
        steps: [
          {
            kind: 'convolution',
            layer: 'conv1',
            channel: 1,
            at: { x: 0, y: 50 },
            origin: { x: -1, y: 49 },
            dilation: [1, 1],
            stride: [1, 1],
            kernel: [3, 3],
            firstChannel: 0,
            values: Float32Array.from([Number.NaN, 1, 2, Number.NaN, 3, 4, Number.NaN, 5, 6]),
            weights: new Float32Array(9).fill(0.5),
            bias: 0.25,
            total: 10.75,
            graph: 10.75,
            tolerance: 1e-5,
          },
          { kind: 'element', op: 'Relu', formula: 'max(0, 10.75)', total: 10.75, graph: 11, tolerance: 1e-4 },
        ],
      },
      {
        name: 'The last layer',
        steps: [
          {
            kind: 'probability',
            how: 'softmax',
            scores: [0, 2],
            totals: [0.12, 0.88],
            graph: [0.12, 0.88],
            tolerance: 1e-6,
          },
        ],
      },
    ],
    checks: [
      { what: 'one', shown: 1, expected: 1, tolerance: 0, why: 'equal', passed: true },
      { what: 'two', shown: 1, expected: 2, tolerance: 0.5, why: 'unequal', passed: false },
    ],
    notes: ['A note.'],
  };
}

const render = (explanation: Explanation): string =>
  renderExplanation({
    explanation,
    title: 'Lamella explains: sample',
    createdAt: '2026-11-22T20:00:00.000Z',
    facts: [['Model', 'a.onnx']],
    commands: ['npx lamella explain a.onnx a.png'],
  });

test('what disagrees is shown as such', () => {
  const page = render(sample());
  expect(page).toContain('1 of 2');
  expect(page.match(/class="bad"/g)).toHaveLength(2);
  expect(page).toContain('✗ network: 11');
  // Padding stands as 0 and is said.
  expect(page.match(/<td class="pad">0<\/td>/g)).toHaveLength(6);
  expect(page).not.toContain('a <b>.png');
});

test('blue below 0, white at 0, orange above', () => {
  const { planes } = signedPicture({ width: 3, height: 1, data: Float32Array.from([-2, 0, 2]) });
  expect(planes.map((values) => [...values])).toEqual([
    [0, 255, 213],
    [114, 255, 94],
    [178, 255, 0],
  ]);
});

describePages(
  'the page in a browser',
  () => ({ 'explain.html': render(sample()) }),
  (open) => {
    test.each([
      ['light', 1280],
      ['dark', 1280],
      ['dark', 400],
    ] as const)('%s, %i wide: pictures are there, nothing is loaded, nothing complains', async (colorScheme, width) => {
      const opened = await open('explain.html', { colorScheme, width });
      const { tab, output } = opened;
      await expectSound(opened, { leastPicturePx: 21 });
      expect(await tab.locator('h2').allTextContents()).toEqual([
        'Image and prediction',
        'What the prediction depends on',
        'First layer',
        'Feature maps of conv1',
        'Layer by layer',
        'One pixel, step by step',
        'Checks',
        'Method',
      ]);
      // Image, probability; close-up, saliency, layer, Grad-CAM; two filters twice; a map; two layers.
      expect(await tab.locator('img').count()).toBe(2 + 4 + 4 + 1 + 2);
      // The lines over the first picture lie where the pixel is.
      const at = await tab
        .locator('.frame')
        .first()
        .evaluate((frame) => {
          const box = frame.getBoundingClientRect();
          const cross = (frame.querySelector('path.point') as Element).getBoundingClientRect();
          return [(cross.x + cross.width / 2 - box.x) / box.width, (cross.y + cross.height / 2 - box.y) / box.height];
        });
      expect(at[0]).toBeCloseTo(40.5 / 96, 2);
      expect(at[1]).toBeCloseTo(50.5 / 96, 2);
      await tab.screenshot({ path: output(`explain-${colorScheme}-${width}.png`), fullPage: true });
      await tab.close();
    });
  },
);
