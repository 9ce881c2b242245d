#!/bin/sh
# A NIfTI file whose sform is declared and all zeros, beside a good qform, lies at two places.
#
# Expected: a matrix of zeros cannot place voxels, so that readers fall back to the qform or refuse the file.
# What happens: nibabel takes the sform since its code is positive: an affine of zeros, every voxel at the origin, without a
#   warning; voxel sizes from the header are right, those computed from the affine are 0. SimpleITK takes the qform.
# Versions: nibabel 5.4.2, SimpleITK 2.5.7, numpy 2.4.0, Python 3.11 or later.
# For image processing: test the determinant of the affine before anything is measured or resampled with it; volumes of objects
#   computed from such an affine are 0.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 SimpleITK==2.5.7 numpy==2.4.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import struct, sys
import nibabel as nib, numpy as np, SimpleITK as sitk

nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)), "plain.nii")
changed = bytearray(open("plain.nii", "rb").read())
struct.pack_into("<hh", changed, 252, 1, 1)  # qform_code, sform_code
struct.pack_into("<4f", changed, 76, 1, 2, 3, 4)  # qfac and voxel size
struct.pack_into("<6f", changed, 256, 0, 0, 0, 5, 6, 7)  # quaternion and offset
struct.pack_into("<12f", changed, 280, *[0] * 12)  # sform
open("zeros.nii", "wb").write(changed)

image = nib.load("zeros.nii")
affine, sizes = image.affine, [float(size) for size in image.header.get_zooms()]
other = sitk.ReadImage("zeros.nii")
print("nibabel affine:", affine[:3].tolist(), "sizes of the header:", sizes, "of the affine:", nib.affines.voxel_sizes(affine).tolist())
print("SimpleITK spacing:", other.GetSpacing(), "origin (LPS):", other.GetOrigin())
ok = not affine[:3].any() and sizes == [2, 3, 4] and other.GetSpacing() == (2, 3, 4) and other.GetOrigin() == (-5, -6, 7)
sys.exit(0 if ok else 1)
PYTHON
