/** Names of DICOM objects without an image, by SOP class: PS3.4, annex B, and PS3.6, table A-1. */

/** UIDs after the prefix 1.2.840.10008. The longest match counts; a further number may follow. */
const OBJECTS: readonly (readonly [end: string, name: string])[] = [
  ['1.3.10', 'a DICOMDIR, an index of a disk'],
  ['5.1.4.1.1.4.2', 'an MR spectrum'],
  ['5.1.4.1.1.8', 'an overlay without an image'],
  ['5.1.4.1.1.9', 'a curve or waveform, such as an ECG,'],
  ['5.1.4.1.1.10', 'a Modality LUT without an image'],
  ['5.1.4.1.1.11', 'a presentation state'],
  ['5.1.4.1.1.66', 'raw data of a scanner'],
  ['5.1.4.1.1.66.1', 'a DICOM registration'],
  ['5.1.4.1.1.66.2', 'a DICOM object of fiducials'],
  ['5.1.4.1.1.66.3', 'a DICOM registration (deformable)'],
  ['5.1.4.1.1.66.4', 'a DICOM segmentation object'],
  ['5.1.4.1.1.66.5', 'a DICOM segmentation by surfaces'],
  ['5.1.4.1.1.66.6', 'a DICOM object of nerve fibre tracts'],
  ['5.1.4.1.1.66.7', 'a DICOM segmentation object (label map)'],
  ['5.1.4.1.1.66.8', 'a DICOM segmentation object (height map)'],
  ['5.1.4.1.1.67', 'a mapping to real world values'],
  ['5.1.4.1.1.68', 'a scan of a surface'],
  ['5.1.4.1.1.77.1.5.3', 'a relation of stereo images'],
  ['5.1.4.1.1.78', 'a set of measurements of an eye'],
  ['5.1.4.1.1.79', 'a report of an eye'],
  ['5.1.4.1.1.80', 'a visual field of an eye'],
  ['5.1.4.1.1.88', 'a structured report'],
  ['5.1.4.1.1.88.59', 'a list of key images'],
  ['5.1.4.1.1.90', 'an assessment of results'],
  ['5.1.4.1.1.91', 'a set of microscopy annotations'],
  ['5.1.4.1.1.104', 'a document in DICOM'],
  ['5.1.4.1.1.104.1', 'a PDF document in DICOM'],
  ['5.1.4.1.1.104.2', 'a CDA document in DICOM'],
  ['5.1.4.1.1.104.3', 'an STL model in DICOM'],
  ['5.1.4.1.1.104.4', 'an OBJ model in DICOM'],
  ['5.1.4.1.1.129', 'a PET curve'],
  ['5.1.4.1.1.131', 'a display layout'],
  ['5.1.4.1.1.200', 'a protocol of a scan'],
  ['5.1.4.1.1.201', 'an inventory of a DICOM archive'],
  ['5.1.4.1.1.481.3', 'a set of contours for radiotherapy (RTSTRUCT)'],
  ['5.1.4.1.1.481.4', 'a radiotherapy treatment record'],
  ['5.1.4.1.1.481.5', 'a radiotherapy plan'],
  ['5.1.4.1.1.481.6', 'a radiotherapy treatment record'],
  ['5.1.4.1.1.481.7', 'a radiotherapy treatment record'],
  ['5.1.4.1.1.481.8', 'a radiotherapy plan (ions)'],
  ['5.1.4.1.1.481.9', 'a radiotherapy treatment record'],
  ...Array.from(
    { length: 16 },
    (_, i) => [`5.1.4.1.1.481.${10 + i}`, 'a radiotherapy object without an image'] as const,
  ),
  ['5.1.4.34', 'a radiotherapy delivery instruction'],
  ['5.1.4.38', 'a hanging protocol'],
  ['5.1.4.39', 'a colour palette'],
  ['5.1.4.43', 'a template of an implant'],
  ['5.1.4.44', 'a template of an implant'],
  ['5.1.4.45', 'a template of an implant'],
];

/** Segments of images by their pixels: binary, fractional, and as a label map. */
export const isSegmentation = (sopClass: string | undefined): boolean =>
  /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.66\.[47]$/.test(sopClass ?? '');

/** The name of a SOP class without an image; undefined for others. */
export function nonImage(sopClass: string | undefined): string | undefined {
  const end = /^1\.2\.840\.10008\.(.*)$/.exec(sopClass ?? '')?.[1];
  if (end === undefined) return undefined;
  const found = OBJECTS.filter(([known]) => end === known || end.startsWith(`${known}.`));
  return found.sort(([a], [b]) => b.length - a.length)[0]?.[1];
}
