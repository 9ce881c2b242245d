/** Annotations drawn as shapes in another program. */

/** Where in a stack a shape lies, from 0; what is undefined is every one. */
export interface Place {
  /** The image of a plain stack, channels included. */
  readonly index?: number;
  readonly z?: number;
  readonly t?: number;
}

export type Size = readonly [height: number, width: number];

/** Receives a run of a row's pixels: first column and the one after the last, inside the image. */
export type FoundRun = (row: number, from: number, to: number) => void;

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

/** A closed line: corners x0, y0, x1, y1, ...; the first is not repeated. */
export type Line = ArrayLike<number>;

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

/** Calls back with the crossings of an edge list, row by row: `collect` adds those of one edge. */
export function rowsOf<C>(
  top: number,
  bottom: number,
): { add(row: number, crossing: C): void; rows: Map<number, C[]> } {
  const rows = new Map<number, C[]>();
  return {
    rows,
    add(row, crossing) {
      if (row < top || row >= bottom) return;
      const own = rows.get(row);
      if (own === undefined) rows.set(row, [crossing]);
      else own.push(crossing);
    },
  };
}
