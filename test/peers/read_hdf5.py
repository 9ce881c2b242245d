"""Reads every `*.h5` of a folder with h5py, as ilastik does: the array `exported_data` and its axis tags. Prints {file:
{"dtype": ..., "axes": ..., "shape": [...], "values": [...], "kinds": [...], "um": [...] or null, "kind": ... or null}}."""

import json
import sys
from pathlib import Path

import h5py

said = {}
for path in sorted(Path(sys.argv[1]).glob('*.h5')):
    with h5py.File(path) as f:
        assert list(f) == ['exported_data']
        d = f['exported_data']
        tags = json.loads(d.attrs['axistags'])['axes']
        said[path.name] = {
            'dtype': str(d.dtype),
            'axes': ''.join(tag['key'] for tag in tags),
            'kinds': [tag['typeFlags'] for tag in tags],
            'shape': list(d.shape),
            'values': [str(v) for v in d[()].ravel().tolist()],
            'um': d.attrs['element_size_um'].tolist() if 'element_size_um' in d.attrs else None,
            'kind': d.attrs.get('label_kind'),
        }
print(json.dumps(said))
