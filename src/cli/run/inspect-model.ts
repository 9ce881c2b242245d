import { readFile } from 'node:fs/promises';
import { LamellaError, ModelError } from '../../errors.ts';
import { receptiveField, type TileRule, tileRule, traceDependence } from '../../graph/analysis/receptive-field.ts';
import type { Graph, Value } from '../../graph/ir.ts';
import { readSignature, type Signature } from '../../graph/onnx/model.ts';
import { readOnnx } from '../../graph/onnx/read.ts';
import { graphMacs, nodeMacs } from '../../models/cost.ts';
import { METADATA_KEY, parseMetadata } from '../../models/metadata.ts';

interface Inspected {
  readonly describe: unknown;
  readonly text: string;
}

/** Sides to count with where the file leaves them open: most networks take one of these. */
const SIDES = [256, 572, 512, 224];

/** The graph for a size, or why there is none. */
function bound(
  bytes: Uint8Array,
  signature: Signature,
  file: string,
  size: readonly [number, number] | undefined,
): Graph | LamellaError {
  const [input] = signature.inputs;
  const dims = input?.dims;
  if (input === undefined || dims === undefined)
    return new ModelError('The file does not say the shape of its input.', { file });
  let problem: LamellaError | undefined;
  for (const side of size === undefined ? SIDES : [size]) {
    const [height, width] = typeof side === 'number' ? [side, side] : side;
    const shape = dims.map((n, axis) =>
      typeof n === 'number' ? n : axis < dims.length - 2 ? 1 : axis === dims.length - 2 ? height : width,
    );
    try {
      return readOnnx(bytes, { shapes: { [input.name]: shape }, file });
    } catch (cause) {
      if (!(cause instanceof LamellaError)) throw cause;
      problem ??= cause;
    }
  }
  return problem as LamellaError;
}

const big = (value: number): string =>
  value >= 1e9
    ? `${(value / 1e9).toPrecision(4)} G`
    : value >= 1e6
      ? `${(value / 1e6).toPrecision(4)} M`
      : String(value);

const shapeText = (dims: readonly (number | string)[] | undefined): string =>
  dims === undefined ? '?' : `[${dims.join(', ')}]`;

/** An ONNX file: ours or anyone's. @throws FormatError when it is none. */
export async function inspectModel(file: string, size?: readonly [number, number]): Promise<Inspected> {
  const bytes = await readFile(file);
  const signature = readSignature(bytes, { file });
  const entry = signature.metadata[METADATA_KEY];
  const metadata = entry === undefined ? undefined : parseMetadata(entry, { file });
  const rows: [string, string][] = [
    ...signature.inputs.map(({ name, dtype, dims }): [string, string] => [
      'input',
      `${name}: ${dtype} ${shapeText(dims)}`,
    ]),
    ...signature.outputs.map(({ name, dtype, dims }): [string, string] => [
      'output',
      `${name}: ${dtype} ${shapeText(dims)}`,
    ]),
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
    const { network, classes, activation, tile, provenance } = metadata;
    rows.push(
      [
        'network',
        Object.entries(network)
          .map(([key, value]) => (key === 'name' ? value : `${key} ${value}`))
          .join(', '),
      ],
      ['classes', `${classes.map(({ name }) => name).join(', ')} (${activation})`],
      tile === undefined
        ? ['answer', 'one class for a whole image']
        : [
            'tiles',
            `sides ${tile.offset} modulo ${tile.multiple}, at least ${tile.least}; halo ${tile.halo ?? 'the whole image'}`,
          ],
      [
        'made',
        Object.entries(provenance)
          .map(([key, value]) => `${key} ${String(value)}`)
          .join(', '),
      ],
    );
  }
  const graph = bound(bytes, signature, file, size);
  const analysis = graph instanceof LamellaError ? undefined : analysed(graph);
  if (graph instanceof LamellaError)
    rows.push(['note', `its cost and receptive field are not known: ${graph.message}`]);
  else if (analysis !== undefined) {
    const { macs, layers, fields, tiles } = analysis;
    const at = (graph.inputs[0] as Value).shape;
    rows.push(['multiplications', `${big(macs)} for ${shapeText(at)}`]);
    if (fields !== undefined) rows.push(['receptive field', fields.map((extent) => `${extent} px`).join(' x ')]);
    if (metadata === undefined && tiles !== undefined) {
      const [axis] = tiles.axes;
      if (axis !== undefined)
        rows.push([
          'tiles',
          `sides ${axis.offset} modulo ${axis.multiple}, at least ${axis.minimum}; halo ${axis.haloBefore}; ${tiles.exact ? 'exact' : 'blended'}`,
        ]);
    }
    rows.push(['layers', `${layers.length} with weights`]);
    for (const { op, name, output, parameters, macs: own } of layers) {
      rows.push([
        '',
        `${name} (${op}) -> ${shapeText(output)}, ${parameters.toLocaleString('en')} parameters, ${big(own)}`,
      ]);
    }
  }
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  return {
    describe: { kind: 'model', file, ...signature, metadata: metadata ?? signature.metadata, ...analysis },
    text: [file, ...rows.map(([label, text]) => `  ${label.padEnd(width)}${text}`)].join('\n'),
  };
}

interface Layer {
  readonly name: string;
  readonly op: string;
  readonly output: readonly number[];
  readonly parameters: number;
  readonly macs: number;
}

function analysed(graph: Graph): {
  readonly macs: number;
  readonly layers: readonly Layer[];
  readonly fields?: readonly number[];
  readonly tiles?: TileRule;
} {
  const layers = graph.nodes.flatMap((node): Layer[] => {
    const macs = nodeMacs(node);
    const parameters = node.inputs.reduce(
      (sum, value) => sum + (value === undefined ? 0 : (graph.constants.get(value)?.data.length ?? 0)),
      0,
    );
    const [output] = node.outputs;
    return macs === 0 || output === undefined
      ? []
      : [{ name: node.name, op: node.op, output: output.shape, parameters, macs }];
  });
  const macs = graphMacs(graph);
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
