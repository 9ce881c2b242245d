/** Undo over a long session, and what a journal gives back after a crash at any byte. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { Annotations } from '../../src/annotate/annotations.ts';
import { History } from '../../src/annotate/history.ts';
import { Journal, memoryJournal } from '../../src/annotate/journal.ts';
import { LabelLayer } from '../../src/annotate/label-layer.ts';
import { pageOf, setPage } from '../../src/annotate/pages.ts';
import { splitRecords } from '../../src/annotate/record.ts';
import type { RecordStore } from '../../src/annotate/record-writer.ts';
import { anEdit, contentOf, edit, isSame, newAnnotations, type RandomEdit } from './random-edits.ts';

/** The same edits every time, so that a failure can be looked at. */
const randomEdits = (count: number, seed: number): readonly RandomEdit[] =>
  fc.sample(fc.noBias(anEdit()), { numRuns: count, seed });

/** Makes edits, some of several kinds together. @returns number of commits, and the content after each */
function perform(annotations: Annotations, history: History, edits: readonly RandomEdit[]) {
  const contents = [contentOf(annotations)];
  for (const [i, one] of edits.entries()) {
    edit(annotations, one);
    if (one.joined === 0 && i + 1 < edits.length) continue;
    if (history.commit(one.kind) !== undefined) contents.push(contentOf(annotations));
  }
  return contents;
}

describe('a thousand random edits over three images and five slices', () => {
  test.each(['classes', 'objects'] as const)('of %s are undone and redone byte by byte', async (kind) => {
    const annotations = newAnnotations(kind);
    const history = new History(annotations);
    const first = contentOf(annotations);
    let commits = 0;
    let most = 0;
    for (const one of randomEdits(1000, 7)) {
      edit(annotations, one);
      if (one.joined > 0 && history.commit(one.kind) !== undefined) commits++;
      most = Math.max(most, history.bytes);
    }
    if (history.commit('last') !== undefined) commits++;
    await history.settled();
    const packed = history.bytes;
    expect(packed / commits).toBeLessThan(4096);
    const last = contentOf(annotations);
    expect(commits).toBeGreaterThan(500);
    expect(most).toBeLessThanOrEqual(2 ** 28);
    for (const _ of [1, 2]) {
      let undone = 0;
      while ((await history.undo()) !== undefined) undone++;
      expect([undone, isSame(contentOf(annotations), first)]).toEqual([commits, true]);
      let redone = 0;
      while ((await history.redo()) !== undefined) redone++;
      expect([redone, isSame(contentOf(annotations), last)]).toEqual([commits, true]);
    }
    console.log(
      `${kind}: ${commits} edits, at most ${(most / 1e6).toFixed(1)} MB, packed ${(packed / 1e6).toFixed(2)} MB`,
    );
  });

  it('are right at every step, packed or not, however undo and redo are mixed', async () => {
    const annotations = newAnnotations('objects');
    const history = new History(annotations);
    const contents = perform(annotations, history, randomEdits(60, 3));
    let at = contents.length - 1;
    for (let round = 0; round < 200; round++) {
      if (round === 50) await history.settled();
      const forward = (round * 7919) % 13 < 5 ? at < contents.length - 1 : at === 0;
      const applied = await (forward ? history.redo() : history.undo());
      at += forward ? 1 : -1;
      expect([applied === undefined, isSame(contentOf(annotations), contents[at] as never)]).toEqual([false, true]);
    }
  });
});

describe('a journal', () => {
  it('that is cut off at any byte gives exactly the edits whose records are complete, with undo', async () => {
    const store = memoryJournal();
    const { journal } = await Journal.open(store);
    const annotations = newAnnotations('objects');
    const history = new History(annotations, { store: journal });
    const contents = perform(annotations, history, randomEdits(14, 5));
    const edits = contents.length - 1;
    await history.undo();
    await history.undo();
    await history.redo();
    await history.settled();
    contents.push(contents[edits - 1] as never, contents[edits - 2] as never, contents[edits - 1] as never);

    const bytes = store.bytes;
    const { records, end } = splitRecords(bytes);
    expect([records.length, end]).toEqual([edits + 3, bytes.length]);
    const ends = records.map(({ byteOffset, length }) => byteOffset - bytes.byteOffset + length);
    const before = [0, ...ends.slice(0, -1)];
    let compared = 0;
    for (let cut = 0; cut <= bytes.length; cut++) {
      const complete = ends.filter((at) => at <= cut).length;
      // The bytes of a record are alike; labels are compared at its first, second and last.
      const found = splitRecords(bytes.subarray(0, cut));
      expect([found.records.length, found.end]).toEqual([complete, complete === 0 ? 0 : ends[complete - 1]]);
      if (![...ends, ...before.map((at) => at + 1), ...ends.map((at) => at - 1)].includes(cut)) continue;
      compared++;
      const torn = memoryJournal(bytes.slice(0, cut));
      const opened = await Journal.open(torn);
      expect([opened.lostBytes, torn.bytes.length]).toEqual([cut - found.end, found.end]);
      const again = newAnnotations('objects');
      const replayed = new History(again, { store: opened.journal });
      await replayed.replay(opened.records);
      expect(isSame(contentOf(again), contents[complete] as never)).toBe(true);
      const done = complete <= edits ? complete : edits - ([1, 2, 1][complete - edits - 1] as number);
      for (let k = done; k > 0; k--) {
        await replayed.undo();
        expect(isSame(contentOf(again), contents[k - 1] as never)).toBe(true);
      }
      expect(await replayed.undo()).toBeUndefined();
    }
    expect(compared).toBeGreaterThan(3 * edits);
  });

  it('goes on after a crash in the middle of a record, and after zeros that a file system left', async () => {
    for (const tail of [Uint8Array.of(1, 2, 3), new Uint8Array(64)]) {
      const store = memoryJournal();
      const first = newAnnotations('classes');
      const writing = new History(first, { store: (await Journal.open(store)).journal });
      const contents = perform(first, writing, randomEdits(6, 11));
      await writing.settled();
      await store.append(tail);

      const opened = await Journal.open(store);
      expect(opened.lostBytes).toBe(tail.length);
      const second = newAnnotations('classes');
      const history = new History(second, { store: opened.journal });
      await history.replay(opened.records);
      expect(isSame(contentOf(second), contents.at(-1) as never)).toBe(true);
      second.layer('a').fill(0, 1, 2, 9, 77);
      history.commit('after the crash');
      await history.settled();

      const third = newAnnotations('classes');
      await new History(third).replay((await Journal.open(store)).records);
      expect(isSame(contentOf(third), contentOf(second))).toBe(true);
    }
  });

  it('that is damaged in the middle ends there', async () => {
    const store = memoryJournal();
    const annotations = newAnnotations('classes');
    const history = new History(annotations, { store: (await Journal.open(store)).journal });
    perform(annotations, history, randomEdits(6, 11));
    await history.settled();
    const { records } = splitRecords(store.bytes);
    const damaged = store.bytes.slice();
    const second = records[1] as Uint8Array;
    const at = second.byteOffset - store.bytes.byteOffset + 40;
    damaged[at] = (damaged[at] as number) ^ 1;
    const opened = await Journal.open(memoryJournal(damaged));
    expect([opened.records.length, opened.lostBytes]).toEqual([1, damaged.length - (records[0] as Uint8Array).length]);
  });

  it('is compacted to what can be undone; labels then come from the label files', async () => {
    const store = memoryJournal();
    const annotations = newAnnotations('objects');
    const history = new History(annotations, { store: (await Journal.open(store)).journal, edits: 5 });
    const edits = randomEdits(40, 23);
    const contents = perform(annotations, history, edits.slice(0, 30));
    await history.undo();
    await history.undo();
    await history.settled();
    const before = store.bytes.length;
    /** As label files and `lamella.json` would have it. */
    const saved = {
      classes: annotations.classes,
      images: annotations.images.map((id) => {
        const { width, height, slices } = annotations.layer(id);
        const pages = Array.from({ length: slices }, (_, z) => pageOf(annotations.layer(id), z));
        return { id, size: { width, height, slices }, pages, regions: annotations.regions(id) };
      }),
    };
    await history.compact();
    expect(store.bytes.length).toBeLessThan(before / 3);
    edit(annotations, { ...(edits[0] as RandomEdit), kind: 'polygon', value: 3 });
    history.commit('polygon');
    await history.undo();
    await history.settled();

    const opened = await Journal.open(store);
    const again = new Annotations('objects', saved.classes);
    for (const { id, size, pages, regions } of saved.images) {
      const layer = new LabelLayer('objects', size);
      for (const [z, page] of pages.entries()) setPage(layer, page, z, page.dtype === 'uint16' ? 65535 : 2147483647);
      again.addImage(id, layer, regions);
    }
    const replayed = new History(again, { store: opened.journal, edits: 5 });
    await replayed.replay(opened.records);
    expect(isSame(contentOf(again), contents.at(-3) as never)).toBe(true);
    expect([replayed.undoName, replayed.redoName]).toEqual([history.undoName, 'polygon']);
    for (const k of [4, 5, 6]) {
      await replayed.undo();
      expect(isSame(contentOf(again), contents.at(-k) as never)).toBe(true);
    }
    expect(await replayed.undo()).toBeUndefined();
    expect(replayed.sequence).toBe(history.sequence + 3);
  });

  it('holds what memory has no room for', async () => {
    const { journal } = await Journal.open(memoryJournal());
    const annotations = newAnnotations('objects');
    const history = new History(annotations, { store: journal, bytes: 4000 });
    const contents = perform(annotations, history, randomEdits(30, 31));
    await history.settled();
    expect(history.bytes).toBeLessThan(2000);
    expect(journal.size).toBeGreaterThan(6000);
    // All at once: each waits for its turn.
    const undone = await Promise.all(contents.map(() => history.undo()));
    expect([undone.filter((one) => one !== undefined).length, undone.at(-1)]).toEqual([contents.length - 1, undefined]);
    expect(isSame(contentOf(annotations), contents[0] as never)).toBe(true);
    while ((await history.redo()) !== undefined);
    expect(isSame(contentOf(annotations), contents.at(-1) as never)).toBe(true);
  });

  it('in memory alone forgets the oldest edits first', async () => {
    const annotations = newAnnotations('objects');
    const history = new History(annotations, { edits: 7 });
    const contents = perform(annotations, history, randomEdits(30, 31));
    let undone = 0;
    while ((await history.undo()) !== undefined) undone++;
    expect([undone, isSame(contentOf(annotations), contents.at(-8) as never)]).toEqual([7, true]);

    const tight = newAnnotations('objects');
    const small = new History(tight, { bytes: 4000 });
    const all = perform(tight, small, randomEdits(30, 31));
    await small.settled();
    expect(small.bytes).toBeLessThanOrEqual(2000);
    let kept = 0;
    while ((await small.undo()) !== undefined) kept++;
    expect([kept > 0, kept < all.length - 1]).toEqual([true, true]);
    expect(isSame(contentOf(tight), all.at(-1 - kept) as never)).toBe(true);
  });

  it.each([1, 2, 3, 4])('writes an edit that is made %d microtasks after the last one was written', async (tasks) => {
    const written: number[] = [];
    const annotations = new Annotations('classes', []);
    annotations.addImage('a', { width: 8, height: 8, slices: 1 });
    const paint = (x: number): void => {
      annotations.layer('a').fill(0, 0, x, x + 1, 1);
      history.commit('paint');
    };
    const paintLater = async (): Promise<void> => {
      for (let i = 0; i < tasks; i++) await undefined;
      paint(1);
    };
    const history: History = new History(annotations, {
      store: {
        async write(sequence) {
          await undefined;
          written.push(sequence);
          if (sequence === 1) void paintLater();
        },
      },
    });
    paint(0);
    await new Promise((next) => setTimeout(next, 10));
    expect(written).toEqual([1, 2]);
  });

  it('that cannot be written says so, and goes on when it can be', async () => {
    const store = memoryJournal();
    const { journal } = await Journal.open(store);
    let full = false;
    const faulty: RecordStore = {
      write: async (sequence, record) => {
        if (full) {
          await store.append(record.subarray(0, 5));
          throw new Error('the disk is full');
        }
        return journal.write(sequence, record);
      },
    };
    const problems: unknown[] = [];
    const annotations = newAnnotations('classes');
    const history = new History(annotations, { store: faulty, problem: (cause) => problems.push(cause) });
    const layer = annotations.layer('a');
    const paint = (value: number) => {
      layer.fill(0, 0, 0, 9, value);
      history.commit(`paint ${value}`);
    };
    paint(1);
    await history.settled();
    full = true;
    paint(2);
    await expect(history.settled()).rejects.toThrow('the disk is full');
    expect(problems).toHaveLength(1);
    full = false;
    paint(3);
    await history.settled();
    const again = newAnnotations('classes');
    const replayed = new History(again);
    await replayed.replay((await Journal.open(store)).records);
    expect([again.layer('a').get(0, 0), replayed.undoName]).toEqual([3, 'paint 3']);
    await replayed.undo();
    expect([again.layer('a').get(0, 0), replayed.undoName]).toEqual([2, 'paint 2']);
  });

  it('leaves out edits of an image of another size, and refuses records that do not belong together', async () => {
    const store = memoryJournal();
    const annotations = newAnnotations('classes');
    const history = new History(annotations, { store: (await Journal.open(store)).journal });
    annotations.layer('b').fill(0, 0, 0, 9, 1);
    history.commit('paint b');
    annotations.layer('a').fill(0, 0, 0, 9, 1);
    annotations.setRegions('a', [
      { id: 1, shape: { box: [0, 0, 2, 2] }, complete: true, origin: 'painted', held: false },
    ]);
    history.commit('accept a');
    await history.undo();
    await history.redo();
    await history.settled();
    const { records } = splitRecords(store.bytes);
    const other = new Annotations('classes');
    const a = other.addImage('a', { width: 601, height: 300, slices: 5 });
    const { width, height, slices } = annotations.layer('b');
    const b = other.addImage('b', { width, height, slices });
    const replayed = new History(other);
    expect((await replayed.replay(records)).map(({ name }) => name)).toEqual(['paint b']);
    expect([a.labels(), other.regions('a'), b.pixels(1)]).toEqual([[], [], 9]);
    expect([replayed.undoName, replayed.sequence]).toEqual(['paint b', 4]);
    expect([(await replayed.undo())?.name, b.labels()]).toEqual(['paint b', []]);
    expect([replayed.undoName, replayed.redoName, await replayed.undo()]).toEqual([undefined, 'paint b', undefined]);
    expect([(await replayed.redo())?.name, await replayed.redo()]).toEqual(['paint b', undefined]);
    expect([a.labels(), other.regions('a'), b.pixels(1)]).toEqual([[], [], 9]);
    await expect(new History(newAnnotations('classes')).replay(records.slice(2))).rejects.toThrow(
      'the journal has a undo of edit 2 where there is none to undo.',
    );
  });
});

describe('images that are opened when they are needed', () => {
  it('are loaded to undo an edit of them, and can be closed again', async () => {
    const annotations = new Annotations('objects');
    const size = { width: 300, height: 20 };
    let kept = new LabelLayer('objects', size);
    let loaded = 0;
    annotations.addClosedImage('a', size, async () => {
      loaded++;
      const layer = new LabelLayer('objects', size);
      setPage(layer, pageOf(kept), 0, 65535);
      return layer;
    });
    expect(() => annotations.layer('a')).toThrow('The labels of "a" are not loaded. Open the image first.');
    const layer = await annotations.open('a');
    const history = new History(annotations);
    layer.fill(0, 3, 250, 260, 5);
    expect(() => annotations.close('a')).toThrow('Commit or cancel the edit first');
    history.commit('paint');
    await history.settled();
    kept = layer;
    annotations.close('a');
    expect(annotations.isOpen('a')).toBe(false);
    expect((await history.undo())?.places).toEqual([{ image: 'a', slice: 0, box: [250, 3, 10, 1] }]);
    expect([loaded, annotations.layer('a').labels()]).toEqual([2, []]);
    annotations.addImage('b', size);
    expect(() => annotations.close('b')).toThrow('The labels of "b" cannot be closed.');
  });

  it('that were removed are left out of what is undone', async () => {
    const annotations = newAnnotations('classes');
    const history = new History(annotations);
    for (const image of ['a', 'b'] as const) {
      annotations.layer(image).fill(0, 0, 0, 9, 1);
      history.commit(image);
    }
    for (const image of ['a', 'b'] as const) annotations.layer(image).fill(0, 1, 0, 9, 1);
    history.commit('both');
    await history.undo();
    annotations.removeImage('b');
    expect([history.undoName, history.redoName]).toEqual(['a', 'both']);
    expect((await history.undo())?.name).toBe('a');
    expect([history.undoName, history.nextRedo?.name]).toEqual([undefined, 'a']);
    expect((await history.redo())?.name).toBe('a');
    const place = { image: 'a', slice: 0, box: [0, 1, 9, 1] };
    expect(await history.redo()).toEqual({ name: 'both', places: [place], classes: false });
    expect([await history.redo(), annotations.layer('a').pixels(1)]).toEqual([undefined, 18]);
  });
});
