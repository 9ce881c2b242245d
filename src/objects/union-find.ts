/** Sets of numbered elements that are united. */

export class UnionFind {
  #parent = new Int32Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds elements, each a set of its own. @returns the number of the first */
  add(count: number): number {
    const first = this.#length;
    this.#length += count;
    if (this.#length > this.#parent.length) {
      const grown = new Int32Array(Math.max(this.#length, 2 * this.#parent.length));
      grown.set(this.#parent);
      this.#parent = grown;
    }
    for (let element = first; element < this.#length; element++) this.#parent[element] = element;
    return first;
  }

  /** The same element for all of a set: the first one. */
  find(element: number): number {
    const parent = this.#parent;
    let root = element;
    while (parent[root] !== root) {
      // Path halving keeps the trees flat.
      parent[root] = parent[parent[root]];
      root = parent[root];
    }
    return root;
  }

  unite(a: number, b: number): void {
    const [rootA, rootB] = [this.find(a), this.find(b)];
    if (rootA < rootB) this.#parent[rootB] = rootA;
    else this.#parent[rootA] = rootB;
  }
}
