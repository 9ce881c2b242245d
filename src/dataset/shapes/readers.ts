/** What reads the shapes of other programs: one piece, which is loaded with the first such file. */

// biome-ignore lint/performance/noBarrelFile: a file for each reader would be a request for each.
export { parseCoco, shapesOf } from './coco.ts';
export { shapesOfContours } from './contours.ts';
export { parseCvat, shapesOfCvat } from './cvat.ts';
export { readNapariShapes } from './napari.ts';
export { parseLabelMap, shapesOfMasks } from './voc.ts';
