/** The rims of objects, which a network learns as a separate class so that touching objects can be separated. */

/**
 * Offsets [dy, dx] within two pixels: wide enough to survive rotation and deformation, thin enough for small nuclei.
 */
export const RIM_NEIGHBOURS = [-2, -1, 0, 1, 2].flatMap((dy) =>
  [-2, -1, 0, 1, 2].filter((dx) => dy * dy + dx * dx <= 4 && (dy !== 0 || dx !== 0)).map((dx) => [dy, dx] as const),
);

/** The class `inside` of a slice's objects, and the class to assign to their rims. */
export interface RimClasses {
  readonly inside: number;
  readonly rim: number;
  /** The class of pixels whose content is unknown; default: there are none. */
  readonly unknown?: number;
}

/**
 * Assigns the rim class to all object pixels within two pixels of a different value. The border of the image is not a
 * rim, nor is the border of the known area: next to unknown pixels only, it is uncertain whether there is a rim, so pixels
 * that close to them become unknown too. An object that would vanish, such as a thin brush stroke inside a cell, stays
 * inside.
 * @param classes class of each pixel [height, width], changed in place
 * @param values label of the object at each pixel
 */
export function markRims(
  classes: Uint8Array,
  values: Int32Array | Uint32Array,
  [height, width]: readonly [number, number],
  { inside, rim, unknown }: RimClasses,
): void {
  const unsure: number[] = [];
  const sure = new Set<number>();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const p = y * width + x;
      if (classes[p] !== inside) continue;
      let beside = false;
      for (const [dy, dx] of RIM_NEIGHBOURS) {
        if (y + dy < 0 || y + dy >= height || x + dx < 0 || x + dx >= width) continue;
        const q = p + dy * width + dx;
        if (values[q] === values[p]) continue;
        if (classes[q] === unknown) beside = true;
        else {
          classes[p] = rim;
          break;
        }
      }
      if (classes[p] === inside && beside) unsure.push(p);
      else if (unknown !== undefined) sure.add(values[p]);
    }
  }
  for (const p of unsure) if (sure.has(values[p])) classes[p] = unknown as number;
}
