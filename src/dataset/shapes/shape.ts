/** Annotations drawn as shapes in another program. */

import type { Image } from '../../image/image.ts';
import type { PlaneMm } from '../../image/patient-plane.ts';
import type { Bounds, FoundRun, Size } from '../../objects/fill-polygon.ts';

/** Where in a stack a shape lies, from 0; what is undefined is every one. */
export interface Place {
  /** The image of a plain stack, channels included. */
  readonly index?: number;
  readonly z?: number;
  readonly t?: number;
  /** In place of a slice. */
  readonly plane?: PlaneMm;
}

export interface Shape {
  /** As its program names it; '' if it has no name. */
  readonly name: string;
  /** Its class, if it has one. */
  readonly className?: string;
  /** Display colour of the class as 0xRRGGBB, if stated. */
  readonly colour?: number;
  /** Several objects that were not drawn one by one. */
  readonly isGroup?: true;
  readonly place: Place;
  readonly bounds: Bounds;
  /** The pixels that its program fills, row by row, limited to the image. */
  fill(size: Size, found: FoundRun): void;
  /** For one whose place depends on the image: the shapes that it is on its slices. @throws DatasetError */
  onGrid?(image: Image, file: string): readonly Shape[];
}

/** The shapes of one image. */
export interface DrawnShapes {
  readonly shapes: readonly Shape[];
  /** The size of the image that they were drawn on, if their file states it. */
  readonly drawnOn?: Size | undefined;
  /** What pixels are that no shape covers; default background. */
  readonly unpainted?: 'background' | 'not annotated';
  /** What the reader had to decide, one sentence each. */
  readonly notes?: readonly string[];
}
