/** `lamella/image`: conversion, geometry and display of images. */

export { alignLabels } from '../dataset/labels/align.ts';
export { castTo, dropAlpha, rescaleToUint8, stackPages, toFloat32, toGrey } from '../image/convert.ts';
export { type DisplayWindow, displayWindow } from '../image/display.ts';
export { sliceExtentsMm, sliceOrigin, voxelSteps, withSpacingMm } from '../image/geometry.ts';
export { type AxisMap, displayMap, inverseMap, reorient } from '../image/orient.ts';
export { type OverviewOptions, overviewPicture } from '../image/overview.ts';
