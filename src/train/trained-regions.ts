import type { LabelMapping } from '../dataset/labels/labels.ts';
import type { ModelSpec } from '../models/registry.ts';

/** Networks that give every class a map of its own for an image as a whole, in files that are written here. */
const ABLE: readonly ModelSpec['name'][] = ['unet', 'unet2015', 'unet3d'];

/** The labels that a network is trained on, and a note if they have regions. */
export function trainedLabels(
  { regions, ...labels }: LabelMapping,
  { name, numClasses }: Pick<ModelSpec, 'name' | 'numClasses'>,
): { readonly labels: LabelMapping; readonly notes: readonly string[] } {
  if (regions === undefined) return { labels, notes: [] };
  const names = regions.map((region) => region.name).join(', ');
  return ABLE.includes(name) && numClasses === labels.classes.length
    ? {
        labels: { ...labels, regions },
        notes: [`regions: ${names}, trained together, each by a sigmoid, and painted over each other in this order`],
      }
    : { labels, notes: [`regions: ${names} cannot be trained together by this network; it is trained on the classes`] };
}

/** A region as classes, by index. */
export interface ClassRegion {
  readonly classes: readonly number[];
  /** The class of pixels of the region that are in no later one. */
  readonly shownAs: number;
}

export function classRegions({ regions = [], classes }: LabelMapping): readonly ClassRegion[] {
  const of = (value: number) => classes.findIndex(({ values }) => values.includes(value as never));
  return regions.map(({ values, shownAs }) => ({ classes: values.map(of), shownAs: of(shownAs) }));
}
