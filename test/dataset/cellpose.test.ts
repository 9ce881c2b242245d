/** Cellpose's `_seg.npy`: what NumPy writes is read, and nothing else; never is anything called. */
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { readCellpose } from '../../src/dataset/labels/cellpose.ts';

const golden: {
  readonly cellpose: Readonly<Record<string, string>>;
  readonly refused: Readonly<Record<string, string>>;
  readonly masks: readonly number[];
} = JSON.parse(readFileSync('test/golden/shapes.json', 'utf8'));
const read = (base64: string | undefined) => readCellpose(Buffer.from(base64 ?? '', 'base64'), 'a_seg.npy');

describe('masks', () => {
  const flat = Object.entries(golden.cellpose).filter(([name]) => name !== 'volume');
  test.each(flat)('%s', (_, base64) => {
    const { data, axes, shape, labelKind } = read(base64);
    expect([Array.from(data), axes, shape, labelKind]).toEqual([golden.masks, 'yx', [6, 8], 'objects']);
  });

  it('of a volume, above 16 bits', () => {
    const { data, axes, shape } = read(golden.cellpose.volume);
    expect([axes, shape, data.filter((value) => value === 70_000).length, data[20 + 5 + 1]]).toEqual([
      'zyx',
      [3, 4, 5],
      6,
      70_000,
    ]);
  });
});

describe('refused', () => {
  const SAID: Readonly<Record<string, string>> = {
    'os.system': 'the pickle uses posix.system, which is not supported; nothing of it was run.',
    'builtins.eval': 'the pickle uses __builtin__.eval, which is not supported',
    'pathlib.PosixPath': 'the pickle uses pathlib',
    SET: 'the pickle uses the opcode 0x8f, which is not supported',
    'complex masks': 'the masks are of the type c8',
    'no masks': 'the file has no array "masks"',
    numbers: 'this is an array of numbers, not the dictionary of Cellpose',
    truncated: 'the pickle is truncated or damaged',
  };
  test.each(Object.entries(golden.refused))('%s', (name, base64) => {
    expect(() => read(base64)).toThrow(SAID[name]);
  });

  it('a call of a function that only NumPy may name, with any arguments', () => {
    // GLOBAL numpy.ndarray, an empty tuple, REDUCE.
    const header = Buffer.from(golden.cellpose.int32 ?? '', 'base64').subarray(0, 128);
    const body = Buffer.from('cnumpy\nndarray\n)R.', 'latin1');
    expect(() => readCellpose(Buffer.concat([header, body]), 'a_seg.npy')).toThrow('a call of numpy.ndarray');
    const unknown = Buffer.concat([header, Buffer.from('Q.', 'latin1')]);
    expect(() => readCellpose(unknown, 'a_seg.npy')).toThrow('the opcode 0x51');
  });

  it('every truncation, with a FormatError', () => {
    const bytes = Buffer.from(golden.cellpose['numpy 2, protocol 4'] ?? '', 'base64');
    for (let end = 0; end < bytes.length; end += 3) {
      let code: unknown;
      try {
        readCellpose(bytes.subarray(0, end), 'a_seg.npy');
      } catch (cause) {
        code = (cause as { code?: unknown }).code;
      }
      expect(code, `${end} bytes`).toBe('format');
    }
  });
});
