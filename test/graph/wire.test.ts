import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WireReader, WireType, WireWriter } from '../../src/graph/onnx/wire.ts';

function written(write: (writer: WireWriter) => void): number[] {
  const writer = new WireWriter();
  write(writer);
  return [...writer.finish()];
}

const reader = (...bytes: number[]): WireReader => new WireReader(Uint8Array.from(bytes));

describe('values of protocol buffers', () => {
  // The examples of https://protobuf.dev/programming-guides/encoding
  it('are those of the encoding guide', () => {
    const tagged = written((writer) => {
      writer.tag(1, WireType.varint);
      writer.int32(150);
      writer.tag(2, WireType.bytes);
      writer.string('testing');
    });
    expect(tagged).toEqual([0x08, 0x96, 0x01, 0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]);
    const minusTwo = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    expect(written((writer) => writer.int64(-2n))).toEqual(minusTwo);
    expect(written((writer) => writer.int32(-2))).toEqual(minusTwo);
    expect(reader(...minusTwo).int64()).toBe(-2n);
    expect(reader(...minusTwo).int32()).toBe(-2);
    expect(reader(...minusTwo).uint64()).toBe(2n ** 64n - 2n);
    const packed = written((writer) => {
      const numbers = new WireWriter();
      for (const value of [3, 270, 86942]) numbers.int32(value);
      writer.tag(6, WireType.bytes);
      writer.nested(numbers);
    });
    expect(packed).toEqual([0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]);
  });

  it('come back, of every type and size', () => {
    const values = fc.record({
      no: fc.integer({ min: 1, max: 2 ** 29 - 1 }),
      string: fc.string({ unit: 'binary' }),
      bytes: fc.uint8Array({ maxLength: 300 }),
      int32: fc.integer(),
      int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      float: fc.float(),
      double: fc.double(),
    });
    fc.assert(
      fc.property(values, ({ no, ...given }) => {
        const types = Object.keys(given) as (keyof typeof given)[];
        const inner = new WireWriter();
        for (const type of types) inner[type](given[type] as never);
        const outer = new WireWriter();
        outer.tag(no, WireType.bytes);
        outer.nested(inner);
        const read = new WireReader(outer.finish());
        expect(read.tag()).toEqual([no, WireType.bytes]);
        const within = new WireReader(read.bytes());
        expect(Object.fromEntries(types.map((type) => [type, within[type]()]))).toEqual(given);
        expect([read.isAtEnd, within.isAtEnd]).toEqual([true, true]);
      }),
    );
  });

  it('are written for as many messages in a message as there are', () => {
    const outer = new WireWriter();
    const graph = new WireWriter();
    const node = new WireWriter();
    node.string('node');
    for (let i = 0; i < 100_000; i++) graph.nested(node);
    outer.nested(graph);
    // 600,000 has three bytes in sevens.
    expect(outer.finish()).toHaveLength(600_003);
  });

  it('are skipped by their type', () => {
    const read = reader(0xff, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 0x02, 9, 9, 1, 2, 3, 4, 0x07);
    for (const type of ['varint', 'bit64', 'bytes', 'bit32'] as const) read.skip(WireType[type]);
    expect([read.int32(), read.isAtEnd]).toEqual([7, true]);
  });

  it('that end early or are none are errors', () => {
    expect(() => reader(0x80).int32()).toThrow(RangeError);
    expect(() => reader(1, 2, 3).float()).toThrow(RangeError);
    expect(() => reader(1, 2, 3, 4).double()).toThrow(RangeError);
    expect(() => reader(5, 1, 2).bytes()).toThrow(RangeError);
    expect(() => reader(5, 1, 2).skip(WireType.bytes)).toThrow(RangeError);
    // A length of 2^63.
    expect(() => reader(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01).bytes()).toThrow(RangeError);
    expect(() => new WireReader(new Uint8Array(11).fill(0xff)).int64()).toThrow(/ten bytes/);
    // No field 0, no wire type 7, and groups, which ONNX does not have.
    for (const tag of [0x00, 0x0f, 0x0b, 0x0c]) expect(() => reader(tag).tag()).toThrow(/no field/);
  });
});
