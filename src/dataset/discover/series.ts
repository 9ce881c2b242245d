/** An image that consists of the files of a folder: a DICOM series, or an image of an OME-Zarr store. */
export interface SeriesSource {
  readonly format: 'DICOM' | 'OME-Zarr';
  /** Folder of its files, '' for the listed one. */
  readonly folder: string;
  readonly files: readonly string[];
  /** `CT, chest, 120 slices of 512 x 512, 0.98 x 0.98 x 3 mm, axial`; nothing that identifies a person. */
  readonly description: string;
}
