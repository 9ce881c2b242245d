import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../src/train/memory-store.ts';

const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes);

describe('a run kept in memory', () => {
  it('reads what was written and appended', async () => {
    const store = memoryStore('memory');
    expect(await store.read('log')).toBeUndefined();
    await store.append('log', 'a\n');
    await store.append('log', 'µ\n');
    expect(text(await store.read('log'))).toBe('a\nµ\n');
    await store.append('log', 'b');
    expect(text(await store.read('log'))).toBe('a\nµ\nb');
    await store.write('log', 'new');
    expect(text(await store.read('log'))).toBe('new');
  });

  it('keeps bytes as they were when they were written', async () => {
    const store = memoryStore('memory');
    const bytes = Uint8Array.of(1, 2, 3);
    await store.write('a', bytes);
    bytes[0] = 9;
    expect(await store.read('a')).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('lists a folder, sorted, and forgets what is removed', async () => {
    const store = memoryStore('memory');
    for (const name of ['checkpoints/2', 'checkpoints/1', 'checkpoints2/3', 'last']) await store.write(name, name);
    expect(await store.list('checkpoints')).toEqual(['1', '2']);
    await store.remove('checkpoints/1');
    await store.remove('never there');
    expect(await store.list('checkpoints')).toEqual(['2']);
    expect(await store.list('nothing')).toEqual([]);
  });
});
