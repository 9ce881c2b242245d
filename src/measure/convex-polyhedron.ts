/**
 * Convex hulls of points with integer coordinates in 3D (quickhull; Barber, Dobkin, Huhdanpaa 1996), exact up to 2^16
 * per side.
 */

type Point = readonly [z: number, y: number, x: number];

/** The half-space n . p <= offset contains the polyhedron. */
interface Face {
  readonly nz: number;
  readonly ny: number;
  readonly nx: number;
  readonly offset: number;
  /** Corners, counter-clockwise seen from outside. */
  readonly corners: readonly [number, number, number];
  /** The face across each edge, from corner k to corner k + 1. */
  readonly across: Face[];
  /** Points beyond the plane, each assigned to one face only; the farthest is the first. */
  readonly beyond: number[];
  farthest: number;
  gone: boolean;
}

export class ConvexPolyhedron {
  readonly #z: readonly number[];
  readonly #y: readonly number[];
  readonly #x: readonly number[];
  #faces: Face[] = [];
  /** Faces that had points beyond them when they were created. */
  readonly #waiting: Face[] = [];

  /**
   * The hull of the face centres of voxels, which is never flat. Coordinates are those of voxel centres (at least one),
   * in half voxels.
   */
  constructor(voxels: readonly Point[]) {
    this.#z = voxels.flatMap(([z]) => [z - 1, z + 1, z, z, z, z]);
    this.#y = voxels.flatMap(([, y]) => [y, y, y - 1, y + 1, y, y]);
    this.#x = voxels.flatMap(([, , x]) => [x, x, x, x, x - 1, x + 1]);
    this.#begin();
    for (let face = this.#waiting.pop(); face !== undefined; face = this.#waiting.pop()) {
      if (!face.gone && face.beyond.length > 0) this.#add(face.beyond[0], face);
    }
    this.#faces = this.#faces.filter(({ gone }) => !gone);
  }

  faces(): readonly Face[] {
    return this.#faces;
  }

  corners(): readonly Point[] {
    const used = new Set(this.#faces.flatMap(({ corners }) => corners));
    return [...used].map((p) => this.point(p));
  }

  /** The corner with this index. */
  point(p: number): Point {
    return [this.#z[p], this.#y[p], this.#x[p]];
  }

  /** Starts from four of the six points of the first voxel, with all others beyond their planes. */
  #begin(): void {
    const corners = [4, 5, 3, 1] as const;
    const middle = (values: readonly number[]): number => corners.reduce((sum, p) => sum + values[p], 0) / 4;
    const [z, y, x] = [middle(this.#z), middle(this.#y), middle(this.#x)];
    for (let left = 0; left < 4; left++) {
      const [a, b, c] = corners.filter((_, k) => k !== left) as [number, number, number];
      const face = this.#face(a, b, c);
      const outward = face.nz * z + face.ny * y + face.nx * x < face.offset;
      this.#faces.push(outward ? face : this.#face(a, c, b));
    }
    for (const face of this.#faces) {
      for (let k = 0; k < 3; k++) {
        const [from, to] = edge(face, k);
        face.across[k] = this.#faces.find((other) => other !== face && edgeAt(other, to, from) >= 0) as Face;
      }
    }
    this.#assign(
      this.#z.map((_, p) => p),
      this.#faces,
    );
    this.#waiting.push(...this.#faces);
  }

  #over({ nz, ny, nx, offset }: Face, p: number): number {
    return nz * this.#z[p] + ny * this.#y[p] + nx * this.#x[p] - offset;
  }

  /** Assigns each point to a face that it lies beyond; points beyond none are inside and dropped. */
  #assign(points: readonly number[], faces: readonly Face[]): void {
    for (const p of points) {
      for (const face of faces) {
        const over = this.#over(face, p);
        if (!(over > 0)) continue;
        face.beyond.push(p);
        // Distances from the same plane can be compared without normalisation.
        if (over > face.farthest) {
          face.farthest = over;
          [face.beyond[0], face.beyond[face.beyond.length - 1]] = [p, face.beyond[0]];
        }
        break;
      }
    }
  }

  /**
   * Removes the faces that see the point or are coplanar with it: they are connected to the known one. The open edges
   * form a single loop, and are joined to the point.
   */
  #add(added: number, seeing: Face): void {
    const gone = [seeing];
    seeing.gone = true;
    const open: { readonly from: number; readonly to: number; readonly kept: Face }[] = [];
    for (let i = 0; i < gone.length; i++) {
      const face = gone[i];
      for (let k = 0; k < 3; k++) {
        const other = face.across[k];
        if (other.gone) continue;
        if (this.#over(other, added) >= 0) {
          other.gone = true;
          gone.push(other);
        }
      }
    }
    for (const face of gone) {
      for (let k = 0; k < 3; k++) {
        const kept = face.across[k];
        const [from, to] = edge(face, k);
        if (!kept.gone) open.push({ from, to, kept });
      }
    }
    const starting = new Map<number, Face>();
    const fresh = open.map(({ from, to, kept }) => {
      const face = this.#face(from, to, added);
      face.across[0] = kept;
      kept.across[edgeAt(kept, to, from)] = face;
      starting.set(from, face);
      return face;
    });
    for (const face of fresh) {
      const next = starting.get(face.corners[1]) as Face;
      face.across[1] = next;
      next.across[2] = face;
    }
    for (const { beyond } of gone) this.#assign(beyond, fresh);
    for (const face of fresh) this.#faces.push(face);
    for (const face of fresh) if (face.beyond.length > 0) this.#waiting.push(face);
  }

  #face(a: number, b: number, c: number): Face {
    const [az, ay, ax] = [this.#z[a], this.#y[a], this.#x[a]];
    const [uz, uy, ux] = [this.#z[b] - az, this.#y[b] - ay, this.#x[b] - ax];
    const [vz, vy, vx] = [this.#z[c] - az, this.#y[c] - ay, this.#x[c] - ax];
    const nz = ux * vy - uy * vx;
    const ny = uz * vx - ux * vz;
    const nx = uy * vz - uz * vy;
    const offset = nz * az + ny * ay + nx * ax;
    return { nz, ny, nx, offset, corners: [a, b, c], across: [], beyond: [], farthest: 0, gone: false };
  }
}

/** The edge from corner k to the next. */
function edge({ corners }: Face, k: number): readonly [number, number] {
  return [corners[k], corners[(k + 1) % 3]];
}

/** Index of the edge of a face from one point to another; -1 if there is none. */
function edgeAt({ corners: [a, b, c] }: Face, from: number, to: number): number {
  if (a === from) return b === to ? 0 : -1;
  if (b === from) return c === to ? 1 : -1;
  return c === from && a === to ? 2 : -1;
}
