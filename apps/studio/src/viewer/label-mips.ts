/**
 * Smaller copies of a label layer for showing it zoomed out, chunk by chunk and only where somebody looks. Of 2 x 2
 * pixels the most telling is kept: an object or class before background before not annotated, so that thin lines stay.
 */

export type Labels = Uint8Array | Uint32Array;

/** In pixels of its level. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where labels come from: squares of `CHUNK` pixels, of which those are absent where nothing is annotated. */
export interface ChunkSource {
  readonly width: number;
  readonly height: number;
  readonly notAnnotated: number;
  /** One of those that the image has. */
  chunk(column: number, row: number): Labels | undefined;
}

export const CHUNK = 256;

export interface LabelMips {
  /** The last one shows the whole image in one chunk. */
  readonly levels: number;
  /** Pixels of a chunk of a level; undefined where nothing is annotated, and outside the image. */
  chunk(level: number, column: number, row: number): Labels | undefined;
  /** Says that labels of the full image have changed. */
  changed(area: Area): void;
}

/** What `area` of a level covers of the next, half as large. */
export function halved({ x, y, width, height }: Area): Area {
  const [left, top] = [x >> 1, y >> 1];
  return { x: left, y: top, width: ((x + width + 1) >> 1) - left, height: ((y + height + 1) >> 1) - top };
}

export const united = (a: Area | undefined, b: Area): Area => {
  if (a === undefined) return b;
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  const right = Math.max(a.x + a.width, b.x + b.width);
  return { x, y, width: right - x, height: Math.max(a.y + a.height, b.y + b.height) - y };
};

/** The chunks that `area` touches, each with the touched part in its own pixels. */
export function* touchedChunks(area: Area): Generator<{ column: number; row: number; part: Area }> {
  for (let row = Math.floor(area.y / CHUNK); row * CHUNK < area.y + area.height; row++) {
    for (let column = Math.floor(area.x / CHUNK); column * CHUNK < area.x + area.width; column++) {
      const x = Math.max(area.x - column * CHUNK, 0);
      const y = Math.max(area.y - row * CHUNK, 0);
      const right = Math.min(area.x + area.width - column * CHUNK, CHUNK);
      const bottom = Math.min(area.y + area.height - row * CHUNK, CHUNK);
      yield { column, row, part: { x, y, width: right - x, height: bottom - y } };
    }
  }
}

export const chunkKey = (level: number, column: number, row: number): string => `${level}/${column}/${row}`;

interface Mip {
  data: Labels | undefined;
  /** What must be computed again before it is shown. */
  stale: Area | undefined;
}

const WHOLE: Area = { x: 0, y: 0, width: CHUNK, height: CHUNK };

export function createLabelMips(source: ChunkSource): LabelMips {
  const mips = new Map<string, Mip>();
  const { width, height, notAnnotated } = source;
  const levels = 1 + Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / CHUNK)));

  const refresh = (level: number, column: number, row: number, mip: Mip, area: Area): void => {
    for (const quarter of [0, 1, 2, 3]) {
      const [right, lower] = [quarter & 1, quarter >> 1];
      const below = chunk(level - 1, 2 * column + right, 2 * row + lower);
      if (below === undefined && mip.data === undefined) continue;
      mip.data ??= (below as Labels).slice().fill(notAnnotated);
      reduceQuarter(mip.data, below, right * (CHUNK / 2), lower * (CHUNK / 2), area, notAnnotated);
    }
  };

  const chunk = (level: number, column: number, row: number): Labels | undefined => {
    const side = CHUNK * 2 ** level;
    if (column < 0 || row < 0 || column * side >= width || row * side >= height) return undefined;
    if (level === 0) return source.chunk(column, row);
    const key = chunkKey(level, column, row);
    const mip = mips.get(key) ?? { data: undefined, stale: WHOLE };
    mips.set(key, mip);
    if (mip.stale !== undefined) refresh(level, column, row, mip, mip.stale);
    mip.stale = undefined;
    return mip.data;
  };

  return {
    levels,
    chunk,
    changed(area) {
      let changed = halved(area);
      for (let level = 1; level < levels; level++, changed = halved(changed)) {
        for (const { column, row, part } of touchedChunks(changed)) {
          const mip = mips.get(chunkKey(level, column, row));
          if (mip !== undefined) mip.stale = united(mip.stale, part);
        }
      }
    },
  };
}

/** Writes the part of `area` that lies in the quarter at x, y from the chunk below it. */
function reduceQuarter(out: Labels, below: Labels | undefined, x: number, y: number, area: Area, none: number): void {
  const right = Math.min(area.x + area.width, x + CHUNK / 2);
  const bottom = Math.min(area.y + area.height, y + CHUNK / 2);
  for (let row = Math.max(area.y, y); row < bottom; row++) {
    for (let column = Math.max(area.x, x); column < right; column++) {
      let value = none;
      if (below !== undefined) {
        const at = 2 * (row - y) * CHUNK + 2 * (column - x);
        value = moreTelling(below[at], below[at + 1], none);
        value = moreTelling(value, moreTelling(below[at + CHUNK], below[at + CHUNK + 1], none), none);
      }
      out[row * CHUNK + column] = value;
    }
  }
}

const moreTelling = (a: number, b: number, none: number): number => (a === none || (a === 0 && b !== none) ? b : a);
