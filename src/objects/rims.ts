/** The rims of objects, which a network learns as a class of its own so that touching objects can be told apart. */

/** Offsets [dy, dx] within two pixels: wide enough to survive turning and bending, thin enough for small nuclei. */
const NEAR = [-2, -1, 0, 1, 2].flatMap((dy) =>
  [-2, -1, 0, 1, 2].filter((dx) => dy * dy + dx * dx <= 4 && (dy !== 0 || dx !== 0)).map((dx) => [dy, dx] as const),
);

/** Where a page shows objects: its class `inside`, and the class that their rims are to have. */
export interface RimClasses {
  readonly inside: number;
  readonly rim: number;
}

/**
 * Gives their own class to all pixels of objects that lie within two pixels of another value. The border of the image
 * is no rim.
 * @param classes class of each pixel [height, width], changed in place
 * @param values number of the object at each pixel
 */
export function markRims(
  classes: Uint8Array,
  values: Int32Array | Uint32Array,
  [height, width]: readonly [number, number],
  { inside, rim }: RimClasses,
): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const p = y * width + x;
      if (classes[p] !== inside) continue;
      for (const [dy, dx] of NEAR) {
        if (y + dy < 0 || y + dy >= height || x + dx < 0 || x + dx >= width) continue;
        if (values[p + dy * width + dx] === values[p]) continue;
        classes[p] = rim;
        break;
      }
    }
  }
}
