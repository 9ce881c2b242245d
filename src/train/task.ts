import type { Circumstances } from '../models/definition.ts';
import type { Recipe, RunConfig } from './config.ts';
import type { StepPlace } from './open-step.ts';
import type { SetupOptions, TrainingSetup } from './tasks/segmentation/setup.ts';
import type { ValidationMetric } from './validate.ts';

/** A recipe, with its choices as printed lines. */
export interface ChosenRecipe {
  readonly recipe: Recipe;
  readonly notes: readonly string[];
}

/** The kind of a run: segmentation or image classification. Everything else is common. */
export interface TrainingTask {
  /** Findings, as printed lines. */
  readonly notes: readonly string[];
  /** Fraction of the training pixels that are annotated, 0..1; undefined where whole images have a class. */
  readonly annotatedFraction?: number;
  /** Whether images are read by region, since they do not fit into memory. */
  readonly readByRegion?: true;
  readonly trainingNames: readonly string[];
  readonly validationNames: readonly string[];
  /** Regions that alone are held out, by name of the image. */
  readonly validationRegions?: RunConfig['validationRegions'];
  /** Regions that are trained on, or were before, by name of the image. */
  readonly trainingRegions?: RunConfig['trainingRegions'];
  /** Hash of names and contents, so that a resumed run detects changed data. */
  readonly fingerprint: string;
  /** Default duration of a run. */
  readonly length: { readonly minutes: number } | { readonly steps: number };
  /** Whether a network is to be chosen by how much the device computes in the time. */
  readonly choosesBySpeed?: boolean;
  /**
   * @param circumstances flops: measured; undefined to assume what a core usually reaches
   * @throws UsageError for settings that do not match each other or the data
   */
  chooseRecipe(
    circumstances: Pick<Circumstances, 'cores' | 'minutes' | 'flops'> & { readonly memoryBytes?: number | undefined },
  ): ChosenRecipe;
  /** How validation images are scored, with the reason as a printed line; undefined without validation images. */
  chooseMetric(): { readonly metric: ValidationMetric; readonly reason: string } | undefined;
  /** @throws UsageError if the recipe does not match the data; DeviceError if it does not compile. */
  openSetup(
    recipe: Recipe,
    metric: ValidationMetric | undefined,
    options: StepPlace & Pick<SetupOptions, 'provenance' | 'from' | 'filtered'>,
  ): Promise<TrainingSetup>;
}
