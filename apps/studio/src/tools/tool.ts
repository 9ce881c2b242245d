/** What a pointer, or the crosshair, does to the image. */

import type { Annotations, ImageId, LabelLayer, Plane } from 'lamella/studio';
import type { Point } from '../viewer/transform.ts';

export type ToolId =
  | 'brush'
  | 'eraser'
  | 'polygon'
  | 'fill'
  | 'wand'
  | 'region'
  | 'object'
  | 'select'
  | 'split'
  | 'pick'
  | 'hand';

/** Keys that are held down. */
export interface Held {
  /** Erases, with any tool. */
  readonly alt: boolean;
  /** Adds; with the brush a straight line. */
  readonly shift: boolean;
}

/** A line to be drawn over the image while a tool is at work, in image pixels. */
export interface Draft {
  readonly points: readonly Point[];
  readonly closed: boolean;
}

/** What tools work on: a page, and what is chosen beside it. */
export interface Bench {
  readonly annotations: Annotations;
  readonly image: ImageId;
  readonly layer: LabelLayer;
  readonly slice: number;
  readonly planes: readonly Plane[];
  /** Of the brush, in image pixels. */
  readonly diameter: number;
  /** Painted labels are kept: only what is not annotated is painted. */
  readonly keep: boolean;
  /** How far intensities may differ where an area is filled. */
  readonly tolerance: number;
  /** The same for the wand, as a multiple of the local deviation. */
  readonly deviations: number;
  /** The label that a stroke from here paints. @param fresh an object of its own */
  label(from: Point, held: Held, fresh: boolean): number;
  /** Chooses a label as the one to paint with. */
  choose(label: number): void;
  /** Chooses objects. @param adds to those that are chosen */
  select(objects: readonly number[], adds: boolean): void;
  /** Says something to the user. */
  note(text: string): void;
  /** A gesture that went on by itself has come to its end. */
  done(): void;
  draft(lines: readonly Draft[]): void;
  commit(name: string): void;
  cancel(): void;
}

/** One tool at work, from the first press to its end. Points are in image pixels, the first of which covers 0..1. */
export interface Gesture {
  /** While it is pressed: every position since the last call, in order. */
  move(points: readonly Point[], held: Held): void;
  /** The pointer goes up. @returns whether the gesture goes on with another press */
  up(): boolean;
  /** Another press of the same gesture. */
  down?(at: Point, held: Held): void;
  /** Between presses. */
  hover?(at: Point): void;
  /** Enter, or a double click. */
  finish?(): void;
  cancel(): void;
}

export type Tool = (bench: Bench, at: Point, held: Held) => Gesture | undefined;
