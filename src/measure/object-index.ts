/** Indices 1, 2, ... for the labels of a map, in the order in which they are met. */

/** Labels below it are looked up in a table, others, such as hashes, in a map. */
const IN_TABLE = 2 ** 25;

export class ObjectIndex {
  #table = new Int32Array(2 ** 10);
  readonly #others = new Map<number, number>();
  /** `labels[index]` */
  readonly labels: number[] = [0];

  /** Number of labels. */
  get count(): number {
    return this.labels.length - 1;
  }

  /** The index of a label; 0 if it was not met. */
  find(label: number): number {
    return (label < IN_TABLE ? this.#table[label] : this.#others.get(label)) ?? 0;
  }

  /** The index of a label, a new one if it was not met. */
  of(label: number): number {
    const known = this.find(label);
    if (known !== 0) return known;
    const index = this.labels.length;
    this.labels.push(label);
    if (label >= IN_TABLE) this.#others.set(label, index);
    else {
      if (label >= this.#table.length) {
        const table = new Int32Array(Math.max(2 * this.#table.length, label + 1));
        table.set(this.#table);
        this.#table = table;
      }
      this.#table[label] = index;
    }
    return index;
  }
}
