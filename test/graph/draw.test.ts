import { describe, expect, test } from 'vitest';
import { layersOf } from '../../src/graph/analysis/summary.ts';
import { networkSvg } from '../../src/graph/draw.ts';
import type { Value } from '../../src/graph/ir.ts';
import { predictionGraph } from '../../src/models/prediction.ts';
import type { ModelName } from '../../src/models/spec.ts';
import { TYPICAL } from '../../src/models/typical.ts';

function drawn(name: ModelName) {
  const { spec, size } = TYPICAL[name];
  const graph = predictionGraph(spec, [1, spec.channels, ...size]);
  const parameters = graph.inputs.slice(1);
  const svg = networkSvg(graph, { parameters, title: name });
  const boxes = [...svg.matchAll(/<g><title>([^<]*)<\/title><rect x="([^"]*)" y="([^"]*)".*?<\/g>/gs)].map((found) => ({
    title: found[1] as string,
    x: Number(found[2]),
    y: Number(found[3]),
    texts: [...(found[0] as string).matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text as string),
  }));
  const edges = [...svg.matchAll(/data-from="(\d+)" data-to="(\d+)"/g)].map(([, from, to]) => [
    Number(from),
    Number(to),
  ]);
  return { svg, boxes, edges, layers: layersOf(graph, { parameters }), input: graph.inputs[0] as Value };
}

describe.each<ModelName>(['n4', 'unet', 'unet2015', 'alexnet', 'mlp'])('%s', (name) => {
  const { svg, boxes, edges, layers, input } = drawn(name);

  test('has a box a layer with the shapes of the graph, and a line for all that is read', () => {
    expect(boxes).toHaveLength(layers.length + 1);
    for (const [i, shape] of [input.shape, ...layers.map((layer) => layer.shape)].entries()) {
      const texts = (boxes[i] as (typeof boxes)[number]).texts;
      expect(texts[0]).toBe(String(shape[1]));
      if (shape.length === 4 && Math.max(...shape.slice(2)) > 1) expect(texts.at(-1)).toBe(shape.slice(2).join(' x '));
    }
    const expected = layers.flatMap(({ reads }, i) => reads.map((from) => [from + 1, i + 1]));
    expect(edges).toEqual(expected);
  });

  test('goes from left to right along every line', () => {
    for (const [from, to] of edges) {
      expect((boxes[to as number] as { x: number }).x).toBeGreaterThan((boxes[from as number] as { x: number }).x);
    }
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });
});

test('a U-Net is a U: down a row at each pooling, up at each upsampling', () => {
  const { boxes } = drawn('unet2015');
  const levels = [...new Set(boxes.map(({ title, y }) => (title.includes('MaxPool') ? Math.round(y) : undefined)))];
  expect(levels.filter((y) => y !== undefined)).toEqual(
    levels.slice(1).toSorted((a, b) => (a as number) - (b as number)),
  );
  const first = boxes.find(({ title }) => title.startsWith('encoder0/conv1'));
  const last = boxes.find(({ title }) => title.startsWith('decoder0/conv1'));
  const deepest = boxes.find(({ title }) => title.startsWith('encoder4/conv1'));
  expect(Math.abs((first as { y: number }).y - (last as { y: number }).y)).toBeLessThan(5);
  expect((deepest as { y: number }).y - (first as { y: number }).y).toBeGreaterThan(250);
});
