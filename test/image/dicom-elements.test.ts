import { describe, expect, it } from 'vitest';
import { DamagedDicom, type DataSet, parseElements } from '../../src/image/formats/dicom/parser.ts';

/** Bytes of texts, and of numbers as little-endian 32 bits. */
const bytes = (...parts: readonly (string | number)[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === 'string'
        ? Array.from(part, (letter) => letter.charCodeAt(0))
        : [part & 255, (part >> 8) & 255, (part >> 16) & 255, part >>> 24],
    ),
  );

/** Group and element, little-endian: 0008, 0016. */
const tag = (group: number, element: number): number => group + element * 0x10000;

const file = (syntax: string, ...elements: readonly (string | number)[]): Uint8Array =>
  bytes(
    '\0'.repeat(128),
    'DICM',
    tag(2, 0x10),
    'UI',
    `${String.fromCharCode(20)}\0`,
    syntax.padEnd(20, '\0'),
    ...elements,
  );

const EXPLICIT = '1.2.840.10008.1.2.1';
const IMPLICIT = '1.2.840.10008.1.2';
const OPEN = 0xffffffff;
const ITEM = tag(0xfffe, 0xe000);
const ITEM_END = [tag(0xfffe, 0xe00d), 0] as const;
const SEQUENCE_END = [tag(0xfffe, 0xe0dd), 0] as const;

const parsed = (whole: Uint8Array, ...until: readonly string[]): DataSet =>
  parseElements(whole, { until, maxBytes: 1e6 });
const first = (dataSet: DataSet, sequence: string): DataSet | undefined =>
  dataSet.elements[sequence]?.items?.[0]?.dataSet;

describe('elements of DICOM', () => {
  it('state their representation, with lengths of 16 or 32 bits', () => {
    const numbers = [tag(0x28, 0x10), 'US', '\x04\0', 7 + 9 * 0x10000, tag(0x28, 0x11), 'UV', '\0\0', 8, 1, 2] as const;
    const dataSet = parsed(file(EXPLICIT, ...numbers, tag(0x28, 0x30), 'DS', '\x08\0', '0.5\\0.25'));
    expect([dataSet.uint16('x00280010'), dataSet.uint16('x00280010', 1)]).toEqual([7, 9]);
    expect([dataSet.uint32('x00280011'), dataSet.uint32('x00280011', 1)]).toEqual([1, 2]);
    expect([dataSet.string('x00280030'), dataSet.floatString('x00280030')]).toEqual(['0.5\\0.25', 0.5]);
    expect(dataSet.transferSyntax).toBe(EXPLICIT);
    expect(dataSet.uint16('x00280100')).toBeUndefined();
  });

  it('are nested, in sequences and items with and without a length', () => {
    const inner = [tag(0x28, 0x10), 'US', '\x02\0', '\x05\0'] as const;
    for (const [length, end] of [
      [8 + 10, []],
      [OPEN, SEQUENCE_END],
    ] as const) {
      for (const [itemLength, itemEnd] of [
        [10, []],
        [OPEN, ITEM_END],
      ] as const) {
        if (length !== OPEN && itemLength === OPEN) continue;
        const whole = file(
          EXPLICIT,
          tag(0x40, 0x100),
          'SQ\0\0',
          length,
          ITEM,
          itemLength,
          ...inner,
          ...itemEnd,
          ...end,
        );
        const after = bytes(tag(0x40, 0x200), 'US', '\x02\0', '\x06\0');
        const dataSet = parsed(Uint8Array.from([...whole, ...after]));
        expect(first(dataSet, 'x00400100')?.uint16('x00280010')).toBe(5);
        expect(dataSet.uint16('x00400200')).toBe(6);
      }
    }
  });

  it('of unknown representation and length are sequences without stated ones', () => {
    const inner = [tag(0x28, 0x10), 2, '\x05\0'] as const;
    const unknown = [tag(0x40, 0x100), 'UN\0\0', OPEN, ITEM, 10, ...inner, ...SEQUENCE_END] as const;
    expect(first(parsed(file(EXPLICIT, ...unknown)), 'x00400100')?.uint16('x00280010')).toBe(5);
  });

  it('without a representation are sequences if they begin as one; private ones are left out', () => {
    const items = [OPEN, ITEM, OPEN, tag(0x28, 0x10), 2, '\x05\0', ...ITEM_END, ...SEQUENCE_END] as const;
    const dataSet = parsed(
      file(IMPLICIT, tag(0x40, 0x100), ...items, tag(0x41, 0x100), ...items, tag(0x42, 1), 2, '\x07\0'),
    );
    expect(first(dataSet, 'x00400100')?.uint16('x00280010')).toBe(5);
    expect(dataSet.elements.x00410100?.items).toBeUndefined();
    expect(dataSet.uint16('x00420001')).toBe(7);
  });

  it('of compressed pixels are fragments after their table', () => {
    const fragments = [ITEM, 8, 0, 12, ITEM, 4, 'abcd', ITEM, 2, 'ef', ...SEQUENCE_END] as const;
    const whole = file(EXPLICIT, tag(0x7fe0, 0x10), 'OB\0\0', OPEN, ...fragments);
    const element = parsed(whole).elements.x7fe00010;
    expect([element?.encapsulatedPixelData, element?.basicOffsetTable]).toEqual([true, [0, 12]]);
    expect(element?.fragments?.map(({ offset, length }) => [offset, length])).toEqual([
      [0, 4],
      [12, 2],
    ]);
    const texts = element?.fragments?.map(({ position, length }) =>
      String.fromCharCode(...whole.subarray(position, position + length)),
    );
    expect(texts).toEqual(['abcd', 'ef']);
  });

  it('that end early are an error with what was read', () => {
    const whole = file(EXPLICIT, tag(0x28, 0x10), 'US', '\x02\0', '\x05\0', tag(0x7fe0, 0x10), 'OW\0\0', 100, 'short');
    const damaged = (from: Uint8Array, ...until: readonly string[]): unknown => {
      try {
        return parsed(from, ...until);
      } catch (error) {
        return error;
      }
    };
    const error = damaged(whole) as DamagedDicom;
    expect(error).toBeInstanceOf(DamagedDicom);
    expect([error.dataSet?.uint16('x00280010'), error.dataSet?.elements.x7fe00010?.length]).toEqual([5, 100]);
    expect((damaged(whole, 'x7fe00010') as DataSet).uint16('x00280010')).toBe(5);
    // Cut anywhere in the header, it is damaged; nothing else is thrown, and nothing loops.
    for (let end = 0; end < 166; end++) expect(damaged(whole.subarray(0, end))).not.toBeInstanceOf(RangeError);
    expect(damaged(file('', tag(0x28, 0x10), 'US', '\x02\0', '\x05\0'))).toBeInstanceOf(DamagedDicom);
  });
});
