/** Annotations drawn as shapes in another program. */

import type { FoundRun, Line, Size } from '../../objects/fill-polygon.ts';

/** Where in a stack a shape lies, from 0; what is undefined is every one. */
export interface Place {
  /** The image of a plain stack, channels included. */
  readonly index?: number;
  readonly z?: number;
  readonly t?: number;
}

export interface Shape {
  /** As its program names it; '' if it has no name. */
  readonly name: string;
  /** Its class, if it has one. */
  readonly className?: string;
  /** Display colour of the class as 0xRRGGBB, if stated. */
  readonly colour?: number;
  readonly place: Place;
  /** Left, top, right and bottom edge in pixels. */
  readonly bounds: readonly [left: number, top: number, right: number, bottom: number];
  /** The pixels that its program fills, row by row, limited to the image. */
  fill(size: Size, found: FoundRun): void;
}

export function boundsOfLines(lines: readonly Line[]): Shape['bounds'] {
  const bounds: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const line of lines) {
    for (let i = 0; i < line.length; i++) {
      const value = line[i] as number;
      const axis = i % 2;
      bounds[axis] = Math.min(bounds[axis] as number, value);
      bounds[axis + 2] = Math.max(bounds[axis + 2] as number, value);
    }
  }
  return bounds;
}
