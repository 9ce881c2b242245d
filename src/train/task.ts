import type { Recipe } from './config.ts';
import type { StepPlace } from './open-step.ts';
import type { SetupOptions, TrainingSetup } from './tasks/segmentation/setup.ts';
import type { ValidationMetric } from './validate.ts';

/** What a run learns from and for: pixels of pages, or classes of whole images. Everything else of a run is the same. */
export interface TrainingTask {
  /** What was found, printed lines. */
  readonly notes: readonly string[];
  readonly trainingNames: readonly string[];
  readonly validationNames: readonly string[];
  /** Of names and contents, so that a resumed run notices other data. */
  readonly fingerprint: string;
  /** How long a run is when nothing is said. */
  readonly length: { readonly minutes: number } | { readonly steps: number };
  /** @throws UsageError for settings that do not fit each other or the data. */
  chooseRecipe(circumstances: { readonly cores: number; readonly minutes: number | undefined }): {
    readonly recipe: Recipe;
    readonly notes: readonly string[];
  };
  /** How validation images are scored, with the reason as a printed line; nothing where there are none. */
  chooseMetric(): { readonly metric: ValidationMetric; readonly reason: string } | undefined;
  /** @throws UsageError where the recipe does not fit the data; DeviceError when it does not compile. */
  openSetup(
    recipe: Recipe,
    metric: ValidationMetric | undefined,
    options: StepPlace & Pick<SetupOptions, 'provenance' | 'from'>,
  ): Promise<TrainingSetup>;
}
