import { declare } from '../declare.ts';
import { CHECKPOINT, flag, JSON_SUMMARY, row, text } from '../options.ts';

export const command = declare({
  description: `Writes a model as a package of BioImage.IO for the programs that read these: the network as ONNX, how
an image becomes its input, tile sizes, and a test that bioimageio.core runs. What the format cannot say of a model is
printed and stands in the package's README.
With --int8 the network of a run in 8 bits, as ONNX: calibrated on training images, and judged by those held out.`,
  positionals: [{ name: '<run|model.onnx>', help: 'a run folder, or an ONNX file that Lamella wrote' }],
  options: {
    bioimageio: text(
      '--bioimageio <file.zip>',
      'where to write the package (default: bioimageio.zip beside the model)',
    ),
    name: text('--name <text>', 'name of the model: 5 to 128 letters, digits, spaces and _ + - ( )'),
    description: text('--description <text>', 'one sentence on what it segments'),
    authors: row('--authors <list>', 'names, separated by semicolons', (list) =>
      list
        .split(';')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    ),
    licence: text('--licence <id>', 'SPDX identifier of a licence, such as CC-BY-4.0'),
    cite: row('--cite <text>', 'a publication, with its DOI or address', (reference) => [reference]),
    sample: text(
      '--sample <image>',
      'an image whose middle becomes the test and is published with the package (default: made-up spots)',
    ),
    int8: flag(
      '--int8',
      'write no package but best-int8.onnx beside the model: convolutions in 8 bits, but those that change Dice by 0.002 or more',
    ),
    json: JSON_SUMMARY,
    which: CHECKPOINT,
  },
  examples: [
    'export runs/nuclei --bioimageio nuclei.zip',
    'export runs/nuclei --name "Nuclei in fluorescence" --authors "A. Person; B. Person" --licence CC-BY-4.0',
    'export runs/nuclei --int8',
  ],
});
