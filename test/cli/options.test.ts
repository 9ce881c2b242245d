import { describe, expect, test } from 'vitest';
import { nearestWord } from '../../src/cli/nearest.ts';
import { program } from '../../src/cli/program.ts';
import { classList, folds, interval, normalisation, size } from '../../src/cli/values.ts';
import { optionsMarkdown } from './options-markdown.ts';

test('docs/options.md says what the commands take (vitest run test/cli/options.test.ts --update=all writes it)', async () => {
  await expect(optionsMarkdown(await program())).toMatchFileSnapshot('../../docs/options.md');
});

describe('values', () => {
  test('a size is width x height and becomes [height, width]', () => {
    expect(size('256')).toEqual([256, 256]);
    expect(size('320x240')).toEqual([240, 320]);
  });
  test('an interval is a number of steps or a time', () => {
    expect([interval('500'), interval('30s'), interval('1.5m'), interval('1h')]).toEqual([
      { steps: 500 },
      { ms: 30_000 },
      { ms: 90_000 },
      { ms: 3_600_000 },
    ]);
  });
  test('classes are names in order of value, or names with values', () => {
    expect(classList('membrane, inside')).toEqual(['membrane', 'inside']);
    expect(classList('a=0,b=5+9,c=#ff8000,d=rest')).toEqual([
      { name: 'a', values: [0] },
      { name: 'b', values: [5, 9] },
      { name: 'c', values: [0xff8000] },
      { name: 'd', values: 'rest' },
    ]);
  });
  test.each([
    ['a,,b', /Names are expected/],
    ['a=x', /"x" is not a label value/],
    ['a=', /"" is not a label value/],
    ['a=1+', /"1\+" is not a label value/],
  ])('%s are no classes', (text, message) => expect(() => classList(text)).toThrow(message));
  test.each([
    ['percentile', { kind: 'percentile' }],
    [' zscore ', { kind: 'zscore' }],
    ['range=0,4095', { kind: 'range', range: [0, 4095] }],
    ['range=-1000,400', { kind: 'range', range: [-1000, 400] }],
    ['0/255', { kind: 'zscore', given: { mean: [0], std: [255] } }],
    ['124,116,104/58,57,57', { kind: 'zscore', given: { mean: [124, 116, 104], std: [58, 57, 57] } }],
    ['1,2,3/10', { kind: 'zscore', given: { mean: [1, 2, 3], std: [10] } }],
  ])('normalisation %j', (text, rule) => expect(normalisation(text)).toEqual(rule));
  test.each([
    'banana',
    '',
    'range',
    'range=5,1',
    'range=1,2,3',
    'range=a,b',
    '1,2/3,4,5',
    '0/0',
    '0/',
    '/255',
    '1/2/3',
  ])('%j is no normalisation', (text) => expect(() => normalisation(text)).toThrow(/MEAN\/DEVIATION is expected/));
  test('folds are all of k or one of them', () => {
    expect(folds('5')).toEqual({ fold: undefined, folds: 5 });
    expect(folds('0/5')).toEqual({ fold: 0, folds: 5 });
  });
});

describe('the nearest known word', () => {
  test.each([
    ['adamW', ['sgd', 'adam', 'adamw'], 'adamw'],
    ['unet2051', ['unet', 'unet2015'], 'unet2015'],
    ['cos', ['constant', 'cosine'], 'cosine'],
    ['banana', ['unet', 'unet2015'], undefined],
  ])('%s among %j is %s', (word, known, expected) => {
    expect(nearestWord(word, known)).toBe(expected);
  });
});
