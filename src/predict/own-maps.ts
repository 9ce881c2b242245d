/** Models of Lamella that give stars or flows. */

import { ModelError, option } from '../errors.ts';
import type { MapKind } from '../objects/object-maps.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type OpenedModel, openOwnModel } from './own.ts';

/** One name for each map of a network that gives no classes; a single one stands for two, as that of two classes does. */
export const namesOfMaps = (count: number): readonly string[] =>
  Array.from({ length: Math.max(2, count) }, (_, i) => `map ${i}`);

/** As `openOwnModel`. @throws ModelError for a network that gives something else than is asked for; as `openOwnModel` */
export async function openOwnMaps(
  runtime: Runtime,
  bytes: Uint8Array,
  by: MapKind,
  { file }: { readonly file?: string | undefined } = {},
): Promise<OpenedModel> {
  const model = await openOwnModel(runtime, bytes, { ...(file !== undefined && { file }), maps: true });
  const given = model.metadata?.maps?.by;
  if (given === by) return { ...model, classes: namesOfMaps(model.outputs) };
  await model.program.dispose();
  throw new ModelError(`the network gives ${given ?? 'probabilities of classes'}, not ${by}.`, {
    file,
    remedy: `Remove ${option('separate')}: the file says what it gives.`,
  });
}

/**
 * The threshold that was best on the validation images of its training; undefined if there were none.
 * @throws ModelError for what is no probability
 */
export function thresholdOf({ metadata }: Pick<OpenedModel, 'metadata'>): number | undefined {
  const { maps, separation } = metadata ?? {};
  if (maps === undefined || separation === undefined) return undefined;
  const { threshold } = separation;
  if (typeof threshold === 'number' && threshold >= 0 && threshold <= 1) return threshold;
  throw new ModelError(`objects are to be found at the threshold ${JSON.stringify(threshold)}, which is not in 0..1.`, {
    remedy: 'Export the model again.',
  });
}
