import type { LabelMapping } from '../dataset/labels/labels.ts';
import type { ModelSpec } from '../models/registry.ts';

/** Networks that give every class a map of its own for an image as a whole, in files that are written here. */
const ABLE: readonly ModelSpec['name'][] = ['unet', 'unet2015', 'unet3d'];

/** The labels that a network is trained on, and a note if they have regions. */
interface TrainedLabels {
  readonly labels: LabelMapping;
  readonly notes: readonly string[];
}

const namesOf = (regions: NonNullable<LabelMapping['regions']>): string => regions.map(({ name }) => name).join(', ');

/** For networks and programs that train classes only. */
export function trainedClasses({ regions, ...labels }: LabelMapping): TrainedLabels {
  if (regions === undefined) return { labels, notes: [] };
  const note = `regions: ${namesOf(regions)} are not trained together here, but as classes`;
  return { labels, notes: [note] };
}

/** For programs that train regions where the network can. */
export function trainedLabels(
  labels: LabelMapping,
  { name, numClasses }: Pick<ModelSpec, 'name' | 'numClasses'>,
): TrainedLabels {
  const { regions, classes } = labels;
  if (regions === undefined || !ABLE.includes(name) || numClasses !== classes.length) return trainedClasses(labels);
  const note = `regions: ${namesOf(regions)}, trained together, each by a sigmoid, and painted over each other in this order`;
  return { labels, notes: [note] };
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
