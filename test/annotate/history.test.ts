import { describe, expect, it } from 'vitest';
import { Annotations } from '../../src/annotate/annotations.ts';
import { BrushStroke } from '../../src/annotate/brush.ts';
import { History } from '../../src/annotate/history.ts';
import { LabelLayer } from '../../src/annotate/label-layer.ts';
import { paintShape } from '../../src/annotate/paint.ts';
import type { Region } from '../../src/annotate/region.ts';

const region = (id: number, rest: Partial<Region> = {}): Region => ({
  id,
  shape: { box: [id, 2, 30, 40] },
  complete: true,
  origin: 'painted',
  held: false,
  ...rest,
});

describe('history', () => {
  it('takes back and repeats edits of every kind, across images and slices, and says where', async () => {
    const annotations = new Annotations('classes');
    const history = new History(annotations);
    const a = annotations.addImage('a', { width: 600, height: 300, slices: 2 });
    const b = annotations.addImage('b', { width: 40, height: 30 });
    const stroke = new BrushStroke(a, { diameter: 3, value: 1, slice: 1 });
    stroke.moveTo(254.5, 10.5);
    stroke.moveTo(258.5, 10.5);
    const place = { image: 'a', slice: 1, box: [253, 9, 7, 3] };
    expect(history.commit('brush')).toEqual({ name: 'brush', places: [place], classes: false });
    annotations.setRegions('a', [region(1), region(2, { slice: 1 })]);
    annotations.setRegions('a', [region(1), region(3, { slice: 1 })]);
    annotations.classes = [{ name: 'cell', value: 1 }];
    paintShape(b, { box: [0, 0, 9, 9] }, { value: 0 });
    history.commit('several');
    expect(history.commit('nothing')).toBeUndefined();

    expect(await history.undo()).toEqual({
      name: 'several',
      places: [
        { image: 'a', box: [1, 2, 30, 40] },
        { image: 'a', slice: 1, box: [3, 2, 30, 40] },
        { image: 'b', slice: 0, box: [0, 0, 9, 9] },
      ],
      classes: true,
    });
    expect([annotations.regions('a'), annotations.classes, b.labels()]).toEqual([[], [], []]);
    expect([history.undoName, history.redoName]).toEqual(['brush', 'several']);
    expect((await history.undo())?.places).toEqual([place]);
    expect([a.labels(), a.chunks(1), await history.undo()]).toEqual([[], [], undefined]);
    await history.redo();
    await history.redo();
    expect([a.pixels(1), a.get(253, 10, 1), b.pixels(0), annotations.regions('a').length]).toEqual([21, 1, 81, 2]);
    expect(await history.redo()).toBeUndefined();
  });

  it('forgets what was undone once something else is done', async () => {
    const annotations = new Annotations('classes');
    const history = new History(annotations);
    const layer = annotations.addImage('a', { width: 4, height: 1 });
    for (const value of [1, 2, 3]) {
      layer.fill(0, 0, 0, value, value);
      history.commit(`edit ${value}`);
    }
    await history.undo();
    await history.undo();
    layer.fill(0, 0, 3, 4, 9);
    history.commit('edit 4');
    expect([history.undoName, history.redoName, await history.redo()]).toEqual(['edit 4', undefined, undefined]);
    expect([...layer.read([0, 0, 4, 1])]).toEqual([1, 255, 255, 9]);
  });

  it('cancels a stroke, tells trackers, and undoes only what is committed', async () => {
    const annotations = new Annotations('objects');
    const history = new History(annotations);
    const layer = annotations.addImage('a', { width: 300, height: 4 });
    layer.fill(0, 1, 0, 9, 5);
    history.commit('first');
    const tracker = layer.track();
    layer.fill(0, 1, 0, 300, 6);
    tracker.take();
    await expect(history.undo()).rejects.toThrow('An edit is not finished. Commit or cancel it first.');
    history.cancel();
    expect([layer.pixels(5), layer.pixels(6), layer.get(8, 1), layer.get(9, 1)]).toEqual([9, 0, 5, 2147483647]);
    expect(tracker.take()).toEqual([
      { slice: 0, row: 0, column: 0, left: 0, top: 0, right: 256, bottom: 4 },
      { slice: 0, row: 0, column: 1, left: 0, top: 0, right: 44, bottom: 4 },
    ]);
    layer.fill(0, 2, 0, 1, 7);
    expect(history.commit('second')?.places).toEqual([{ image: 'a', slice: 0, box: [0, 2, 1, 1] }]);
  });

  it('refuses images that are there already or not at all, of the other kind, and regions of one number', () => {
    const annotations = new Annotations('objects');
    annotations.addImage('a', { width: 300, height: 4 });
    expect(() => annotations.addImage('a', { width: 1, height: 1 })).toThrow('There is an image "a" already.');
    expect(() => annotations.layer('b')).toThrow('There is no image "b".');
    expect(() => annotations.setRegions('a', [region(1), region(1)])).toThrow('Two regions of "a" have one id.');
    expect(() => annotations.setRegions('a', [region(1)])).toThrow(
      'region 1 is outside its image: x 1 to 31, y 2 to 42',
    );
    const small = region(1, { shape: { box: [0, 0, 4, 4] } });
    expect(() => annotations.setRegions('a', [{ ...small, slice: 1 }])).toThrow('is in slice 1; the image has 1.');
    expect(annotations.hasChanges).toBe(false);
    const lines = [Float64Array.of(0, 0, 9, 0, 9, 3.5)];
    annotations.setRegions('a', [{ ...small, shape: { polygon: lines } }]);
    expect(JSON.stringify(annotations.regions('a')[0]?.shape)).toBe('{"polygon":[[0,0,9,0,9,3.5]]}');
    const other = new LabelLayer('objects', { width: 300, height: 5 });
    expect(() => annotations.addImage('b', new LabelLayer('classes', { width: 1, height: 1 }))).toThrow(
      'The labels of "b" are classes, 1 x 1 x 1.',
    );
    expect(annotations.has('b')).toBe(false);
    expect(annotations.addImage('b', other)).toBe(other);
  });
});
