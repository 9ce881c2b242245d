import { zlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { stream } from '../../src/array/random.ts';
import { portableZlib } from '../../src/image/zlib.ts';
import { nodeZlib } from '../../src/platform/node/zlib.ts';

const random = stream(1, 'zlib');
const plain = Uint8Array.from({ length: 60_000 }, () => random.integer(40));
const packed = zlibSync(plain);
const damaged = packed.slice();
damaged[packed.length >> 1] = (damaged[packed.length >> 1] as number) ^ 0x55;
const followed = (count: number) => Uint8Array.from([...packed, ...new Uint8Array(count)]);

/** The bytes, or why not. */
async function outcome(inflate: () => Uint8Array | Promise<Uint8Array>): Promise<Uint8Array | string> {
  try {
    return new Uint8Array(await inflate());
  } catch (cause) {
    return (cause as Error).message;
  }
}

describe("Node's zlib and our own", () => {
  const cases: readonly (readonly [string, Uint8Array, number])[] = [
    ['a whole stream', packed, plain.length],
    ['a small one', zlibSync(plain.subarray(0, 100)), 100],
    ['one that is longer than expected', packed, 20_000],
    ['one that is shorter', packed, 70_000],
    ['one that ends early', packed.subarray(0, packed.length - 2000), plain.length],
    ['a damaged one', damaged, plain.length],
    ['a wrong checksum', packed.with(packed.length - 1, (packed.at(-1) as number) ^ 1), plain.length],
    ['padding', followed(10), plain.length],
    ['much after the end', followed(200), plain.length],
  ];
  it('read what the other has packed', async () => {
    expect(new Uint8Array(await nodeZlib.inflate(portableZlib.deflate(plain), plain.length))).toEqual(plain);
    expect(await portableZlib.inflate(nodeZlib.deflate(plain), plain.length)).toEqual(plain);
  });

  for (const [name, bytes, expected] of cases) {
    it(`agree on ${name}`, async () => {
      const ours = await outcome(() => portableZlib.inflate(bytes, expected));
      expect(await outcome(() => nodeZlib.inflate(bytes, expected))).toEqual(ours);
    });
  }

  it('agree on checksums', () => {
    expect(nodeZlib.crc32(plain)).toBe(portableZlib.crc32(plain));
  });
});
