import type { ImageInfo } from '../image/source.ts';

const NIFTI = /\.nii(?:\.gz)?$/i;
const HDF5 = /\.(?:h5|hdf5)$/i;
const WITHOUT_VALUE_UNIT = /\.(?:png|h5|hdf5|ome\.tiff?)$/i;

/** What of an image a file of this name does not hold. */
export function lostIn(
  { geometry, valueUnit, spacing }: Pick<ImageInfo, 'geometry' | 'valueUnit' | 'spacing'>,
  out: string,
): readonly string[] {
  return [
    ...(geometry === undefined || NIFTI.test(out)
      ? []
      : ['Its place and orientation in the patient are not kept; NIfTI holds them.']),
    ...(valueUnit !== undefined && WITHOUT_VALUE_UNIT.test(out)
      ? [`The unit of its values, ${valueUnit}, is not kept.`]
      : []),
    ...(spacing.t !== undefined && HDF5.test(out) ? ['The time from one of its images to the next is not kept.'] : []),
  ];
}
