"""The PNG files of a folder as LZW TIFF files of another: python bench/peers/make_lzw.py FROM TO"""
import sys
from pathlib import Path

import imageio.v3 as imageio
import tifffile

source, target = map(Path, sys.argv[1:])
target.mkdir(exist_ok=True)
for file in source.glob("*.png"):
    tifffile.imwrite(target / f"{file.stem}.tif", imageio.imread(file), compression="lzw")
