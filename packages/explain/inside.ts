/** A graph with its layers, and the position of the pixel in each. */

import { UsageError } from 'lamella';
import { type Dependence, receptiveField, traceDependence, type Value } from 'lamella/graph';
import type { Point } from 'lamella/predict';
import { type PlannedPassage, planPassage } from './arithmetic.ts';
import type { ExplainedInput } from './explained-input.ts';
import { type Head, headOf } from './head.ts';
import { type ExplainedLayer, elementAt, isMap, layersIn } from './layers.ts';
import { type Probe, Probes } from './probes.ts';
import type { View } from './view.ts';

/** Name of the passage that ends in the prediction. */
export const LAST = 'The last layer';

export class Inside {
  readonly explained: ExplainedInput;
  readonly dependence: Dependence;
  readonly head: Head;
  readonly layers: readonly ExplainedLayer[];
  readonly first: ExplainedLayer | undefined;
  readonly chosen: ExplainedLayer | undefined;
  readonly view: View;

  constructor(explained: ExplainedInput, layer: string | undefined) {
    const { graph, input, output, activation, shown } = explained;
    this.explained = explained;
    this.dependence = traceDependence(graph, input);
    this.head = headOf(graph, output, activation);
    this.layers = layersIn(graph, this.dependence, [this.head.scores, output]);
    this.first = this.layers.find(({ kind }) => kind !== 'pooling');
    this.chosen = chooseLayer(this.layers, layer);
    this.view = { shown, dependence: this.dependence };
  }

  /** The element of a value that corresponds to the pixel. */
  place(value: Value): Point {
    const { element, pixel } = this.explained;
    if (value.shape.length !== 4) return { x: 0, y: 0 };
    // Every element of such a map corresponds to the same pixel as in the output.
    const jumps = (of: Value): string =>
      receptiveField(this.dependence, of)
        .fields.map(({ jump }) => `${jump.numerator}/${jump.denominator}`)
        .join();
    const { scores } = this.head;
    const alike = value.shape.slice(2).join() === scores.shape.slice(2).join() && jumps(value) === jumps(scores);
    return element !== undefined && alike ? element : elementAt(this.dependence, value, pixel);
  }

  /** Requests everything shown of the forward run, for all classes, since the class is not known before. */
  ask() {
    const { graph, output } = this.explained;
    const { scores } = this.head;
    const probes = new Probes(graph);
    const column = (value: Value): Probe => {
      const { x, y } = this.place(value);
      return probes.part(value, value.shape.length === 4 ? { 2: [y, y + 1], 3: [x, x + 1] } : {});
    };
    const weights = this.first?.node.inputs[1];
    return {
      probes,
      scores: column(scores),
      given: column(output),
      activated: column(this.head.result ?? output),
      answer: isMap(output) ? probes.part(output) : undefined,
      means: this.layers.map(({ result }) => (isMap(result) ? probes.channelMean(result) : probes.part(result))),
      features: this.chosen !== undefined && isMap(this.chosen.result) ? probes.part(this.chosen.result) : undefined,
      filters:
        this.first === undefined || weights === undefined
          ? undefined
          : { weights: probes.part(weights), results: probes.part(this.first.result) },
      passages: this.#passages(probes),
    };
  }

  #passages(probes: Probes): PlannedPassage[] {
    const pooling = this.layers.find(({ kind }) => kind === 'pooling');
    const mean = this.layers.find(({ node }) => node.op === 'GlobalAveragePool');
    const upwards = this.layers.find(({ node }) => node.op === 'ConvTranspose');
    const end = this.layers.findLast(({ kind }) => kind !== 'pooling');
    // Of several heads whose maps are joined none gives all scores.
    const last = end?.result.shape[1] === this.head.scores.shape[1] ? end : undefined;
    const wanted: (readonly [string, ExplainedLayer | undefined])[] = [
      ['The first layer', this.first],
      ['The first pooling', pooling],
      [`Layer ${this.chosen?.name}`, this.chosen],
      ['The first transposed convolution', upwards],
      ['The mean of each map', mean],
      [LAST, last],
    ];
    const taken = new Set<ExplainedLayer>();
    return wanted.flatMap(([name, layer]) => {
      // If one layer is the first, the chosen and the last, it is shown once, as the last.
      if (layer === undefined || taken.has(layer) || (layer === last && name !== LAST)) return [];
      taken.add(layer);
      return planPassage(name, layer, probes, this.place(layer.node.outputs[0])) ?? [];
    });
  }
}

/** The requested values. */
export type Forward = ReturnType<Inside['ask']>;

/**
 * The layer with the given name; by default the last of those with the smallest maps whose receptive field exceeds one
 * pixel.
 */
function chooseLayer(layers: readonly ExplainedLayer[], name: string | undefined): ExplainedLayer | undefined {
  if (name !== undefined) {
    const found = layers.find((layer) => layer.name === name);
    if (found !== undefined) return found;
    throw new UsageError(`The network has no layer '${name}'.`, {
      remedy: `It has ${layers.map((layer) => layer.name).join(', ')}.`,
    });
  }
  const withMaps = layers.filter(({ kind, result }) => kind === 'convolution' && isMap(result));
  const sizeOfMap = ({ result: { shape } }: ExplainedLayer): number => shape[2] * shape[3];
  const least = withMaps.reduce((size, layer) => Math.min(size, sizeOfMap(layer)), Number.POSITIVE_INFINITY);
  const deepest = withMaps.filter((layer) => sizeOfMap(layer) === least);
  const looks = ({ node }: ExplainedLayer): boolean => node.inputs[1]?.shape.slice(2).some((side) => side > 1) === true;
  return deepest.findLast(looks) ?? deepest.at(-1);
}
