/** One training step as a graph: forward, loss, gradient, update; state in and state out. */
import { elementCount, float32, type NdArray } from '../array/ndarray.ts';
import { stream } from '../array/random.ts';
import { backward } from '../graph/autodiff.ts';
import { GraphBuilder } from '../graph/builder.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { isMapLoss, type Loss } from '../nn/losses/loss.ts';
import type { DropoutMask, Network, Parameter, Statistic } from '../nn/network.ts';
import { movingAverage } from '../nn/optimizers/average.ts';
import { clipByNorm, globalNorm } from '../nn/optimizers/gradient-clip.ts';
import type { Optimizer, Trained, Updated } from '../nn/optimizers/optimizer.ts';

export interface StepOptions {
  /**
   * Gradients are scaled down to this global norm; default: no clipping. Their norm is then the output `gradientNorm`.
   */
  readonly clipNorm?: number;
  /** Output their norm even without clipping. */
  readonly measureNorm?: boolean;
  /** Keep an exponential moving average of the weights with this decay; default: none. */
  readonly averageDecay?: number;
  /** Factor on the learning rate of each parameter; 0: frozen, without a gradient. Default: 1 for all. */
  readonly rateOf?: (parameter: string) => number;
}

/**
 * Feed `image` (float32 [N,C,H,W]), `labels` (int32 [N,H',W'], of losses of maps float32 [N,K,H',W']), `pixelWeights` (float32 [N,H',W']), `learningRate`
 * (float32 []) and the dropout masks; returns `loss` ([]), `weightSum` ([], of the weights after the step: not finite
 * if any of them is not), and `gradientNorm` ([]) with clipping.
 */
export interface TrainingStep {
  readonly graph: Graph;
  /** For `runtime.compile(graph, { state })`: each state input, and the output that is its next value. */
  readonly state: { readonly [input: string]: string };
  readonly parameters: readonly Parameter[];
  /** The parameters that a step changes: all that are not frozen. */
  readonly trained: readonly Parameter[];
  readonly masks: readonly DropoutMask[];
  /**
   * The state before the first step: parameters, statistics, empty slots, step 0.
   * @param start initial values of parameters and statistics by name; other parameters are sampled from the seed
   */
  initialState(seed: number, start?: { readonly [parameter: string]: NdArray }): { [input: string]: NdArray };
  /** Names of the state that `weightsOf` needs. */
  readonly weightNames: readonly string[];
  /** The weights of a state by parameter name, moving averages if there are any, and the statistics of the network. */
  weightsOf(state: { readonly [input: string]: NdArray }): { [parameter: string]: NdArray };
}

const axesOf = ({ shape }: Value): number[] => shape.map((_, axis) => axis);

/** Output with the next value of a state. */
const nextName = (state: string): string => `next/${state}`;

/** Name of the step counter in the state. */
const STEP = 'step';
const AVERAGE = 'average';

/** Initial values of the parameters by name. Each has its own random stream, so they are independent of each other. */
export function initialWeights(parameters: readonly Parameter[], seed: number): { [parameter: string]: NdArray } {
  return Object.fromEntries(
    parameters.map(({ value, initialise }, index) => [
      value.name,
      initialise(value.shape, stream(seed, 'initialise', 0, index)),
    ]),
  );
}

/** The parameters that are not frozen. */
function trainedOf(parameters: readonly Parameter[], { rateOf }: StepOptions): readonly Parameter[] {
  return rateOf === undefined ? parameters : parameters.filter(({ value }) => rateOf(value.name) !== 0);
}

/** The update of all parameters, grouped by learning rate. */
function updatedAtTheirRates(
  b: GraphBuilder,
  optimizer: Optimizer,
  trained: readonly Trained[],
  { learningRate, step, rateOf = () => 1 }: Pick<StepOptions, 'rateOf'> & Record<'learningRate' | 'step', Value>,
): readonly Updated[] {
  const rates = trained.map(({ value }) => rateOf(value.name));
  const after = new Map<Trained, Updated>();
  for (const rate of new Set(rates)) {
    const group = trained.filter((_, i) => rates[i] === rate);
    const scaled = rate === 1 ? learningRate : b.mul(learningRate, b.scalar(rate));
    optimizer.updateAll(b, group, scaled, step).forEach((updated, i) => {
      after.set(group[i] as Trained, updated);
    });
  }
  return trained.map((one) => after.get(one) as Updated);
}

const nextOf = (statistics: readonly Statistic[]): readonly Value[] =>
  statistics.flatMap(({ next }) => (next === undefined ? [] : [next]));

/** Appends the loss of a network and its gradient with respect to `parameters`; the network's builder is consumed. */
function differentiated(
  { logits, builder, statistics }: Network,
  loss: Loss,
  parameters: readonly Parameter[],
): { b: GraphBuilder; value: Value; gradients: readonly Value[] } {
  const perPixel = logits.shape.filter((_, axis) => axis !== 1);
  const target = {
    labels: isMapLoss(loss)
      ? builder.input('labels', 'float32', logits.shape)
      : builder.input('labels', 'int32', perPixel),
    weights: builder.input('pixelWeights', 'float32', perPixel),
  };
  const value = builder.scoped('loss', () => loss(builder, logits, target));
  const forward = builder.build([value, ...nextOf(statistics)]);
  const b = GraphBuilder.from(forward);
  const values = parameters.map((parameter) => parameter.value);
  return { b, value, gradients: b.scoped('backward', () => backward(b, forward.nodes, value, values)) };
}

/**
 * Appends the update of the trained parameters; returns the outputs, and which of them are the next state of all
 * parameters.
 */
function updated(
  b: GraphBuilder,
  parameters: readonly Parameter[],
  raw: readonly Value[],
  optimizer: Optimizer,
  options: StepOptions,
): { readonly outputs: readonly Value[]; readonly state: { readonly [input: string]: string } } {
  const { clipNorm, measureNorm = false, averageDecay, rateOf } = options;
  const changed = trainedOf(parameters, options);
  const learningRate = b.input('learningRate', 'float32', []);
  const count = b.input(STEP, 'float32', []);
  const outputs: Value[] = [];
  const state: { [input: string]: string } = {};
  const carry = (input: Value, next: Value): void => {
    outputs.push(b.output(next, nextName(input.name)));
    state[input.name] = nextName(input.name);
  };
  b.scoped('update', () => {
    let gradients = raw;
    if (clipNorm !== undefined || measureNorm) {
      const norm = globalNorm(b, raw);
      outputs.push(b.output(norm, 'gradientNorm'));
      if (clipNorm !== undefined) gradients = clipByNorm(b, raw, norm, clipNorm);
    }
    const step = b.add(count, b.scalar(1));
    const trained = changed.map((parameter, i) => ({
      value: parameter.value,
      gradient: gradients[i] as Value,
      decay: parameter.decay,
      slots: optimizer.slots.map((slot) =>
        b.input(`${slot}/${parameter.value.name}`, 'float32', parameter.value.shape),
      ),
    }));
    const after = updatedAtTheirRates(b, optimizer, trained, { learningRate, step, rateOf });
    const sums = after.map(({ value }) => b.sum(value, axesOf(value)));
    outputs.push(
      b.output(
        sums.reduce((total, sum) => b.add(total, sum)),
        'weightSum',
      ),
    );
    trained.forEach((before, i) => {
      const { value, slots } = after[i] as (typeof after)[number];
      carry(before.value, value);
      before.slots.forEach((slot, k) => {
        carry(slot, slots[k] as Value);
      });
    });
    if (averageDecay !== undefined) {
      const averages = changed.map(({ value: v }) => b.input(`${AVERAGE}/${v.name}`, 'float32', v.shape));
      const next = movingAverage(
        b,
        averages,
        after.map(({ value }) => value),
        step,
        averageDecay,
      );
      averages.forEach((average, i) => {
        carry(average, next[i] as Value);
      });
    }
    carry(count, step);
    for (const parameter of parameters) if (!changed.includes(parameter)) carry(parameter.value, parameter.value);
  });
  return { outputs, state };
}

/**
 * The graph of one step of `optimizer` on `loss` of `network`, whose builder it consumes: build the network again for
 * another.
 * @throws GraphError if a parameter does not affect the loss.
 */
export function trainingStep(
  network: Network,
  loss: Loss,
  optimizer: Optimizer,
  options: StepOptions = {},
): TrainingStep {
  const { parameters, statistics } = network;
  const { averageDecay } = options;
  const trained = trainedOf(parameters, options);
  const { b, value, gradients } = differentiated(network, loss, trained);
  const first = b.output(value, 'loss');
  const { outputs, state } = updated(b, parameters, gradients, optimizer, options);
  const names = statistics.map((statistic) => statistic.value.name);
  const after = nextOf(statistics).map((next, i) => b.output(next, nextName(names[i] as string)));
  return {
    graph: b.build([first, ...outputs, ...after]),
    state: { ...state, ...Object.fromEntries(names.map((name) => [name, nextName(name)])) },
    parameters,
    trained,
    masks: network.masks,
    initialState: (seed, start = {}) => {
      const stored = Object.fromEntries(statistics.map((statistic) => [statistic.value.name, statistic.initial]));
      const drawn = { ...initialWeights(parameters, seed), ...stored };
      // Statistics of frozen layers are constants.
      const weights = Object.fromEntries(Object.entries(drawn).map(([name, array]) => [name, start[name] ?? array]));
      const initial: { [input: string]: NdArray } = { ...weights, [STEP]: float32([], [0]) };
      for (const { value: parameter } of trained) {
        const weight = weights[parameter.name] as NdArray<'float32'>;
        for (const slot of optimizer.slots) {
          initial[`${slot}/${parameter.name}`] = float32(
            parameter.shape,
            new Float32Array(elementCount(parameter.shape)),
          );
        }
        if (averageDecay !== undefined)
          initial[`${AVERAGE}/${parameter.name}`] = float32(weight.shape, weight.data.slice());
      }
      return initial;
    },
    weightNames: [
      ...parameters.map(({ value: { name } }) =>
        averageDecay === undefined || !trained.some(({ value }) => value.name === name) ? name : `${AVERAGE}/${name}`,
      ),
      ...names,
    ],
    weightsOf: (held) =>
      Object.fromEntries(
        [...parameters.map(({ value }) => value.name), ...names].map((name) => [
          name,
          (held[`${AVERAGE}/${name}`] ?? held[name]) as NdArray,
        ]),
      ),
  };
}

/** Name of a parameter's gradient when passed between graphs. */
export const gradientName = (parameter: string): string => `gradient/${parameter}`;

/**
 * Only the gradient of a step: the inputs are those of `trainingStep` without the learning rate, and the weights; the
 * outputs `loss` and `gradient/..`.
 */
export function gradientGraph(network: Network, loss: Loss, options: StepOptions = {}): Graph {
  const trained = trainedOf(network.parameters, options);
  const { b, value, gradients } = differentiated(network, loss, trained);
  const out = trained.map((parameter, i) => b.output(gradients[i] as Value, gradientName(parameter.value.name)));
  return b.build([b.output(value, 'loss'), ...out]);
}

/**
 * Only the update of a step, with `gradient/..` and the learning rate as inputs; its state is that of `trainingStep`.
 */
export function updateGraph(
  parameters: readonly Parameter[],
  optimizer: Optimizer,
  options: StepOptions = {},
): { readonly graph: Graph; readonly state: { readonly [input: string]: string } } {
  const b = new GraphBuilder('update');
  const own = parameters.map((parameter) => ({
    ...parameter,
    value: b.input(parameter.value.name, 'float32', parameter.value.shape),
  }));
  const gradients = trainedOf(own, options).map(({ value: { name, shape } }) =>
    b.input(gradientName(name), 'float32', shape),
  );
  const { outputs, state } = updated(b, own, gradients, optimizer, options);
  return { graph: b.build(outputs), state };
}
