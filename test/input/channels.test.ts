import { describe, expect, it } from 'vitest';
import {
  channelNote,
  chooseChannels,
  isGrey,
  keepsChannels,
  pickChannels,
  selectChannels,
} from '../../src/input/channels.ts';
import { prepareInput } from '../../src/input/network-input.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const grey = { mode: 'grey', count: 1 } as const;
const RGB = ['red', 'green', 'blue'];
const STAINS = ['DAPI', 'GFP', 'RFP'];
const page = (data: readonly number[], channelNames: readonly string[] | number = 1, name = 'a.tif') => {
  const channels = typeof channelNames === 'number' ? channelNames : channelNames.length;
  return {
    data: Float32Array.from(data),
    channels,
    channelNames: typeof channelNames === 'number' ? undefined : channelNames,
    height: 1,
    width: data.length / channels,
    name,
  };
};

describe('photographs', () => {
  it('without colour are one channel', () => {
    expect(isGrey(page([1, 200, 1, 200, 1, 200], RGB))).toBe(true);
    expect(isGrey(page([1, 200, 1, 200, 1, 150], RGB))).toBe(false);
    const { spec, reason } = chooseChannels([page([1, 200, 1, 200, 1, 200], RGB), page([5, 6])]);
    expect(spec).toEqual(grey);
    expect(reason).toContain('equal');
  });
  it('with colour in a twentieth of the images are three', () => {
    const { spec } = chooseChannels([
      page([1, 200, 1, 200, 1, 150], RGB),
      ...Array.from({ length: 9 }, () => page([5, 6])),
    ]);
    expect(spec).toEqual({ mode: 'colour', count: 3 });
  });
  it('grey becomes three for a colour network, colour becomes luma for a grey one, and it is said', () => {
    expect([...selectChannels(page([5, 6]), { mode: 'colour', count: 3 })]).toEqual([5, 6, 5, 6, 5, 6]);
    expectAllClose(selectChannels(page([100, 200, 50], RGB), grey), [0.299 * 100 + 0.587 * 200 + 0.114 * 50], {
      rtol: 1e-6,
    });
    expect(channelNote(page([100, 200, 50], RGB), grey)).toBe('Colour converted to grey by 0.299, 0.587, 0.114.');
    expect(channelNote(page([5, 6]), grey)).toBeUndefined();
    const few = [page([9, 8, 7], RGB), ...Array.from({ length: 30 }, () => page([5]))];
    expect(chooseChannels(few).reason).toContain('converted to grey by 0.299, 0.587, 0.114');
  });
});

describe('stains', () => {
  it.each([
    ['named', STAINS],
    ['without names', 3],
    ['numbered', ['channel 0', 'channel 1', 'channel 2']],
    ['two', ['DAPI', 'GFP']],
    ['four', 4],
  ])('%s, make no grey value', (_, names) => {
    const stains = page(
      Array.from({ length: 12 }, (__, i) => i),
      names,
    );
    expect(() => selectChannels(stains, grey)).toThrow(/^a\.tif: the image has \d channels.* `channel`/);
    expect(selectChannels(pickChannels(stains, 1), grey)).toEqual(
      stains.data.slice(12 / stains.channels, 24 / stains.channels),
    );
  });
  it('are kept as they are for training, each by itself, with their names', () => {
    const stains = page([1, 2, 3], STAINS);
    const { spec, reason } = chooseChannels([stains]);
    expect(spec).toEqual({ mode: 'asis', count: 3, names: STAINS });
    expect(reason).toBe('channels: 3 (DAPI, GFP, RFP), each by itself');
    expect(chooseChannels([page([1, 1, 1], 3)]).spec).toEqual({ mode: 'asis', count: 3 });
  });
  it('are found by their names in another order, and others are refused', () => {
    const { spec } = chooseChannels([page([1, 2, 3], STAINS)]);
    expect([...selectChannels(page([30, 10, 20], ['RFP', 'DAPI', 'GFP']), spec)]).toEqual([10, 20, 30]);
    expect([...selectChannels(page([30, 10, 20], 3), spec)]).toEqual([30, 10, 20]);
    expect(() => selectChannels(page([1, 2, 3], ['DAPI', 'GFP', 'Cy5']), spec)).toThrow(
      'the image has 3 channels (DAPI, GFP, Cy5), DAPI, GFP, RFP are expected. Set `channel`',
    );
    const input = {
      channels: spec,
      normalisation: {
        kind: 'range',
        scope: 'dataset',
        percentiles: [0, 100],
        perChannel: false,
        numbers: [[-1, 1]],
        leastSpread: 0,
      },
    } as const;
    const given = page([0, 0.25, 0.5], ['DAPI', 'GFP', 'Cy5']);
    expect([...prepareInput(pickChannels(given, ['GFP', 0, 2]), input)]).toEqual([0.25, 0, 0.5]);
    // Chosen channels stay in their order, also of a network that was trained on some of its own choice.
    const picky = { ...input, channels: { mode: 'asis', count: 2, pick: [1, 0] } } as const;
    expect([...prepareInput(pickChannels(given, [0, 2]), picky)]).toEqual([0, 0.5]);
    expect([...prepareInput(given, picky)]).toEqual([0.25, 0]);
  });
  it('one of them is trained on where it was chosen, and found again', () => {
    const { spec, reason } = chooseChannels([page([1, 2, 3], STAINS), page([7, 8], ['GFP', 'DAPI'])], 'GFP');
    expect(reason).toBe('channels: 1, GFP as given');
    expect([...selectChannels(page([1, 2, 3], STAINS), spec)]).toEqual([2]);
    expect([...selectChannels(page([7, 8], ['GFP', 'DAPI']), spec)]).toEqual([7]);
    // A file of that channel alone.
    expect([...selectChannels(page([5, 6]), spec)]).toEqual([5, 6]);
    expect(() => selectChannels(page([1, 2], ['DAPI', 'RFP']), spec)).toThrow(
      'channel GFP does not exist; the image has 2 channels (DAPI, RFP).',
    );
    expect(() => chooseChannels([page([1, 2, 3], STAINS)], 3)).toThrow('channel 3 does not exist');
    expect(channelNote(page([1, 2, 3], STAINS), spec)).toBe('Channel GFP is used, as in training.');
  });
  it('beside photographs are refused', () => {
    expect(() => chooseChannels([page([1, 2, 3], RGB, 'x.png'), page([1, 2, 3], STAINS, 'y.tif')])).toThrow(
      'y.tif: the image has 3 channels (DAPI, GFP, RFP), "x.png" has 3 channels (red, green, blue)',
    );
  });
  it('in the place of red, green and blue are named', () => {
    const colour = { mode: 'colour', count: 3 } as const;
    expect([...selectChannels(page([1, 2, 3], STAINS), colour)]).toEqual([1, 2, 3]);
    expect(channelNote(page([1, 2, 3], STAINS), colour)).toBe(
      'The 3 channels (DAPI, GFP, RFP) take the place of red, green and blue.',
    );
  });
  it('other counts are kept, and must agree', () => {
    expect(chooseChannels([page([1, 2, 3, 4], 4)]).spec).toEqual({ mode: 'asis', count: 4 });
    expect(() => chooseChannels([page([1, 2, 3, 4], 4, 'x.tif'), page([1, 2], 2, 'y.tif')])).toThrow(
      'y.tif: the image has 2 channels, "x.tif" has 4',
    );
    expect(() => selectChannels(page([1, 2], 2), grey)).toThrow('the image has 2 channels, 1 or 3 are expected');
  });
});

describe('planes as they lie', () => {
  it('are told from planes that have to be made', () => {
    expect(keepsChannels(page([1, 2, 3], STAINS), { mode: 'asis', count: 3, names: STAINS })).toBe(true);
    expect(keepsChannels(page([1, 2, 3], STAINS), { mode: 'asis', count: 3, names: ['GFP', 'DAPI', 'RFP'] })).toBe(
      false,
    );
    expect(keepsChannels(page([1, 2, 3], STAINS), { mode: 'asis', count: 1, pick: ['GFP'] })).toBe(false);
    expect(keepsChannels(page([1, 2]), grey)).toBe(true);
    expect(keepsChannels(page([1, 2]), { mode: 'colour', count: 3 })).toBe(false);
  });
});
