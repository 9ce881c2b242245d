import { describe, expect, test } from 'vitest';
import { ModelError } from '../../src/errors.ts';
import { METADATA_KEY, type ModelMetadata, metadataEntry, parseMetadata } from '../../src/models/metadata.ts';

const metadata: ModelMetadata = {
  version: 1,
  network: { name: 'unet', channels: 1, numClasses: 1, baseChannels: 16, depth: 3 },
  axes: 'nchw',
  input: { channels: { mode: 'grey', count: 1 }, normalisation: { kind: 'zscore', numbers: [[3, 1]] } },
  classes: [
    { name: 'membrane', value: 0 },
    { name: 'inside', value: 255 },
  ],
  activation: 'sigmoid',
  tile: { multiple: 8, offset: 0, min: 8, margin: 0, halo: 44 },
  separation: { by: 'border', threshold: 0.4 },
  provenance: { seed: 1, command: 'lamella train data' },
  licence: 'CC0-1.0',
};

test('what is written is read', () => {
  expect(parseMetadata(metadataEntry(metadata)[METADATA_KEY])).toEqual(metadata);
  const open = { ...metadata, licence: null, tile: { ...metadata.tile, halo: null } };
  expect(parseMetadata(JSON.stringify(open))).toEqual(open);
});

test('keys of earlier versions are read under their names of today', () => {
  const network = { name: 'unet', channels: 1, outputs: 1, base: 16, depth: 3 };
  const tile = { multiple: 8, offset: 0, least: 8, margin: 0, halo: 44 };
  expect(parseMetadata(JSON.stringify({ ...metadata, network, tile }))).toEqual(metadata);
});

describe('what is wrong is named', () => {
  const broken: [string, unknown, string][] = [
    ['not an object', [1], 'is not an object'],
    ['a later version', { ...metadata, version: 2 }, 'has version 2; this program supports 1'],
    ['no network', { ...metadata, network: undefined }, "has no object at 'network'"],
    ['no channels', { ...metadata, network: { name: 'unet' } }, "has no number at 'network.channels'"],
    ['no classes', { ...metadata, network: { ...metadata.network, numClasses: 0 } }, "has 0 numClasses in 'network'"],
    ['other axes', { ...metadata, axes: 'nhwc' }, "has axes 'nhwc', not 'nchw' or 'ncdhw'"],
    ['an activation', { ...metadata, activation: 'relu' }, "has an unknown activation 'relu'"],
    ['a class', { ...metadata, classes: [{ name: 'a' }, metadata.classes[1]] }, "has no number at 'classes[0].value'"],
    ['few classes', { ...metadata, classes: [metadata.classes[0]] }, 'names 1 classes where the network has 2'],
    ['a way to part objects', { ...metadata, separation: {} }, "has no text at 'separation.by'"],
    ['a halo', { ...metadata, tile: { ...metadata.tile, halo: 'far' } }, "has no number at 'tile.halo'"],
  ];
  test.each(broken)('%s', (_, json, problem) => {
    const read = () => parseMetadata(JSON.stringify(json), { file: 'model.onnx' });
    expect(read).toThrow(ModelError);
    expect(read).toThrow(`model.onnx: The model's entry 'lamella' ${problem}.`);
  });

  test('text that is no JSON', () => expect(() => parseMetadata('{')).toThrow('is not JSON'));
});
