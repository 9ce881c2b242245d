/** Common formats that are not supported, detected by their first bytes, so that messages can name them. */

import { gunzipHead, isGzip } from './gunzip.ts';

interface Unread {
  /** `a GIF picture`: completes "this is ...". */
  readonly name: string;
  /** What to do, an imperative sentence. */
  readonly remedy: string;
}

const PICTURE = 'Save it as PNG or TIFF.';
const MICROSCOPE = 'Open it in Fiji (Bio-Formats) and save it as OME-TIFF.';
const VOLUME = 'Convert it to NIfTI, for instance with 3D Slicer, ITK-SNAP or SimpleITK.';
const ARRAY = 'Save its image as TIFF (tifffile.imwrite) or, with its voxel size, as NIfTI (nibabel, SimpleITK).';
const ZARR = 'Use the folder of its image, unpacked.';
const DOCUMENT = 'Export its images as PNG or TIFF.';
const VIDEO = 'Save its frames as a TIFF stack, for instance with Fiji or FFmpeg.';
const ARCHIVE = 'Unpack it first.';

/** Signature of OLE 2 files. */
const COMPOUND = '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1';

/** Bytes as a string of one character each. */
const text = (bytes: Uint8Array, from = 0, count = 512): string =>
  String.fromCharCode(...bytes.subarray(from, from + count));

const word = (bytes: Uint8Array, at: number, littleEndian = false): number =>
  bytes.length < at + 4
    ? -1
    : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at, littleEndian);

/** A prefix, in which `?` is any byte, or several; a pattern for the first 512 bytes as characters; or a test. */
type Mark = string | readonly string[] | RegExp | ((bytes: Uint8Array) => boolean);

/** The first matching row names the file. */
const ROWS: readonly (readonly [name: string, remedy: string, mark: Mark])[] = [
  // Pictures.
  ['a JPEG-LS picture', PICTURE, '\xff\xd8\xff\xf7'],
  ['a JPEG 2000 picture', PICTURE, ['\0\0\0\x0cjP  \r\n\x87\n', '\xff\x4f\xff\x51']],
  ['a JPEG XL picture', PICTURE, ['\0\0\0\x0cJXL \r\n\x87\n', '\xff\x0a']],
  ['a JPEG XR picture', PICTURE, ['II\xbc\0', 'II\xbc\x01']],
  ['a GIF picture', PICTURE, ['GIF87a', 'GIF89a']],
  // "BM" may start any text: check the size of the second header.
  ['a BMP picture', PICTURE, (b) => starts(b, 'BM') && [12, 40, 52, 56, 64, 108, 124].includes(word(b, 14, true))],
  ['a WebP picture', PICTURE, 'RIFF????WEBP'],
  ['a HEIC picture', PICTURE, ['????ftyphei', '????ftyphev', '????ftypmif1', '????ftypmsf1']],
  ['an AVIF picture', PICTURE, ['????ftypavif', '????ftypavis']],
  ['a Netpbm picture (PBM, PGM, PPM)', PICTURE, /^P[1-7]\s[\s\d#]/],
  ['a Photoshop document', PICTURE, ['8BPS\0\x01', '8BPS\0\x02']],
  ['a GIMP document', PICTURE, 'gimp xcf'],
  ['an OpenEXR picture', PICTURE, '\x76\x2f\x31\x01'],
  [
    'an SVG drawing',
    PICTURE,
    /^(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--[^>]*-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/,
  ],
  // Microscopes.
  ['a CZI file of Zeiss', MICROSCOPE, 'ZISRAWFILE'],
  ['an ND2 file of Nikon', MICROSCOPE, '\xda\xce\xbe\x0a'],
  ['a LIF file of Leica', MICROSCOPE, '\x70\0\0\0????\x2a'],
  ['an OIR file of Olympus', MICROSCOPE, 'OLYMPUSRAWFORMAT'],
  ['an ETS file of Olympus, a part of a VSI image', MICROSCOPE, 'SIS\0'],
  ['a text of settings in UTF-16, such as OIF of Olympus', MICROSCOPE, ['\xff\xfe[\0', '\xff\xfe\r\0\n\0[\0']],
  ['an OIB file of Olympus', MICROSCOPE, (b) => starts(b, COMPOUND) && hasUtf16(b, 'OibInfo.txt')],
  ['a compound file (OLE 2), such as ZVI of Zeiss, OIB of Olympus, or an Office document', MICROSCOPE, COMPOUND],
  ['a DeltaVision image', MICROSCOPE, (b) => b.length >= 1024 && ['\xa0\xc0', '\xc0\xa0'].includes(text(b, 96, 2))],
  ['an MRC image', MICROSCOPE, (b) => b.length >= 1024 && text(b, 208, 4) === 'MAP '],
  ['a Digital Micrograph image (DM3, DM4) of Gatan', MICROSCOPE, ['\0\0\0\x03????\0\0\0', '\0\0\0\x04????????\0\0\0']],
  ['a TIA series (SER) of FEI', MICROSCOPE, 'II\x97\x01'],
  ['an ICS image', MICROSCOPE, /^[^\n]{0,3}\n?ics_version\s/],
  ['an SIF image of Andor', MICROSCOPE, 'Andor Technology Multi-Channel File'],
  ['a VMS slide of Hamamatsu', MICROSCOPE, /^\s*\[Virtual Microscope Specimen\]/],
  ['the index of a MIRAX slide', MICROSCOPE, /^(\xef\xbb\xbf)?\[GENERAL\]\s.*SLIDE_/s],
  ['a set of ImageJ ROIs', 'Make a label image of them in Fiji and save it as TIFF.', 'Iout'],
  ['a FITS image', 'Save it as TIFF, for instance with Fiji.', 'SIMPLE  ='],
  // Volumes.
  ['a MetaImage volume (.mha, .mhd)', VOLUME, /^(\s*\w+ *= *[^\n]*\n)*?\s*(ObjectType *= *Image|NDims *= *\d)/],
  ['a VTK data set', VOLUME, /^(# vtk DataFile|(<\?xml[^>]*>\s*)?<VTKFile)/],
  ['a GIPL volume', VOLUME, (b) => [0xefffe9b0, 0x2ae389b8].includes(word(b, 252))],
  ['a MINC volume or another netCDF file', VOLUME, ['CDF\x01', 'CDF\x02', 'CDF\x05']],
  ['a FreeSurfer volume (MGH)', VOLUME, isMgh],
  ['an AFNI header (.HEAD)', VOLUME, /^\s*type\s*=\s*(string|float|integer)-attribute\s/],
  ['a header of PAR/REC of Philips', 'Convert it to NIfTI, for instance with dcm2niix.', '# === DATA DESCRIPTION FILE'],
  ['a microCT scan of Scanco (ISQ, AIM)', VOLUME, ['CTDATA-HEADER_V1', 'AIMDATA_V030']],
  ['an ECAT 7 volume', VOLUME, 'MATRIX7'],
  // Arrays.
  ['a NumPy array (.npy)', ARRAY, '\x93NUMPY'],
  ['a set of NumPy arrays (.npz)', ARRAY, (b) => /^[^/]*\.npy$/.test(firstInZip(b))],
  ['an Imaris image (.ims)', MICROSCOPE, (b) => isHdf5(b) && text(b, 0, 8192).includes('DataSetInfo')],
  ['a MATLAB file', ARRAY, ['MATLAB 5.0 MAT-file', 'MATLAB 7.3 MAT-file']],
  ['an HDF5 file', `${ARRAY} Fiji opens those of ilastik and BigDataViewer.`, isHdf5],
  ['the metadata of a Zarr store', ZARR, /^\s*\{.*"(zarr_format|multiscales)"/s],
  ['a Zarr store in a ZIP archive', ZARR, (b) => /(\.zgroup|\.zattrs|\.zarray|zarr\.json)$/.test(firstInZip(b))],
  // Videos.
  ['an AVI video', VIDEO, 'RIFF????AVI '],
  ['an MP4 or QuickTime video', VIDEO, ['????ftyp', '????moov', '????mdat']],
  ['a Matroska or WebM video', VIDEO, '\x1a\x45\xdf\xa3'],
  // Documents and archives.
  ['a PDF document', DOCUMENT, '%PDF'],
  ['a PostScript document', DOCUMENT, '%!PS'],
  ['an Office document', DOCUMENT, (b) => /^(\[Content_Types\]\.xml|_rels\/.*)$/.test(firstInZip(b))],
  ['a ZIP archive', ARCHIVE, ['PK\x03\x04', 'PK\x05\x06']],
  ['a tar archive', ARCHIVE, (b) => text(b, 257, 5) === 'ustar'],
  ['a bzip2 archive', ARCHIVE, /^BZh[1-9]/],
  ['an xz archive', ARCHIVE, '\xfd7zXZ\0'],
  ['a Zstandard archive', ARCHIVE, '\x28\xb5\x2f\xfd'],
  ['a 7z archive', ARCHIVE, '7z\xbc\xaf\x27\x1c'],
  ['a RAR archive', ARCHIVE, 'Rar!\x1a\x07'],
  [
    'a pointer of Git LFS in place of the file',
    'Get the file with "git lfs pull".',
    'version https://git-lfs.github.com/spec/',
  ],
  ['a web page', 'Download the image itself.', /^(\xef\xbb\xbf)?\s*<(!doctype html|html)/i],
];

/** Whether a file is text in ASCII or UTF-8: no control characters but tabs and line ends in its beginning. */
export function isText(bytes: Uint8Array): boolean {
  const head = new TextDecoder().decode(bytes.subarray(0, 1024));
  // The last letter may be cut.
  return ![...head.slice(0, -1)].some(
    (letter) => letter === '\ufffd' || (letter < ' ' && !'\t\r\n\f'.includes(letter)),
  );
}

function starts(bytes: Uint8Array, prefix: string): boolean {
  for (let i = 0; i < prefix.length; i++) {
    if (prefix[i] !== '?' && prefix.charCodeAt(i) !== bytes[i]) return false;
  }
  return true;
}

function fits(bytes: Uint8Array, mark: Mark): boolean {
  if (typeof mark === 'function') return mark(bytes);
  if (mark instanceof RegExp) return mark.test(text(bytes));
  return (typeof mark === 'string' ? [mark] : mark).some((prefix) => starts(bytes, prefix));
}

/** The name of the first file in a ZIP archive; empty for other files. */
function firstInZip(bytes: Uint8Array): string {
  if (!starts(bytes, 'PK\x03\x04') || bytes.length < 30) return '';
  return text(bytes, 30, bytes[26] + 256 * bytes[27]);
}

/** The HDF5 signature is at byte 0, 512, 1024, ...: another program's header may precede it. */
function isHdf5(bytes: Uint8Array): boolean {
  return [0, 512, 1024, 2048].some((at) => text(bytes, at, 8) === '\x89HDF\r\n\x1a\n');
}

/** Version 1, lengths of four axes, and one of the value types; all big-endian. */
function isMgh(bytes: Uint8Array): boolean {
  const lengths = [4, 8, 12, 16].map((at) => word(bytes, at));
  return (
    bytes.length >= 284 &&
    word(bytes, 0) === 1 &&
    lengths.every((length) => length >= 1 && length < 65_536) &&
    [0, 1, 3, 4, 10].includes(word(bytes, 20))
  );
}

function hasUtf16(bytes: Uint8Array, name: string): boolean {
  const wanted = [...name].join('\0');
  for (let at = 0; at < Math.min(bytes.length, 2 ** 20); at += 4096) {
    if (text(bytes, at, 4096 + 64).includes(wanted)) return true;
  }
  return false;
}

/**
 * The name of a file whose format is not supported.
 * @param known returns the name of a supported format if bytes start like its files; used for the content of gzip files
 * @returns undefined for bytes of no known format
 */
export function nameUnread(
  bytes: Uint8Array,
  known: (bytes: Uint8Array) => string | undefined = () => undefined,
): Unread | undefined {
  if (isGzip(bytes)) {
    const inner = gunzipHead(bytes, 2 ** 16);
    const format = known(inner);
    const within = format === undefined ? nameUnread(inner) : { name: `a ${format} file`, remedy: '' };
    if (within === undefined) return { name: 'a gzip archive', remedy: ARCHIVE };
    return { name: `${within.name} packed with gzip`, remedy: `Unpack it first. ${within.remedy}`.trim() };
  }
  const row = ROWS.find(([, , mark]) => fits(bytes, mark));
  return row === undefined ? undefined : { name: row[0], remedy: row[1] };
}
