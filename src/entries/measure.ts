/** `lamella/measure`: tables of objects and lungs in physical units, and their files for other programs. */

export { type CocoImage, writeCoco } from '../export/coco.ts';
export { writeCsv } from '../export/csv.ts';
export { writeGeoJson } from '../export/geojson.ts';
export { writeRoiZip } from '../export/imagej-roi.ts';
export { writeLabelTiff } from '../export/label-tiff.ts';
export { type OutlinedSlice, outlineSlices } from '../export/outlined-slices.ts';
export { writeParquet } from '../export/parquet.ts';
export { LabelBlock } from '../measure/label-block.ts';
export { LUNG_SIDE, type LungSidesOptions, lungSides } from '../measure/lung-sides.ts';
export { type LungGeometry, type LungMeasures, measureLungs } from '../measure/lungs.ts';
export { type MeasuredImage, measure } from '../measure/measure.ts';
export { MEASURES, type MeasureName, type MeasureOptions } from '../measure/measures.ts';
export { type MeasuredGrid, ObjectMeasurer } from '../measure/object-measurer.ts';
export { type Column, headerOf, joinRows, type Table, tableColumn, withText } from '../measure/table.ts';
