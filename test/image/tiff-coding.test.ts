import fc from 'fast-check';
import { zlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { stream } from '../../src/array/random.ts';
import { unpackLzw } from '../../src/image/formats/tiff/lzw.ts';
import { unpackPackBits } from '../../src/image/formats/tiff/packbits.ts';
import {
  allocateWords,
  reverseBits,
  undoDifferences,
  undoFloatPredictor,
  unpackRow,
} from '../../src/image/formats/tiff/samples.ts';
import { inflate } from '../../src/image/inflate.ts';

/** Codes of the given widths, most significant bit first. */
function codes(...pairs: (readonly [number, number])[]): Uint8Array {
  const bits = pairs.map(([code, width]) => code.toString(2).padStart(width, '0')).join('');
  return Uint8Array.from((bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2)));
}

describe('LZW', () => {
  it('unpacks the example of TIFF 6.0, section 13', () => {
    // 7 7 7 8 8 7 7 6 6 becomes clear 7 258 8 8 258 6 6 end.
    const packed = codes([256, 9], [7, 9], [258, 9], [8, 9], [8, 9], [258, 9], [6, 9], [6, 9], [257, 9]);
    expect([...unpackLzw(packed, 9)]).toEqual([7, 7, 7, 8, 8, 7, 7, 6, 6]);
  });

  it('stops at the expected length and returns less where the codes end', () => {
    const packed = codes([256, 9], [7, 9], [258, 9], [257, 9]);
    expect([...unpackLzw(packed, 2)]).toEqual([7, 7]);
    expect([...unpackLzw(packed, 10)]).toEqual([7, 7, 7]);
  });

  it('agrees with a decoder that keeps whole strings, for long and short strings and past a full table', () => {
    const slowly = (sequence: readonly number[]) => {
      const strings: number[][] = Array.from({ length: 258 }, (_, byte) => [byte]);
      const out: number[] = [];
      let previous: readonly number[] | undefined;
      for (const code of sequence) {
        const string = strings[code] ?? [...(previous as readonly number[]), previous?.[0] as number];
        if (previous !== undefined && strings.length < 4096) strings.push([...previous, string[0] as number]);
        out.push(...string);
        previous = string;
      }
      return out;
    };
    for (const share of [0.02, 0.5, 0.97]) {
      const random = stream(1, 'lzw', share);
      const pairs: [number, number][] = [[256, 9]];
      const sequence: number[] = [];
      for (let i = 0; i < 5000; i++) {
        // Strings that there are after i codes; the last is the one that this code makes.
        const made = Math.min(4096 - 258, i);
        const code = made > 0 && random.uniform() < share ? 258 + random.integer(made) : random.integer(256);
        sequence.push(code);
        const next = Math.min(4096, 258 + Math.max(0, i - 1)) + 1;
        pairs.push([code, next >= 2048 ? 12 : next >= 1024 ? 11 : next >= 512 ? 10 : 9]);
      }
      const plain = slowly(sequence);
      expect(Buffer.compare(unpackLzw(codes(...pairs), plain.length), Uint8Array.from(plain))).toBe(0);
      const cut = plain.length - 3;
      expect(Buffer.compare(unpackLzw(codes(...pairs), cut), Uint8Array.from(plain.slice(0, cut)))).toBe(0);
    }
  });

  it('refuses codes out of place and the old bit order', () => {
    expect(() => unpackLzw(codes([256, 9], [300, 9]), 9)).toThrow('LZW code 300 out of place');
    expect(() => unpackLzw(Uint8Array.of(0, 1, 2), 9)).toThrow('before TIFF 6.0');
  });
});

describe('PackBits', () => {
  it("unpacks Apple's example", () => {
    const packed = Uint8Array.of(
      0xfe,
      0xaa,
      0x02,
      0x80,
      0x00,
      0x2a,
      0xfd,
      0xaa,
      0x03,
      0x80,
      0x00,
      0x2a,
      0x22,
      0xf7,
      0xaa,
    );
    const plain = 'AAAAAA80002AAAAAAAAA80002A22AAAAAAAAAAAAAAAAAAAA';
    expect(Buffer.from(unpackPackBits(packed, 24)).toString('hex').toUpperCase()).toBe(plain);
  });

  it('returns less where the data ends, and does nothing at 128', () => {
    expect([...unpackPackBits(Uint8Array.of(0x80, 5, 1, 2), 6)]).toEqual([1, 2]);
    expect([...unpackPackBits(Uint8Array.of(0x81, 9), 3)]).toEqual([9, 9, 9]);
  });
});

describe('inflate', () => {
  it('gives at most what is expected, whatever the size', () => {
    for (const length of [10, 3_000_000]) {
      // Noise, so that the packed data is as long as the plain one.
      const plain = Uint8Array.from({ length }, (_, i) => Math.imul(i ^ (i >>> 7), 2654435761) >>> 24);
      const packed = zlibSync(plain);
      expect(Buffer.compare(inflate(packed, length), plain)).toBe(0);
      expect(Buffer.compare(inflate(packed, length - 3), plain.subarray(0, length - 3))).toBe(0);
      expect(inflate(packed, length + 3).length).toBe(length);
      expect(() => inflate(packed.subarray(0, packed.length - 8), length)).toThrow();
    }
  });
});

describe('the checksum of Deflate', () => {
  // Stored, so that a changed byte is no error of the code itself.
  const stored = zlibSync(
    Uint8Array.from({ length: 300_000 }, (_, i) => i),
    { level: 0 },
  );

  for (const length of [1000, 300_000]) {
    const packed = zlibSync(
      Uint8Array.from({ length }, (_, i) => i),
      { level: 0 },
    );

    it(`finds a changed byte among ${length}`, () => {
      const damaged = packed.slice();
      damaged[500] = (damaged[500] as number) ^ 1;
      expect(() => inflate(damaged, length)).toThrow('checksum');
    });

    it(`may be followed by padding, ${length} bytes`, () => {
      const padded = new Uint8Array(packed.length + 3);
      padded.set(packed);
      expect(inflate(padded, length).length).toBe(length);
    });
  }

  it('is not tested where less is wanted', () => {
    const damaged = stored.slice();
    damaged[500] = (damaged[500] as number) ^ 1;
    expect(inflate(damaged, 100).length).toBe(100);
  });
});

describe('samples', () => {
  it('of 1 to 32 bits are one stream of bits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 32 }), fc.array(fc.nat(), { minLength: 1, maxLength: 20 }), (bits, raw) => {
        const values = raw.map((value) => value % 2 ** bits);
        const text = values.map((value) => value.toString(2).padStart(bits, '0')).join('');
        const bytes = Uint8Array.from(
          (text.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2)),
        );
        const row = allocateWords(bits, values.length);
        unpackRow(bytes, bits, false, row);
        expect([...row]).toEqual(values);
      }),
    );
  });

  it('of 16 bits and more follow the byte order', () => {
    const row = new Uint16Array(2);
    unpackRow(Uint8Array.of(1, 2, 3, 4), 16, true, row);
    expect([...row]).toEqual([0x0201, 0x0403]);
    unpackRow(Uint8Array.of(1, 2, 3, 4), 16, false, row);
    expect([...row]).toEqual([0x0102, 0x0304]);
    const wide = new BigUint64Array(1);
    unpackRow(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 2), 64, false, wide);
    expect([...wide]).toEqual([0x0100000000000002n]);
  });

  it('differences are summed modulo the sample, each channel for itself', () => {
    const rgb = Uint8Array.of(250, 1, 2, 10, 1, 255);
    undoDifferences(rgb, 8, 3);
    expect([...rgb]).toEqual([250, 1, 2, 4, 2, 1]);
    const twelve = Uint16Array.of(4000, 100);
    undoDifferences(twelve, 12, 1);
    expect([...twelve]).toEqual([4000, 4]);
  });

  it('the floating-point predictor is undone', () => {
    // Two float32: 1 = 3f 80 00 00 and -2 = c0 00 00 00; bytes by significance 3f c0 80 00 00 00 00 00, then differences.
    const bytes = Uint8Array.of(0x3f, 0x81, 0xc0, 0x80, 0, 0, 0, 0);
    undoFloatPredictor(bytes, 4, 1);
    const view = new DataView(bytes.buffer);
    expect([view.getFloat32(0), view.getFloat32(4)]).toEqual([1, -2]);
  });

  it('bits are reversed byte by byte', () => {
    expect([...reverseBits(Uint8Array.of(0b1, 0b11010000))]).toEqual([0b10000000, 0b00001011]);
  });
});
