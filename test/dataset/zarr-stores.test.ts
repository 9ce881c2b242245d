import { describe, expect, it } from 'vitest';
import { pairFiles } from '../../src/dataset/discover/pair.ts';
import { listImageSources, pairListing, readListed } from '../../src/dataset/discover/sources.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';
import { below, type StoredLevel, zarrStore } from '../support/zarr.ts';

const image: StoredLevel = { shape: [6, 8], chunks: [4, 4] };
const half: StoredLevel = { shape: [3, 4], chunks: [4, 4], scale: [2, 2], value: () => 9 };
const mask: StoredLevel = { ...image, value: ([y = 0]) => (y < 3 ? 0 : 1) };
const halfMask: StoredLevel = { ...half, value: ([y = 0]) => (y < 1 ? 0 : 1) };
const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const labelled = {
  ...zarrStore([image, half]),
  'labels/zarr.json': json({ zarr_format: 3, node_type: 'group', attributes: { ome: { labels: ['cells'] } } }),
  ...below('labels/cells', zarrStore([mask, halfMask], { attributes: { 'image-label': {} } })),
};
const pathsOf = async (files: Record<string, Uint8Array>, root: string) =>
  (await listImageSources(memoryFiles(files), root)).paths;

describe('OME-Zarr stores in a folder', () => {
  it('are one path each, whatever they are called, beside other files', async () => {
    const files = {
      ...below('d/a.ome.zarr', zarrStore([image])),
      ...below('d/sub/b', zarrStore([image], { version: '0.4' })),
      'd/c.png': new Uint8Array(3),
    };
    expect(await pathsOf(files, 'd')).toEqual(['a.ome.zarr', 'c.png', 'sub/b.zarr']);
  });

  it('may be the folder itself', async () => {
    const files = memoryFiles(below('d/a.ome.zarr', zarrStore([image])));
    const listing = await listImageSources(files, 'd/a.ome.zarr');
    expect(listing.paths).toEqual(['a.ome.zarr']);
    expect((await readListed(files, listing, 'a.ome.zarr')).shape).toEqual([6, 8]);
  });

  it('of several images are one path per image', async () => {
    const collection = { ...below('0', zarrStore([image])), ...below('1', zarrStore([image])) };
    const group = (attributes: object) => json({ zarr_format: 3, node_type: 'group', attributes: { ome: attributes } });
    const series = { ...collection, 'zarr.json': group({ version: '0.5', 'bioformats2raw.layout': 3 }) };
    expect(await pathsOf(below('d/a.zarr', series), 'd')).toEqual(['a.zarr/0.zarr', 'a.zarr/1.zarr']);
    const plate = {
      ...below('A/1', { ...collection, 'zarr.json': group({ well: { images: [{ path: '0' }, { path: '1' }] } }) }),
      'zarr.json': group({ version: '0.5', plate: { wells: [{ path: 'A/1' }] } }),
    };
    expect(await pathsOf(below('d/p.zarr', plate), 'd')).toEqual(['p.zarr/A/1/0.zarr', 'p.zarr/A/1/1.zarr']);
  });

  it('without an image are left out by name, or refused where there is nothing else', async () => {
    const plain = { 'zarr.json': json({ zarr_format: 3, node_type: 'group', attributes: {} }) };
    const both = { ...below('d/x.zarr', plain), ...below('d/a.zarr', zarrStore([image])) };
    const { paths, leftOut } = await listImageSources(memoryFiles(both), 'd');
    expect(paths).toEqual(['a.zarr']);
    expect(leftOut).toEqual([{ file: 'x.zarr', reason: 'a Zarr store without the metadata of OME-Zarr' }]);
    await expect(pathsOf(below('d/x.zarr', plain), 'd')).rejects.toThrow('x.zarr: this Zarr store has no image');
  });

  it('that are damaged are listed, and say so when they are read', async () => {
    const files = memoryFiles({ ...below('d/a.zarr', zarrStore([image])), 'd/b.zarr/zarr.json': Uint8Array.of(123) });
    const listing = await listImageSources(files, 'd');
    expect(listing.paths).toEqual(['a.zarr', 'b.zarr']);
    await expect(readListed(files, listing, 'b.zarr')).rejects.toThrow(
      'b.zarr/zarr.json: the metadata of the Zarr store are not JSON',
    );
  });

  it('have chunks that are never taken for DICOM files', async () => {
    const preamble = new Uint8Array(200);
    preamble.set(new TextEncoder().encode('DICM'), 128);
    const files = { ...below('d/a.zarr', zarrStore([image], { version: '0.4' })), 'd/a.zarr/0/0/0': preamble };
    expect(await pathsOf(files, 'd')).toEqual(['a.zarr']);
  });
});

describe('labels of OME-Zarr', () => {
  it('in the store of their image belong to it', async () => {
    const files = memoryFiles(below('d/a.zarr', labelled));
    const { pairing } = pairListing(await listImageSources(files, 'd'));
    expect(pairing.pairs).toEqual([{ image: 'a.zarr', label: 'a.zarr/labels/cells.zarr' }]);
    const { pages } = await readDataset(files, 'd');
    expect([pages.length, pages[0]?.height, pages[0]?.label.values[47]]).toEqual([1, 6, 1]);
    // The store itself is a data set, too.
    expect((await readDataset(files, 'd/a.zarr')).pages).toHaveLength(1);
  });

  it('are read at the level of their image', async () => {
    const { pages } = await readDataset(memoryFiles(below('d/a.zarr', labelled)), 'd', { level: 1 });
    expect([pages[0]?.height, pages[0]?.data[0], pages[0]?.label.values[11]]).toEqual([3, 9, 1]);
  });

  it('in stores or files of their own are paired by name', async () => {
    const files = { ...below('d/images/a.zarr', zarrStore([image])), ...below('d/labels/a.zarr', zarrStore([mask])) };
    const { pages } = await readDataset(memoryFiles(files), 'd');
    expect(pages[0]?.label.values[47]).toBe(1);
    expect(pairFiles(['images/a.ome.zarr', 'labels/a.png'], { extensions: ['zarr', 'png'] }).pairs).toEqual([
      { image: 'images/a.ome.zarr', label: 'labels/a.png' },
    ]);
  });

  it('of which an image has two are refused', () => {
    const paths = ['a.zarr', 'a.zarr/labels/cells.zarr', 'a.zarr/labels/nuclei.zarr'];
    expect(() => pairFiles(paths, { extensions: ['zarr'] })).toThrow(
      'the image "a.zarr" has 2 label images: "cells.zarr" and "nuclei.zarr"',
    );
  });
});
