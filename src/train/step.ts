/** One training step as a graph: forward, loss, gradient, update; state in and state out. */
import { float32, type NdArray, sizeOf } from '../array/ndarray.ts';
import { stream } from '../array/random.ts';
import { backward } from '../graph/autodiff.ts';
import { GraphBuilder } from '../graph/builder.ts';
import type { Graph, Value } from '../graph/ir.ts';
import type { Loss } from '../nn/losses/loss.ts';
import type { DropoutMask, Network, Parameter } from '../nn/network.ts';
import { movingAverage } from '../nn/optimizers/average.ts';
import { clipByNorm, globalNorm } from '../nn/optimizers/gradient-clip.ts';
import type { Optimizer } from '../nn/optimizers/optimizer.ts';

export interface StepOptions {
  /** Gradients are scaled down to this global norm; default: not. Their norm is then the output `gradientNorm`. */
  readonly clipNorm?: number;
  /** Give their norm also when they are not clipped. */
  readonly measureNorm?: boolean;
  /** Keep an exponential moving average of the weights with this decay; default: none. */
  readonly averageDecay?: number;
}

/**
 * Feed `image` (float32 [N,C,H,W]), `labels` (int32 [N,H',W']), `pixelWeights` (float32 [N,H',W']),
 * `learningRate` (float32 []) and the dropout masks; get `loss` ([]), `weightSum` ([], of the weights
 * after the step: not finite as soon as one of them is not), and `gradientNorm` ([]) when clipping.
 */
export interface TrainingStep {
  readonly graph: Graph;
  /** For `runtime.compile(graph, { state })`: each input that holds state, and the output that is its next value. */
  readonly state: { readonly [input: string]: string };
  readonly parameters: readonly Parameter[];
  readonly masks: readonly DropoutMask[];
  /** The state before the first step: drawn parameters, empty slots, step 0. */
  initialState(seed: number): { [input: string]: NdArray };
  /** The weights by parameter name out of a state: the moving average where there is one. */
  weightsOf(state: { readonly [input: string]: NdArray }): { [parameter: string]: NdArray };
}

const axesOf = ({ shape }: Value): number[] => shape.map((_, axis) => axis);

/** Name of the step counter in the state. */
const STEP = 'step';
const AVERAGE = 'average';

/** First values of the parameters by name. Each has its own stream, so they do not depend on each other. */
export function initialWeights(parameters: readonly Parameter[], seed: number): { [parameter: string]: NdArray } {
  return Object.fromEntries(
    parameters.map(({ value, initialise }, index) => [
      value.name,
      initialise(value.shape, stream(seed, 'initialise', 0, index)),
    ]),
  );
}

/** Appends the loss of a network and its gradient by every parameter; the network's builder is used up. */
function differentiated(network: Network, loss: Loss): { b: GraphBuilder; value: Value; gradients: readonly Value[] } {
  const { parameters, logits, builder } = network;
  const perPixel = logits.shape.filter((_, axis) => axis !== 1);
  const target = {
    labels: builder.input('labels', 'int32', perPixel),
    weights: builder.input('pixelWeights', 'float32', perPixel),
  };
  const value = builder.scoped('loss', () => loss(builder, logits, target));
  const forward = builder.build([value]);
  const b = GraphBuilder.from(forward);
  const values = parameters.map((parameter) => parameter.value);
  return { b, value, gradients: b.scoped('backward', () => backward(b, forward.nodes, value, values)) };
}

/** Appends the update of all parameters; outputs, and which of them are the next state. */
function updated(
  b: GraphBuilder,
  parameters: readonly Parameter[],
  raw: readonly Value[],
  optimizer: Optimizer,
  { clipNorm, measureNorm = false, averageDecay }: StepOptions,
): { readonly outputs: readonly Value[]; readonly state: { readonly [input: string]: string } } {
  const learningRate = b.input('learningRate', 'float32', []);
  const count = b.input(STEP, 'float32', []);
  const outputs: Value[] = [];
  const state: { [input: string]: string } = {};
  const carry = (input: Value, next: Value): void => {
    outputs.push(b.output(next, `next/${input.name}`));
    state[input.name] = `next/${input.name}`;
  };
  b.scoped('update', () => {
    let gradients = raw;
    if (clipNorm !== undefined || measureNorm) {
      const norm = globalNorm(b, raw);
      outputs.push(b.output(norm, 'gradientNorm'));
      if (clipNorm !== undefined) gradients = clipByNorm(b, raw, norm, clipNorm);
    }
    const step = b.add(count, b.scalar(1));
    const trained = parameters.map((parameter, i) => ({
      value: parameter.value,
      gradient: gradients[i] as Value,
      decay: parameter.decay,
      slots: optimizer.slots.map((slot) =>
        b.input(`${slot}/${parameter.value.name}`, 'float32', parameter.value.shape),
      ),
    }));
    const after = optimizer.updateAll(b, trained, learningRate, step);
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
      const averages = parameters.map(({ value: v }) => b.input(`${AVERAGE}/${v.name}`, 'float32', v.shape));
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
  });
  return { outputs, state };
}

/**
 * The graph of one step of `optimizer` on `loss` of `network`, whose builder it uses up: build the network anew for another.
 * @throws GraphError when a parameter does not take part in the loss.
 */
export function trainingStep(
  network: Network,
  loss: Loss,
  optimizer: Optimizer,
  options: StepOptions = {},
): TrainingStep {
  const { parameters } = network;
  const { averageDecay } = options;
  const { b, value, gradients } = differentiated(network, loss);
  const first = b.output(value, 'loss');
  const { outputs, state } = updated(b, parameters, gradients, optimizer, options);
  return {
    graph: b.build([first, ...outputs]),
    state,
    parameters,
    masks: network.masks,
    initialState: (seed) => {
      const weights = initialWeights(parameters, seed);
      const initial: { [input: string]: NdArray } = { ...weights, [STEP]: float32([], [0]) };
      for (const { value: parameter } of parameters) {
        const weight = weights[parameter.name] as NdArray<'float32'>;
        for (const slot of optimizer.slots) {
          initial[`${slot}/${parameter.name}`] = float32(parameter.shape, new Float32Array(sizeOf(parameter.shape)));
        }
        if (averageDecay !== undefined)
          initial[`${AVERAGE}/${parameter.name}`] = float32(weight.shape, weight.data.slice());
      }
      return initial;
    },
    weightsOf: (held) =>
      Object.fromEntries(
        parameters.map(({ value: { name } }) => [
          name,
          held[averageDecay === undefined ? name : `${AVERAGE}/${name}`] as NdArray,
        ]),
      ),
  };
}

/** Name of a parameter's gradient where it goes from one graph to another. */
export const gradientName = (parameter: string): string => `gradient/${parameter}`;

/** Only the gradient of a step: what `trainingStep` is fed without the learning rate, and the weights; `loss` and `gradient/..` out. */
export function gradientGraph(network: Network, loss: Loss): Graph {
  const { b, value, gradients } = differentiated(network, loss);
  const out = network.parameters.map((parameter, i) =>
    b.output(gradients[i] as Value, gradientName(parameter.value.name)),
  );
  return b.build([b.output(value, 'loss'), ...out]);
}

/** Only the update of a step, `gradient/..` and the learning rate in; its state is that of `trainingStep`. */
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
  const gradients = own.map(({ value: { name, shape } }) => b.input(gradientName(name), 'float32', shape));
  const { outputs, state } = updated(b, own, gradients, optimizer, options);
  return { graph: b.build(outputs), state };
}
