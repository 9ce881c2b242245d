/** Where the annotated pixels of a slice are that is read part by part: as `annotatedBoxes` and `annotatedRows` of the whole. */

import { ndarray } from '../../array/ndarray.ts';
import { connectedComponents } from '../../objects/connected-components.ts';
import { type AnnotatedRows, annotatedRows, type Labelled, type Rectangle, SQUARE_PX } from '../annotated.ts';
import { IGNORE } from '../labels/labels.ts';

type Size = Pick<Labelled, 'height' | 'width'>;

/** Counts the annotated pixels above each row. */
export class RowCounter {
  readonly result: AnnotatedRows;
  readonly #width: number;
  #y = 0;

  constructor({ height, width }: Size) {
    this.#width = width;
    this.result = new (height * width > 0x7fffffff ? Float64Array : Int32Array)(height + 1);
  }

  /** @param label classes of the next rows, as a whole */
  add(label: Uint8Array): void {
    const [width, height] = [this.#width, label.length / this.#width];
    const rows = annotatedRows({ label, height, width });
    const before = this.result[this.#y];
    for (let row = 1; row <= height; row++) this.result[this.#y + row] = before + (rows?.[row] ?? row * width);
    this.#y += height;
  }
}

/** Finds the boxes around annotated areas. */
export class AnnotatedAreas {
  readonly #width: number;
  readonly #columns: number;
  /** Of each square of the slice: first row and column, and those after the last; 0 where nothing is annotated. */
  readonly #squares: Int32Array;
  #y = 0;

  constructor({ height, width }: Size) {
    this.#width = width;
    this.#columns = Math.ceil(width / SQUARE_PX);
    this.#squares = new Int32Array(4 * Math.ceil(height / SQUARE_PX) * this.#columns);
  }

  /** @param label classes of the next rows, as a whole */
  add(label: Uint8Array): void {
    const squares = this.#squares;
    for (let p = 0; p < label.length; this.#y++) {
      const first = Math.floor(this.#y / SQUARE_PX) * this.#columns;
      for (let x = 0; x < this.#width; x++, p++) {
        if (label[p] === IGNORE) continue;
        const at = 4 * (first + Math.floor(x / SQUARE_PX));
        if (squares[at + 2] === 0) {
          squares[at] = this.#y;
          squares[at + 1] = x;
        }
        squares[at + 1] = Math.min(squares[at + 1], x);
        squares[at + 2] = this.#y + 1;
        squares[at + 3] = Math.max(squares[at + 3], x + 1);
      }
    }
  }

  result(): readonly Rectangle[] {
    const squares = this.#squares;
    const mask = Uint8Array.from({ length: squares.length / 4 }, (_, i) => (squares[4 * i + 2] === 0 ? 0 : 1));
    const shape = [mask.length / this.#columns, this.#columns];
    const { labels, count } = connectedComponents(ndarray('uint8', shape, mask), { connectivity: 8 });
    const boxes = Array.from({ length: count }, () => ({ top: Infinity, left: Infinity, bottom: 0, right: 0 }));
    for (const [i, area] of labels.data.entries()) {
      if (area === 0) continue;
      const box = boxes[area - 1];
      box.top = Math.min(box.top, squares[4 * i]);
      box.left = Math.min(box.left, squares[4 * i + 1]);
      box.bottom = Math.max(box.bottom, squares[4 * i + 2]);
      box.right = Math.max(box.right, squares[4 * i + 3]);
    }
    return boxes;
  }
}
