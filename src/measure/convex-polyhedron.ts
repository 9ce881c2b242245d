/** The convex hull of points with whole coordinates in space, grown point by point; exact up to 2^16 a side. */

type Point = readonly [z: number, y: number, x: number];

/** The side of the plane n . p = offset on which n . p is smaller belongs to the polyhedron. */
interface Face {
  readonly nz: number;
  readonly ny: number;
  readonly nx: number;
  readonly offset: number;
  /** Corners, counter-clockwise seen from outside. */
  readonly corners: readonly [number, number, number];
}

export class ConvexPolyhedron {
  readonly #points: Point[] = [];
  #faces: Face[] = [];

  /** The octahedron around a voxel: it is never flat, so that whatever is added to it is not. */
  static aroundVoxel(z: number, y: number, x: number): ConvexPolyhedron {
    const hull = new ConvexPolyhedron();
    hull.#points.push([z, y, x - 1], [z, y, x + 1], [z, y + 1, x], [z + 1, y, x]);
    const inside: Point = [z + 0.25, y + 0.25, x];
    for (const [a, b, c] of [
      [0, 1, 2],
      [0, 1, 3],
      [0, 2, 3],
      [1, 2, 3],
    ] as const) {
      const face = hull.#face(a, b, c);
      const outward = face.nz * inside[0] + face.ny * inside[1] + face.nx * inside[2] < face.offset;
      hull.#faces.push(outward ? face : hull.#face(a, c, b));
    }
    hull.addVoxel(z, y, x);
    return hull;
  }

  /** Adds the middles of the six faces of a voxel; coordinates are of its centre, in half voxels. */
  addVoxel(z: number, y: number, x: number): void {
    this.#add([z - 1, y, x]);
    this.#add([z + 1, y, x]);
    this.#add([z, y - 1, x]);
    this.#add([z, y + 1, x]);
    this.#add([z, y, x - 1]);
    this.#add([z, y, x + 1]);
  }

  faces(): readonly Face[] {
    return this.#faces;
  }

  corners(): readonly Point[] {
    const used = new Set(this.#faces.flatMap(({ corners }) => corners));
    return [...used].map((index) => this.#points[index] as Point);
  }

  /** Faces that see the point, or lie in one plane with it, go; the edges that are left open are joined to it. */
  #add([z, y, x]: Point): void {
    let outside = false;
    const beyond = this.#faces.map(({ nz, ny, nx, offset }) => {
      const over = nz * z + ny * y + nx * x - offset;
      if (over > 0) outside = true;
      return over >= 0;
    });
    if (!outside) return;
    const added = this.#points.length;
    this.#points.push([z, y, x]);
    // Edges of faces that go, each in its direction: one that goes both ways is inside of the hole.
    const open = new Map<number, readonly [number, number]>();
    for (const [k, { corners }] of this.#faces.entries()) {
      if (!beyond[k]) continue;
      const [a, b, c] = corners;
      for (const [from, to] of [
        [a, b],
        [b, c],
        [c, a],
      ] as const) {
        if (!open.delete(to * 0x4000000 + from)) open.set(from * 0x4000000 + to, [from, to]);
      }
    }
    this.#faces = this.#faces.filter((_, k) => !beyond[k]);
    for (const [from, to] of open.values()) this.#faces.push(this.#face(from, to, added));
  }

  #face(a: number, b: number, c: number): Face {
    const [az, ay, ax] = this.#points[a] as Point;
    const [bz, by, bx] = this.#points[b] as Point;
    const [cz, cy, cx] = this.#points[c] as Point;
    const [uz, uy, ux] = [bz - az, by - ay, bx - ax];
    const [vz, vy, vx] = [cz - az, cy - ay, cx - ax];
    const nz = ux * vy - uy * vx;
    const ny = uz * vx - ux * vz;
    const nx = uy * vz - uz * vy;
    return { nz, ny, nx, offset: nz * az + ny * ay + nx * ax, corners: [a, b, c] };
  }
}
