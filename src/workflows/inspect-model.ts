import { elementCount } from '../array/ndarray.ts';
import { LamellaError } from '../errors.ts';
import type { Files } from '../files.ts';
import {
  type AxisTileRule,
  receptiveField,
  type TileRule,
  tileRule,
  traceDependence,
} from '../graph/analysis/receptive-field.ts';
import { graphLayers, type Layer } from '../graph/analysis/summary.ts';
import { parametersOf } from '../graph/constants.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { readSignature } from '../graph/onnx/model.ts';
import { readMetadata } from '../models/metadata.ts';
import type { ModelName } from '../models/registry.ts';
import { MODELS } from '../models/registry.ts';
import type { TileSizes } from '../models/sizes.ts';
import { boundGraph } from './bound-graph.ts';
import type { Inspected } from './inspect-image.ts';
import { readModel } from './model-files.ts';
import { namedGraph } from './model-graph.ts';
import { listed } from './recipe-words.ts';

const big = (value: number): string =>
  value >= 1e9
    ? `${(value / 1e9).toPrecision(4)} G`
    : value >= 1e6
      ? `${(value / 1e6).toPrecision(4)} M`
      : String(value);

const shapeText = (dims: readonly (number | string)[] | undefined): string =>
  dims === undefined ? '?' : `[${dims.join(', ')}]`;

const sidesOf = ({ offset, multiple, min, halo }: TileSizes): string =>
  `${offset} modulo ${multiple}, at least ${min}; halo ${halo ?? 'the whole image'}`;

/** An ONNX file from any exporter. @throws FormatError for anything else. */
export async function inspectModel(files: Files, file: string, size?: readonly [number, number]): Promise<Inspected> {
  const { describe, rows } = describeModel(await readModel(files, file), file, size);
  return { describe, text: textOf(file, rows) };
}

/** What there is to say of the bytes of an ONNX file. @throws FormatError for anything else */
export function describeModel(
  bytes: Uint8Array,
  file: string,
  size?: readonly [number, number],
): Pick<Inspected, 'describe'> & { readonly rows: readonly Row[] } {
  const signature = readSignature(bytes, { file });
  const metadata = readMetadata(signature, { file });
  const rows: Row[] = [
    ...signature.inputs.map(({ name, dtype, dims }): Row => ['input', `${name}: ${dtype} ${shapeText(dims)}`]),
    ...signature.outputs.map(({ name, dtype, dims }): Row => ['output', `${name}: ${dtype} ${shapeText(dims)}`]),
    ['parameters', signature.storedElements.toLocaleString('en')],
    [
      'operations',
      [...signature.operations]
        .slice(0, 8)
        .map(([type, count]) => `${type} ${count}`)
        .join(', '),
    ],
    [
      'opset',
      `${signature.opsets[''] ?? '-'}, written by ${signature.producer || 'unknown'} ${signature.producerVersion}`.trim(),
    ],
  ];
  if (metadata !== undefined) {
    const { network, classes, activation, maps, tile, depth, provenance } = metadata;
    rows.push(
      [
        'network',
        Object.entries(network)
          .filter(([key]) => key !== 'tile')
          .map(([key, value]) => (key === 'name' ? value : `${key} ${listed(value)}`))
          .join(', '),
      ],
      ['classes', `${classes.map(({ name }) => name).join(', ')} (${maps?.by ?? activation})`],
      tile === undefined
        ? ['task', 'image classification']
        : ['tiles', [depth && `depth ${sidesOf(depth)}`, `sides ${sidesOf(tile)}`].filter(Boolean).join('; ')],
      [
        'made',
        Object.entries(provenance)
          .map(([key, value]) => `${key} ${String(value)}`)
          .join(', '),
      ],
    );
  }
  const graph = boundGraph(bytes, signature, { file, size });
  const analysis = graph instanceof LamellaError ? undefined : analysed(graph, parametersOf(graph));
  if (graph instanceof LamellaError) rows.push(['note', `cost and receptive field are unknown: ${graph.message}`]);
  else if (analysis !== undefined) rows.push(...analysisRows(graph, analysis, metadata === undefined));
  return {
    describe: { kind: 'model', file, ...signature, metadata: metadata ?? signature.metadata, ...analysis },
    rows,
  };
}

/** A network by name, as published or in its typical form. */
export function inspectNetwork(name: ModelName, size?: readonly [number, number]): Inspected {
  const { graph, parameters, spec } = namedGraph(name, size);
  const analysis = analysed(graph, parameters);
  const count = parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const [input] = graph.inputs;
  const rows: Row[] = [
    ['network', `${MODELS[name].summary}; without weights`],
    ['input', shapeText(input?.shape)],
    ['output', shapeText(graph.outputs[0]?.shape)],
    ['parameters', count.toLocaleString('en')],
    ...analysisRows(graph, analysis, false),
  ];
  return { describe: { kind: 'network', name, spec, parameters: count, ...analysis }, text: textOf(name, rows) };
}

export type Row = [string, string];

export function textOf(title: string, rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  return [title, ...rows.map(([label, text]) => `  ${label.padEnd(width)}${text}`)].join('\n');
}

function analysisRows(graph: Graph, { macs, layers, fields, tiles }: Analysis, withTiles: boolean): Row[] {
  const at = (graph.inputs[0] as Value).shape;
  const rows: Row[] = [['MACs', `${big(macs)} for ${shapeText(at)}`]];
  if (fields !== undefined) rows.push(['receptive field', fields.map((extent) => `${extent} px`).join(' x ')]);
  if (withTiles && tiles !== undefined) {
    const ruleOf = ({ offset, multiple, minimum, haloBefore }: AxisTileRule): string =>
      `${offset} modulo ${multiple}, at least ${minimum}; halo ${haloBefore}`;
    const [axis, plane] = tiles.axes as readonly [AxisTileRule, AxisTileRule, ...AxisTileRule[]];
    const sides = at.length === 5 ? `depth ${ruleOf(axis)}; sides ${ruleOf(plane)}` : `sides ${ruleOf(axis)}`;
    rows.push(['tiles', `${sides}; ${tiles.exact ? 'exact' : 'blended'}`]);
  }
  rows.push(['layers', `${layers.length} with weights`]);
  for (const { op, name, output, parameters, macs: own } of layers) {
    rows.push([
      '',
      `${name} (${op}) -> ${shapeText(output)}, ${parameters.toLocaleString('en')} parameters, ${big(own)}`,
    ]);
  }
  return rows;
}

interface LayerRow extends Pick<Layer, 'name' | 'op' | 'parameters' | 'macs'> {
  readonly output: readonly number[];
}

interface Analysis {
  readonly macs: number;
  readonly layers: readonly LayerRow[];
  readonly fields?: readonly number[];
  readonly tiles?: TileRule;
}

function analysed(graph: Graph, trained: readonly Value[]): Analysis {
  const all = graphLayers(graph, { parameters: trained });
  const layers = all
    .filter(({ macs }) => macs > 0)
    .map(({ name, op, shape, parameters, macs }) => ({ name, op, output: shape, parameters, macs }));
  const macs = all.reduce((sum, layer) => sum + layer.macs, 0);
  const input = graph.inputs[0];
  const output = graph.outputs.find(({ shape }) => shape.length >= 3);
  if (input === undefined || output === undefined) return { macs, layers };
  try {
    const { fields } = receptiveField(traceDependence(graph, input), output);
    return { macs, layers, fields: fields.map((field) => field.size), tiles: tileRule(graph, input, output) };
  } catch (cause) {
    if (!(cause instanceof LamellaError)) throw cause;
    return { macs, layers };
  }
}
