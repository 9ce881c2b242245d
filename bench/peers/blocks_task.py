"""Connected components of an image in chunks, by dask-image."""


def components(side, block):
    import importlib.metadata

    import dask
    import dask.array
    import numpy as np
    from dask_image import ndmeasure

    # As `blobs` in bench/tasks/objects-by-blocks.ts.
    y, x = np.mgrid[0:side, 0:side]
    waves = np.sin(x / 3) + np.sin(y / 4) + np.sin((x + 2 * y) / 11) + np.sin((3 * x - y) / 23)
    mask = (4 + waves) / 8 > 0.6
    chunks = dask.array.from_array(mask, chunks=(block, block))

    def run():
        dask.compute(*ndmeasure.label(chunks))

    return f"dask-image {importlib.metadata.version('dask-image')}", run


TASKS = {"components": components}
