"""Sharded Zarr, compressed with Zstandard, by zarr-python: written from memory, and read as a whole."""

import os
import shutil
import warnings


def store(folder, side, what):
    import numpy as np
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec

    warnings.filterwarnings("ignore")
    path = os.path.join(folder, "theirs.zarr")
    y, x = np.mgrid[0:side, 0:side]
    noise = np.random.default_rng(1).integers(0, 8, (side, side))
    data = (120 + 60 * (np.sin(x / 97) + np.cos(y / 131)) + noise).astype(np.uint8)

    def write():
        shutil.rmtree(path, ignore_errors=True)
        array = zarr.create_array(
            path,
            shape=data.shape,
            dtype=data.dtype,
            chunks=(512, 512),
            shards=(4096, 4096),
            compressors=[ZstdCodec(level=3), Crc32cCodec()],
            fill_value=0,
        )
        array[...] = data

    about = f"zarr-python {zarr.__version__}"
    if what == "write":
        return about, write
    write()

    def read():
        zarr.open_array(path, mode="r")[...]

    return about, read


TASKS = {"store": store}
