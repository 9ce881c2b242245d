/** Convex hulls of points with whole coordinates in space (quickhull; Barber, Dobkin, Huhdanpaa 1996), exact to 2^16 a side. */

type Point = readonly [z: number, y: number, x: number];

/** The side of the plane n . p = offset on which n . p is smaller belongs to the polyhedron. */
interface Face {
  readonly nz: number;
  readonly ny: number;
  readonly nx: number;
  readonly offset: number;
  /** Corners, counter-clockwise seen from outside. */
  readonly corners: readonly [number, number, number];
  /** Points beyond the plane, each at one face only; the farthest is the first. */
  readonly beyond: number[];
  farthest: number;
}

export class ConvexPolyhedron {
  readonly #z: readonly number[];
  readonly #y: readonly number[];
  readonly #x: readonly number[];
  #faces: Face[] = [];

  /**
   * The hull of the middles of the faces of voxels: it is never flat. Coordinates are of the voxels' centres, in half
   * voxels; there is one at least.
   */
  constructor(voxels: readonly Point[]) {
    this.#z = voxels.flatMap(([z]) => [z - 1, z + 1, z, z, z, z]);
    this.#y = voxels.flatMap(([, y]) => [y, y, y - 1, y + 1, y, y]);
    this.#x = voxels.flatMap(([, , x]) => [x, x, x, x, x - 1, x + 1]);
    this.#begin();
    for (;;) {
      const face = this.#faces.find(({ beyond }) => beyond.length > 0);
      if (face === undefined) return;
      this.#add(face.beyond[0] as number);
    }
  }

  faces(): readonly Face[] {
    return this.#faces;
  }

  corners(): readonly Point[] {
    const used = new Set(this.#faces.flatMap(({ corners }) => corners));
    return [...used].map((p) => [this.#z[p] as number, this.#y[p] as number, this.#x[p] as number]);
  }

  /** Four of the six points of the first voxel, and all others beyond their planes. */
  #begin(): void {
    const corners = [4, 5, 3, 1] as const;
    const middle = (values: readonly number[]): number =>
      corners.reduce((sum, p) => sum + (values[p] as number), 0) / 4;
    const [z, y, x] = [middle(this.#z), middle(this.#y), middle(this.#x)];
    for (let left = 0; left < 4; left++) {
      const [a, b, c] = corners.filter((_, k) => k !== left) as [number, number, number];
      const face = this.#face(a, b, c);
      const outward = face.nz * z + face.ny * y + face.nx * x < face.offset;
      this.#faces.push(outward ? face : this.#face(a, c, b));
    }
    this.#assign(
      this.#z.map((_, p) => p),
      this.#faces,
    );
  }

  /** Gives each point to a face that it lies beyond; what lies beyond none is inside and forgotten. */
  #assign(points: readonly number[], faces: readonly Face[]): void {
    for (const p of points) {
      const [z, y, x] = [this.#z[p] as number, this.#y[p] as number, this.#x[p] as number];
      for (const face of faces) {
        const over = face.nz * z + face.ny * y + face.nx * x - face.offset;
        if (!(over > 0)) continue;
        face.beyond.push(p);
        // Distances from one plane compare without its normal's length.
        if (over > face.farthest) {
          face.farthest = over;
          [face.beyond[0], face.beyond[face.beyond.length - 1]] = [p, face.beyond[0] as number];
        }
        break;
      }
    }
  }

  /** Faces that see the point, or lie in one plane with it, go; the edges that are left open are joined to it. */
  #add(added: number): void {
    const [z, y, x] = [this.#z[added] as number, this.#y[added] as number, this.#x[added] as number];
    const kept: Face[] = [];
    const gone: Face[] = [];
    for (const face of this.#faces) {
      const over = face.nz * z + face.ny * y + face.nx * x - face.offset;
      (over >= 0 ? gone : kept).push(face);
    }
    // Edges of faces that go, each in its direction: one that goes both ways is inside of the hole.
    const open = new Map<number, readonly [number, number]>();
    for (const { corners } of gone) {
      for (let k = 0; k < 3; k++) {
        const [from, to] = [corners[k] as number, corners[(k + 1) % 3] as number];
        if (!open.delete(to * 0x4000000 + from)) open.set(from * 0x4000000 + to, [from, to]);
      }
    }
    const fresh = Array.from(open.values(), ([from, to]) => this.#face(from, to, added));
    for (const { beyond } of gone) this.#assign(beyond, fresh);
    this.#faces = [...kept, ...fresh];
  }

  #face(a: number, b: number, c: number): Face {
    const [az, ay, ax] = [this.#z[a] as number, this.#y[a] as number, this.#x[a] as number];
    const [uz, uy, ux] = [(this.#z[b] as number) - az, (this.#y[b] as number) - ay, (this.#x[b] as number) - ax];
    const [vz, vy, vx] = [(this.#z[c] as number) - az, (this.#y[c] as number) - ay, (this.#x[c] as number) - ax];
    const nz = ux * vy - uy * vx;
    const ny = uz * vx - ux * vz;
    const nx = uy * vz - uz * vy;
    return { nz, ny, nx, offset: nz * az + ny * ay + nx * ax, corners: [a, b, c], beyond: [], farthest: 0 };
  }
}
