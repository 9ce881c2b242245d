import { describe, expect, test } from 'vitest';
import { objectShapes, separateBy } from '../../src/train/tasks/maps/choose-separate.ts';

const page = (rows: readonly string[]) => ({
  height: rows.length,
  width: (rows[0] as string).length,
  objects: Int32Array.from(rows.join(''), Number),
});

describe('what is told of objects', () => {
  test('touching is within two pixels along a row or column', () => {
    const shapes = objectShapes([page(['1102200000', '1100200330', '0000000330'])]);
    // 1 and 2 have one pixel between them; 3 is three away.
    expect(shapes).toMatchObject({ objects: 3, touching: 2 / 3 });
    expect(objectShapes([page(['1100022'])]).touching).toBe(0);
  });

  test('parts that lie apart are objects', () => {
    expect(objectShapes([page(['11000011', '11000011'])]).objects).toBe(2);
  });

  test('nothing', () => {
    expect(objectShapes([page(['000', '000'])])).toEqual({ objects: 0, touching: 0, starConvex: 0, sides: [0, 0] });
  });
});

test('rims where nothing is to be told apart or too little is known, stars for star-convex objects, flows for others', () => {
  const usual = { objects: 200, touching: 0.4, starConvex: 0.99, sides: [8, 30] } as const;
  expect(separateBy(usual).by).toBe('stars');
  expect(separateBy({ ...usual, starConvex: 0.8 })).toEqual({
    by: 'flows',
    why: '40 % of the objects touch another, and stars of 32 rays describe 80 % of them with an IoU of at least 0.8, which is less than 95 %',
  });
  expect(separateBy({ ...usual, touching: 0.02 })).toEqual({
    by: undefined,
    why: 'only 2 % of the objects touch another, so any way finds them',
  });
  expect(separateBy({ ...usual, objects: 19 }).why).toBe('19 objects are too few to tell (at least 20)');
});
