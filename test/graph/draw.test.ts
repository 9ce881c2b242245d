import { describe, expect, test } from 'vitest';
import { graphLayers } from '../../src/graph/analysis/summary.ts';
import { networkSvg } from '../../src/graph/draw.ts';
import type { Value } from '../../src/graph/ir.ts';
import type { ModelName } from '../../src/models/registry.ts';
import { MODELS } from '../../src/models/registry.ts';
import { namedGraph } from '../../src/workflows/model-graph.ts';

function drawn(name: ModelName) {
  const { graph } = namedGraph(name);
  const parameters = graph.inputs.slice(1);
  const svg = networkSvg(graph, { parameters, title: name });
  const boxes = [
    ...svg.matchAll(
      /<g><title>([^<]*)<\/title><rect x="([^"]*)" y="([^"]*)" width="([^"]*)" height="([^"]*)".*?<\/g>/gs,
    ),
  ].map((found) => ({
    title: found[1] as string,
    x: Number(found[2]) + Number(found[4]) / 2,
    y: Number(found[3]) + Number(found[5]) / 2,
    texts: [...(found[0] as string).matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text as string),
  }));
  const edges = [...svg.matchAll(/data-from="(\d+)" data-to="(\d+)"/g)].map(([, from, to]) => [
    Number(from),
    Number(to),
  ]);
  return { svg, boxes, edges, layers: graphLayers(graph, { parameters }), input: graph.inputs[0] as Value };
}

describe.each<ModelName>(['n4', 'unet', 'unet2015', 'alexnet', 'mlp'])('%s', (name) => {
  const { svg, boxes, edges, layers, input } = drawn(name);

  test('has a box a layer with the shapes of the graph, and a line for all that is read', () => {
    expect(boxes).toHaveLength(layers.length + 1);
    for (const [i, shape] of [input.shape, ...layers.map((layer) => layer.shape)].entries()) {
      const texts = (boxes[i] as (typeof boxes)[number]).texts;
      expect(texts[0]).toBe(String(shape[1]));
      if (shape.length === 4 && (shape[2] as number) > 1) expect(texts.at(-1)).toBe(`${shape[2]}²`);
    }
    const expected = layers.flatMap(({ reads }, i) => reads.map((from) => [from + 1, i + 1]));
    expect(edges).toEqual(expected);
  });

  test('goes from left to right along every line, or straight up or down', () => {
    for (const [from, to] of edges as [number, number][]) {
      const [a, b] = [boxes[from], boxes[to]] as [(typeof boxes)[number], (typeof boxes)[number]];
      if (Math.abs(a.x - b.x) < 0.2) expect(Math.abs(a.y - b.y)).toBeGreaterThan(30);
      else expect(b.x).toBeGreaterThan(a.x + 30);
    }
    expect(new Set(boxes.map(({ x, y }) => `${x},${y}`)).size).toBe(boxes.length);
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
  // What is kept goes above the row, past the upsampled one, to where both are joined.
  const { svg } = drawn('unet2015');
  expect(svg.match(/<path d="M[\d. ]+V[\d.]+H[\d.]+V[\d.]+" stroke-dasharray/g)).toHaveLength(4);
});

test('what does not come up again stands in one row; neighbours that do the same share the words', () => {
  const { boxes, svg } = drawn('alexnet');
  // To the rounding of coordinates.
  for (const { y } of boxes) expect(Math.abs(y - (boxes[0] as { y: number }).y)).toBeLessThan(0.2);
  expect(svg.match(/>conv 3x3</g)).toHaveLength(1);
  expect(svg.match(/>dense</g)).toHaveLength(2);
  expect(svg).toContain('60,965,224 parameters, 724,406,816 MACs');
});

test.each(Object.keys(MODELS) as ModelName[])('the picture of %s in the docs is what is drawn', async (name) => {
  await expect(drawn(name).svg).toMatchFileSnapshot(`../../docs/images/${name}.svg`);
});
