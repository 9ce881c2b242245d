import { gzipSync } from 'fflate';
import { expect, it } from 'vitest';
import { readImage } from '../../src/image/read.ts';

/** Bytes by characters, with zeros up to `length`, and other characters at other places. */
function bytes(start: string, length = 2048, ...more: readonly (readonly [number, string])[]): Uint8Array {
  const out = new Uint8Array(length);
  for (const [at, text] of [[0, start] as const, ...more]) {
    for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i);
  }
  return out;
}
const wide = (text: string) => [...text].map((letter) => `${letter}\0`).join('');
const zipOf = (name: string) => bytes(`PK\x03\x04${'\0'.repeat(22)}${String.fromCharCode(name.length)}\0\0\0${name}`);
const OLE = '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1';

/** What the formats' own descriptions give as their first bytes, and what the message must name. */
const FILES: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
  'a.mha': [bytes('ObjectType = Image\nNDims = 3\nBinaryData = True\n'), /MetaImage.* NIfTI/],
  'b.mhd': [bytes('Comment = made by hand\nNDims = 3\nDimSize = 4 4 4\n'), /MetaImage/],
  'a.vtk': [bytes('# vtk DataFile Version 3.0\n'), /VTK/],
  'a.vti': [bytes('<?xml version="1.0"?>\n<VTKFile type="ImageData">'), /VTK/],
  'a.gipl': [bytes('\0\x14', 300, [252, '\xef\xff\xe9\xb0']), /GIPL/],
  'a.mgh': [bytes('\0\0\0\x01\0\0\0\x18\0\0\0\x14\0\0\0\x06\0\0\0\x01\0\0\0\x04'), /FreeSurfer/],
  'a.mnc': [bytes('CDF\x01'), /MINC/],
  'a.npy': [bytes('\x93NUMPY\x01\0'), /NumPy array \(\.npy\).*tifffile/],
  'a.npz': [zipOf('arr_0.npy'), /NumPy arrays \(\.npz\)/],
  'a.jp2': [bytes('\0\0\0\x0cjP  \r\n\x87\n'), /JPEG 2000/],
  'a.j2k': [bytes('\xff\x4f\xff\x51'), /JPEG 2000/],
  'a.jxl': [bytes('\xff\x0a'), /JPEG XL/],
  'b.jxl': [bytes('\0\0\0\x0cJXL \r\n\x87\n'), /JPEG XL/],
  'a.webp': [bytes('RIFF\x10\0\0\0WEBPVP8 '), /WebP/],
  'a.heic': [bytes('\0\0\0\x18ftypheic'), /HEIC/],
  'a.avif': [bytes('\0\0\0\x18ftypavif'), /AVIF/],
  'a.bmp': [bytes('BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0'), /BMP/],
  'a.gif': [bytes('GIF89a'), /GIF/],
  'a.pgm': [bytes('P5\n4 4\n255\n'), /Netpbm/],
  'a.czi': [bytes('ZISRAWFILE'), /CZI.*OME-TIFF/],
  'a.nd2': [bytes('\xda\xce\xbe\x0a'), /ND2/],
  'a.lif': [bytes(`\x70\0\0\0\x10\0\0\0\x2a\x08\0\0\0${wide('<LMS')}`), /LIF/],
  'a.oib': [bytes(OLE, 8192, [4090, wide('OibInfo.txt')]), /OIB/],
  'a.zvi': [bytes(OLE), /ZVI/],
  'a.oif': [bytes(`\xff\xfe${wide('[ProfileSaveInfo]')}`), /OIF/],
  'a.oir': [bytes('OLYMPUSRAWFORMAT'), /OIR/],
  'a.mrc': [bytes('\x40\0\0\0', 2048, [208, 'MAP DD']), /MRC/],
  'a.dv': [bytes('\x40\0\0\0', 2048, [96, '\xa0\xc0']), /DeltaVision/],
  'a.dm3': [bytes('\0\0\0\x03\0\0\x10\0\0\0\0\x01'), /DM3/],
  'a.dm4': [bytes('\0\0\0\x04\0\0\0\0\0\0\x10\0\0\0\0\x01'), /DM4/],
  'a.ics': [bytes('\t\r\nics_version\t1.0\r\n'), /ICS/],
  'a.fits': [bytes('SIMPLE  =                    T'), /FITS/],
  'b.h5': [bytes('', 2048, [512, '\x89HDF\r\n\x1a\n']), /HDF5/],
  'a.ims': [bytes('\x89HDF\r\n\x1a\n', 2048, [800, 'DataSetInfo']), /Imaris/],
  'a.mat': [bytes('MATLAB 7.3 MAT-file', 2048, [512, '\x89HDF\r\n\x1a\n']), /MATLAB/],
  'zarr.json': [bytes('{"zarr_format": 3, "node_type": "group"}'), /Zarr store/],
  'a.pdf': [bytes('%PDF-1.7'), /PDF/],
  'a.docx': [zipOf('[Content_Types].xml'), /Office/],
  'a.zip': [zipOf('a/b.png'), /ZIP archive.*Unpack it/],
  'a.mp4': [bytes('\0\0\0\x18ftypisom'), /MP4/],
  'a.tif': [bytes('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'), /Git LFS.*git lfs pull/],
  'a.mgz': [
    gzipSync(bytes('\0\0\0\x01\0\0\0\x18\0\0\0\x14\0\0\0\x06\0\0\0\x01\0\0\0\x04')),
    /FreeSurfer.*packed with gzip/,
  ],
  'a.tif.gz': [gzipSync(bytes('II*\0\x08\0\0\0')), /a TIFF file packed with gzip.*Unpack it first/],
  'a.tar.gz': [gzipSync(bytes('a/', 2048, [257, 'ustar'])), /a tar archive packed with gzip/],
};

for (const [name, [content, message]] of Object.entries(FILES)) {
  it(`${name} is named by its content`, async () => {
    await expect(readImage(content, name)).rejects.toThrow(message);
    await expect(readImage(content, 'picture.png')).rejects.toThrow(/which is not supported\. \w/);
  });
}

it('what has no known beginning is no image, not a format that its name says', async () => {
  await expect(readImage(bytes('BMI of 22 patients'), 'a.bmp')).rejects.toThrow(/a\.bmp: this is not an image\. Save/);
  await expect(readImage(new Uint8Array(600), 'a.czi')).rejects.toThrow(/this is not an image/);
});
