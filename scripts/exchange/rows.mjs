/**
 * What Lamella does with the models, labels and images of other programs, and the tests that show it: tables of rows, each
 * with pairs of a file and a part of the full name of a test.
 */

const packages = 'test/workflows/bioimageio-packages.test.ts';
const core = ['test/workflows/bioimageio.test.ts', 'what bioimageio.core computes'];
const written = ['test/export/bioimageio.test.ts', 'passes its own test of every package'];
const bundle = 'test/export/bioimageio.test.ts';
const upgrade = 'test/graph/upgrade.test.ts';
const gradient = 'test/graph/gradient.test.ts';
const plain = 'test/graph/plain-nodes.test.ts';
const onnx = 'test/models/onnx.test.ts';
const ends = 'test/predict/ends.test.ts';
const foreign = 'test/predict/foreign.test.ts';
const other = 'test/train/start-other.test.ts';
const start = 'test/train/start.test.ts';
const bad = 'test/dataset/bad-annotations.test.ts';
const page = 'test/docs/exchange-page.test.ts';
const names = 'test/workflows/class-names.test.ts';

/** Sections of docs/exchange.md, by the program. */
const SECTIONS = [
  ...[
    'Fiji, ImageJ',
    'QuPath',
    'napari',
    '3D Slicer',
    'OHIF, PACS',
    'ilastik',
    'CVAT, Label Studio',
    'Cellpose',
    'MONAI',
  ],
  'nnU-Net',
];
/** What names classes, as `test/workflows/class-names.test.ts` has it. */
const NAMED = [
  ...[
    'dataset.json of nnU-Net',
    'dataset.json of the Decathlon',
    'lamella.json',
    'GeoJSON of QuPath',
    'groups of ImageJ',
  ],
  ...['COCO', 'XML of CVAT', 'masks of CVAT', '.seg.nrrd of 3D Slicer', 'DICOM segmentation', 'package of BioImage.IO'],
];

/** Operations that some network or case of ONNX needs, as `test/graph/upgrade.test.ts` names them. */
const OPERATIONS = [
  ...[
    'Einsum of matrices',
    'ScatterND',
    'GatherND',
    'GatherElements',
    'TopK',
    'CumSum',
    'GridSample bilinear, zeros, corners 0',
  ],
  ...['Selu', 'Celu', 'Softsign', 'Sin', 'Cos', 'Gelu by tanh', 'ReduceL1-18', 'ReduceL2-18', 'ReduceSumSquare-18'],
  ...['LpNormalization by 2', 'MaxUnpool', 'RMSNormalization', 'Attention of two heads'],
  ...['LayerNormalization with mean and deviation', 'Resize cubic', 'Resize cubic, antialiased'],
  ...['Resize nearest, up', 'Resize nearest, halves up', 'Resize linear, symmetric', 'Resize a crop, linear'],
];

export const TABLES = {
  'BioImage.IO: packages that are written': [
    ['passes test_model of bioimageio.core, is in blocks what `predict` gives', written],
    ['normalisations as operations', written, [bundle, 'the operations are the normalisation, to rounding']],
    ['what cannot be said is said in the README', [bundle, 'what the format cannot say is said']],
    ['halo and smallest size in whole steps', [bundle, 'halos are whole steps']],
    ['names as the format takes them', [bundle, 'names as the format takes them']],
    ['the same model, the same bytes', [bundle, 'the same model gives the same bytes']],
  ],
  'BioImage.IO: packages of others': [
    ['operations of formats 0.4 and 0.5, zip and folder, to 1e-4 of bioimageio.core', core],
    ['operations that need code are refused by name', [packages, 'operations that need code, or are not known']],
    [
      'stardist_postprocessing, cellpose_flow_dynamics',
      ['test/workflows/bioimageio-objects.test.ts', 'the network is run'],
    ],
    [
      'sizes min + k * step, and the halo',
      ['test/workflows/bioimageio-sizes.test.ts', 'tiles have the sides and the halo'],
    ],
    ['channels, classes, pixel size', [packages, 'classes, channels and pixels are those of the package']],
    ['its test tensors', [packages, 'does not give its test output fails the check'], core],
    ['weights beside the ONNX file', [packages, 'weights beside the ONNX file']],
    ['training on from one', [other, 'has its normalisation and weights']],
    ['packages without ONNX', [packages, 'inspect says what is in a package that cannot be used']],
  ],
  'ONNX: how a file may be': [
    [
      'weights in a file beside it',
      [other, 'with its weights in a file beside it'],
      ['test/graph/tensor.test.ts', 'may lie in a file beside'],
    ],
    ['nodes in any order', [plain, 'are read as if each came after what it needs']],
    ['functions', [plain, 'are written out where they are called']],
    ['If with a constant condition', [plain, 'is the branch that a constant chooses']],
    ['weights in bfloat16', [plain, 'weights in bfloat16 are read as float32']],
    ['half precision', [foreign, 'half: computed as they are'], ['test/graph/float-form.test.ts', 'in the form half']],
    [
      'Q/DQ, QOperator, dynamic: predicted as they are',
      [foreign, 'qdq: computed'],
      [foreign, 'operators: computed'],
      [foreign, 'dynamic: computed'],
    ],
    [
      'Q/DQ, QOperator, dynamic: trained in float32',
      [onnx, 'quantised as qdq'],
      [onnx, 'quantised as operators'],
      [onnx, 'quantised as dynamic'],
    ],
    [
      'channels last, bytes in, labels out',
      [ends, 'channels last'],
      [ends, 'bytes'],
      [ends, 'labels that are the largest of several maps'],
    ],
    ['several outputs: never a silent guess', [ends, 'none is taken silently, and each can be chosen']],
    ['flows, distances, features are no classes', [ends, 'what is no map of classes is not taken for one']],
    [
      'sizes fixed or open',
      [foreign, 'fixed size, one channel'],
      [foreign, 'open size, three classes'],
      [onnx, 'fixed sizes are opened'],
    ],
    ['both exporters of PyTorch, opsets 11 to 20', ['test/graph/foreign.test.ts', 'gives what PyTorch gives']],
    ['older and more general forms of operations', [upgrade, 'means what ONNX Runtime takes it for']],
    ['what is unknown is named', [upgrade, 'what is not known is named']],
    [
      'damaged files',
      ['test/graph/onnx.test.ts', 'cut off anywhere'],
      ['test/graph/onnx.test.ts', 'with damaged bytes'],
    ],
    ['tiles through reshapes', ['test/graph/analysis/tile-rule.test.ts', 'sees through layouts and joints']],
    ['halos larger than the image', ['test/predict/tile-plan.test.ts', 'whose strides leave no step']],
    [
      'volumes',
      ['test/predict/volume.test.ts', 'gives what PyTorch gives'],
      ['test/predict/volume.test.ts', 'tile rule along three axes'],
    ],
    ['explained with all checks', ['test/explain/explain.test.ts', 'with gradient they are explained as ours']],
    ['compared', ['test/workflows/compare.test.ts', 'beside a run, and by themselves']],
  ],
  'ONNX: operations that were missing': [
    [
      'depthwise and grouped convolutions',
      [gradient, 'Conv depthwise: finite differences'],
      [gradient, 'Conv grouped, strided: finite differences'],
    ],
    ...OPERATIONS.map((name) => [name, [upgrade, `${name} means`], [upgrade, `${name} has the derivative`]]),
    [
      'LayerNormalization, GroupNormalization',
      [upgrade, 'LayerNormalization means'],
      [upgrade, 'GroupNormalization means'],
    ],
  ],
  'Fine-tuning: `train --from`': [
    ['sizes are opened', [onnx, 'fixed sizes are opened where nothing depends on them']],
    [
      'channels and classes: kept, new first and last layers',
      [other, 'other classes and channels replace'],
      [onnx, 'takes other numbers of channels and classes'],
    ],
    [
      'normalisation: of the package, stated, or said',
      [other, 'the normalisation that is stated'],
      [other, 'begins with its weights, says what it assumes'],
    ],
    ['final activation', [onnx, 'logits, to which an activation is appended'], [onnx, 'a sigmoid of one map stays']],
    ['the output that fits', [onnx, 'of several outputs the only map of full size']],
    [
      'what is a parameter',
      [onnx, 'the mean and the deviation of colours are no parameters'],
      [onnx, 'has the parameters that PyTorch has'],
    ],
    ['tensors that are shared by accident', ['test/graph/edit.test.ts', 'become one each']],
    ['freezing, by name and without', [other, 'frozen layers, by name and as the encoder']],
    [
      'batch normalisation',
      [onnx, 'with batch normalisation fixed'],
      [onnx, 'with batch normalisation train'],
      [other, 'running statistics follow the batches'],
    ],
    [
      'the last layer: rows of classes by name, new ones zeros',
      [start, 'with one class more keeps the rows'],
      [start, 'with the same classes in another order'],
      [start, 'gives those that it does not know the places that are left'],
      [onnx, 'are along the axis of its outputs'],
      [other, 'keeps the rows of the classes that it names'],
      ['test/train/session.test.ts', 'one class more than the model'],
    ],
    [
      'the last layer: drawn anew, or alone trained',
      [start, 'is drawn anew where that is asked for'],
      [start, 'alone is trained where all others are frozen'],
      [other, 'is drawn anew, or alone trained'],
    ],
    ['rates per part', [start, 'whose rate can be its own'], [start, 'has the rate of new layers']],
    ['warm-up', [start, 'warms up as any other run']],
    ['zero steps give the same bits; opset, sizes, names stay', [onnx, 'is written as it was']],
    ['repeated and resumed, the same bits', [other, 'repeated, or resumed'], [start, 'with rows of classes']],
    ['what cannot be trained', [other, 'what cannot be trained is refused']],
  ],
  'Labels and images of other programs': [
    ['Fiji: TIFF of ImageJ', ['test/image/imagej-files.test.ts', 'TIFF that ImageJ wrote']],
    ['Fiji: ROI and ROI zip, in', ['test/dataset/shapes.test.ts', 'regions of interest of ImageJ']],
    ['Fiji: ROI zip, out', ['test/export/read-back.test.ts', 'ImageJ fills each ROI']],
    ['QuPath: GeoJSON, in', ['test/dataset/shapes.test.ts', 'polygons of QuPath']],
    ['QuPath: GeoJSON, out', ['test/export/read-back.test.ts', 'geojson']],
    ['napari: shapes', ['test/dataset/contours.test.ts', 'the labels that napari makes of them']],
    ['Cellpose: `_seg.npy`', ['test/dataset/cellpose.test.ts', 'masks']],
    [
      'nnU-Net: channels, classes, ignore',
      ['test/dataset/nnunet.test.ts', 'has its channels stacked with their names'],
    ],
    [
      'nnU-Net: regions, trained together, predicted in their order',
      ['test/dataset/nnunet.test.ts', 'has a class for each value of its regions'],
      ['test/train/regions.test.ts', 'is trained on its regions'],
      ['test/train/regions.test.ts', 'the last region that is more probable than not'],
    ],
    ['nnU-Net: out, with regions', ['test/workflows/convert-nnunet.test.ts', 'keeps them: names, values']],
    [
      'Decathlon: channels along the fourth axis',
      ['test/dataset/nnunet.test.ts', 'are channels where dataset.json names as many'],
    ],
    ['3D Slicer: `.seg.nrrd`, in', ['test/dataset/seg-nrrd.test.ts', 'every voxel, by the names of segments']],
    [
      '3D Slicer: `.seg.nrrd`, out',
      ['test/workflows/convert-labels.test.ts', 'axial.seg.nrrd: every voxel'],
      ['test/workflows/convert-labels.test.ts', 'many.seg.nrrd: every object'],
    ],
    ['highdicom: DICOM SEG, in', ['test/dataset/segments.test.ts', 'every pixel, by the names of segments']],
    [
      'DICOM SEG, out: highdicom',
      ['test/workflows/convert-labels.test.ts', 'axial.dcm: every voxel'],
      ['test/workflows/convert-labels.test.ts', 'many.dcm: every object'],
    ],
    [
      'DICOM SEG, out: dcmjs',
      ['test/workflows/segments-dcmjs.test.ts', 'binary: every voxel'],
      ['test/workflows/segments-dcmjs.test.ts', 'label map, many'],
    ],
    ['RTSTRUCT', ['test/dataset/contours.test.ts', 'every pixel, holes and keyholes included']],
    [
      'ilastik: HDF5 and projects, in',
      ['test/dataset/ilastik.test.ts', 'every value, by its axes'],
      ['test/dataset/ilastik.test.ts', 'has the labels that were painted'],
    ],
    [
      'ilastik: HDF5, out',
      ['test/image/written-hdf5.test.ts', 'every value and axis, by h5py'],
      ['test/workflows/predict-hdf5.test.ts', 'by h5py'],
    ],
    [
      'OME-Zarr, in',
      ['test/image/zarr-peers.test.ts', 'stores of zarr-python'],
      ['test/dataset/zarr-stores.test.ts', 'labels of OME-Zarr'],
    ],
    ['OME-Zarr, out', ['test/image/written-stores.test.ts', 'have the values that zarr-python reads']],
    ['COCO, in', ['test/dataset/coco.test.ts', 'every pixel of every annotation']],
    ['COCO, out', ['test/export/read-back.test.ts', 'coco']],
    [
      'CVAT: masks and XML',
      ['test/dataset/cvat.test.ts', 'masks every pixel of every class'],
      ['test/dataset/cvat.test.ts', 'XML every pixel of every class'],
    ],
    ['JPEG', ['test/image/jpeg-files.test.ts', 'JPEG of Pillow']],
  ],
  'Other programs, both ways: the commands of docs/exchange.md': [
    ['all are run, as they stand there', [page, 'every command of the page is run']],
    ['of any program to a model, and back', [page, 'exchange.md Other programs']],
    ...SECTIONS.map((section) => [section, [page, `exchange.md ${section}, files of`]]),
  ],
  'Names of classes: from labels to a model, and on': [
    ...NAMED.map((source) => [source, [names, `from labels to a model and what it finds ${source}`]]),
    ['project of ilastik', [names, 'a project of ilastik']],
    [
      'out: tables, GeoJSON, COCO',
      [names, 'tables have a column'],
      ['test/workflows/measure-classes.test.ts', 'of one class'],
    ],
    ['out: DICOM SEG, `.seg.nrrd`', [names, 'dicom-seg'], [names, 'seg-nrrd']],
    ['out: packages, and in again', [names, 'a package, and what is predicted']],
  ],
  'Bad input': [
    ['packages that are cut off, or lie', [packages, 'a zip that is cut off'], [packages, 'whose lengths are lies']],
    ['a checksum that is wrong', [packages, 'another file than the description means']],
    ['names that lead out of a package', [packages, 'names that lead out of the package']],
    ['YAML whose anchors explode', [packages, 'YAML whose anchors grow']],
    ['external data outside of the folder', ['test/graph/tensor.test.ts', 'never lie at']],
    ['a pickle with a call', ['test/dataset/cellpose.test.ts', 'refused']],
    ['segments without their series', ['test/dataset/segments.test.ts', 'of a series that is not here are no labels']],
    ['shapes on top of each other', [bad, 'on top of each other']],
    ['shapes outside of their image', [bad, 'outside of its image']],
    ['no shapes', [bad, 'empty']],
    ['class names that differ in case', [bad, 'class names that differ in case alone']],
  ],
};
