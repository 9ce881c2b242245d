"""What other programs do for Studio's rows: napari's labels layer painting, and a pixel classifier's first preview."""

import os
import time

SIDE = 8192
MOVES = 200


def labels_layer(dtype):
    """A layer in napari's own window, which is not shown: drawing is left out, as it is on our side."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    import napari
    import numpy as np

    viewer = napari.Viewer(show=False)
    layer = viewer.add_labels(np.zeros((SIDE, SIDE), dtype))
    layer.mode = "paint"
    return layer, f"napari {napari.__version__}"


def stroke(layer, diameter, moves):
    """A stroke as its mouse binding makes it: one item of the history. Returns the milliseconds of each move."""
    import math

    layer.brush_size = diameter
    times = []
    last = (SIDE / 2, SIDE / 2 - 400)
    with layer.block_history():
        layer._draw(1, last, last)
        for i in range(moves):
            at = (SIDE / 2 + 60 * math.sin(i / 9), SIDE / 2 - 400 + 4 * i)
            start = time.perf_counter()
            layer._draw(1, last, at)
            times.append(1e3 * (time.perf_counter() - start))
            last = at
    return times


def move(radius, kind):
    layer, about = labels_layer("uint8" if kind == "classes" else "int32")

    def run():
        layer.data[:] = 0
        times = stroke(layer, 2 * radius, MOVES)
        return sorted(times)[len(times) // 2]

    return about, run


def undo(radius, kind):
    """Takes back the stroke whose moves are timed above."""
    layer, about = labels_layer("uint8" if kind == "classes" else "int32")

    def run():
        layer.data[:] = 0
        stroke(layer, 2 * radius, MOVES)
        start = time.perf_counter()
        layer.undo()
        return 1e3 * (time.perf_counter() - start)

    return about, run


def first_preview(image):
    """A random forest on the features of ilastik, computed once per image as ilastik does."""
    import imageio.v3 as imageio
    import numpy as np
    import pixel_classifier
    import sklearn

    grey = imageio.imread(image).astype(np.float32)
    painted = np.full(grey.shape, 255, np.uint8)
    for value, y in ((1, 40), (0, 80)):
        painted[y - 8 : y + 8, 32:98] = value
    return f"scikit-learn {sklearn.__version__}", lambda: pixel_classifier.preview(grey, painted, 0)


TASKS = {"move": move, "undo": undo, "firstPreview": first_preview}
