/** A step that does not fit into memory, and what would. */

import { DeviceError, factsOf, option } from '../errors.ts';
import { graphCost } from '../graph/analysis/cost.ts';
import type { NetworkFile } from '../models/definition.ts';
import { buildNetwork, type ModelSpec, networkNamed } from '../models/registry.ts';
import { type LossSpec, lossOf } from '../nn/losses/registry.ts';
import { optimizerOf } from '../nn/optimizers/registry.ts';
import { inputShape, patchText, type Recipe } from './config.ts';
import { trainingStep } from './step.ts';

/** Most bytes that the values of a training step hold at one time; what the device needs beside them is not counted. */
export function peakBytes(recipe: Recipe, file?: NetworkFile): number {
  const { model, batch, loss, maps, optimizer } = recipe;
  // The losses of maps hold about as much.
  const known = maps === undefined ? (loss as LossSpec) : ({ name: 'ce' } as const);
  const network = buildNetwork(model, inputShape(recipe, batch), { training: true, file });
  return graphCost(trainingStep(network, lossOf(known), optimizerOf(optimizer)).graph).peakBytes;
}

const inWords = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`;

/** What is smaller still has hardly anything left to learn from, or to learn with. */
const LEAST = { baseChannels: 4, patch: 32 } as const;

/** Changes of a recipe that need less memory, with the settings that make them, as they are and in words. */
function smaller(recipe: Recipe): readonly {
  readonly settings: { readonly [setting: string]: number | readonly [number, number] };
  readonly setting: string;
  readonly recipe: Recipe;
}[] {
  const { model, batch, patch } = recipe;
  const { options, sizes } = networkNamed(model.name);
  const { baseChannels = 32 } = model as { readonly baseChannels?: number };
  const half = Math.floor(baseChannels / 2);
  const side = sizes?.(model).nearest(Math.min(...patch) / 2) ?? Math.min(...patch);
  return [
    ...(batch > 1 ? [{ settings: { batch: 1 }, setting: option('batch', 1), recipe: { ...recipe, batch: 1 } }] : []),
    // Weights of another model fit its own width only.
    ...(options.includes('baseChannels') && half >= LEAST.baseChannels && recipe.start === undefined
      ? [
          {
            settings: { baseChannels: half },
            setting: option('baseChannels', half),
            recipe: { ...recipe, model: { ...model, baseChannels: half } as ModelSpec },
          },
        ]
      : []),
    ...(side < Math.min(...patch) && side >= LEAST.patch
      ? [
          {
            settings: { patch: [side, side] as const },
            setting: option('patch', side),
            recipe: { ...recipe, patch: [side, side] as const },
          },
        ]
      : []),
  ];
}

/** What an error of a step is for the user: where memory is missing, with what would need less of it. */
export function explainMemory(cause: unknown, recipe: Recipe, file?: NetworkFile): unknown {
  const missing = factsOf(cause, 'out-of-memory');
  if (missing === undefined) return cause;
  const changes = smaller(recipe);
  const proposals = changes.map((one) => `${one.setting} (about ${inWords(peakBytes(one.recipe, file))})`);
  return new DeviceError(
    `There is too little memory for a step of the network '${recipe.model.name}' with patches of ${patchText(recipe)}, batch ${recipe.batch}, which needs about ${inWords(peakBytes(recipe, file))}.`,
    {
      remedy:
        proposals.length === 0
          ? 'Close other programs, or use a machine with more memory.'
          : `Use ${proposals.join(' or ')}, or close other programs.`,
      facts: { ...missing, ...(changes[0] && { smaller: changes[0].settings }) },
      cause,
    },
  );
}
