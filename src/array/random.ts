/**
 * Seeded random streams. A stream is keyed by (seed, purpose, epoch, index), so the numbers for a sample depend neither
 * on the number of workers nor on where a run was interrupted.
 *
 * Generator: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state, passes PractRand to terabytes.
 */

export interface Random {
  /** Uniform in [0, 1), 32 bits of resolution. */
  uniform(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Uniform integer in 0..n-1, n >= 1. */
  integer(n: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
  /** A random permutation of 0..n-1 (Fisher-Yates). */
  permutation(n: number): Uint32Array;
}

/** 32-bit hash of a text (FNV-1a), for the purpose of a stream. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Avalanche of a 32-bit word (the finaliser of MurmurHash3). */
function mix(word: number): number {
  let w = word;
  w = Math.imul(w ^ (w >>> 16), 0x85ebca6b);
  w = Math.imul(w ^ (w >>> 13), 0xc2b2ae35);
  return (w ^ (w >>> 16)) >>> 0;
}

/**
 * The random stream for one purpose at one position of a run.
 * @example const random = stream(seed, 'augment', epoch, sampleIndex);
 */
export function stream(seed: number, purpose: string, epoch = 0, index = 0): Random {
  let a = mix(seed + 0x9e3779b9);
  let b = mix(hashText(purpose) ^ a);
  let c = mix(epoch + Math.imul(b, 0x9e3779b1));
  let d = mix(index + Math.imul(c, 0x85ebca77));
  let spare: number | undefined;

  const next = (): number => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return t >>> 0;
  };
  for (let i = 0; i < 15; i++) next();

  const uniform = (): number => next() / 4294967296;
  return {
    uniform,
    between: (low, high) => low + (high - low) * uniform(),
    integer: (n) => Math.floor(uniform() * n),
    normal: () => {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    permutation: (n) => {
      const order = Uint32Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = Math.floor(uniform() * (i + 1));
        const held = order[i];
        order[i] = order[j];
        order[j] = held;
      }
      return order;
    },
  };
}
