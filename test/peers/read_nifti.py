"""Prints shape, dtype, affine, units, codes and values of NIfTI files, as nibabel reads them."""
import json
import sys

import nibabel
import numpy

out = []
for path in sys.argv[1:]:
    image = nibabel.load(path)
    header = image.header
    array = numpy.asanyarray(image.dataobj)
    colour = array.dtype.fields is not None
    values = numpy.stack([array[name] for name in array.dtype.names], axis=-1) if colour else array
    out.append({
        "shape": list(array.shape),
        "dtype": "rgb" if colour else str(array.dtype),
        "affine": image.affine.tolist(),
        "qform": header.get_qform().tolist(),
        "codes": [int(header["qform_code"]), int(header["sform_code"])],
        "zooms": [float(v) for v in header.get_zooms()],
        "units": list(header.get_xyzt_units()),
        # x fastest, as they lie in the file
        "values": [float(v) for v in values.ravel(order="C" if colour else "F")][:200],
        "sum": float(values.astype(numpy.float64).sum()),
        "texts": [bytes(header[name].tobytes()).decode("latin1").rstrip("\0") for name in ("descrip", "aux_file", "intent_name", "db_name") if name in header],
        "analyze": type(image).__name__,
    })
json.dump(out, sys.stdout)
