import { declare } from '../declare.ts';
import { CHECKPOINT, DEVICE, flag, JSON_SUMMARY, row, text } from '../options.ts';
import { integer, integerList, oneNumberOf } from '../values.ts';

export const command = declare({
  description: `Suggests which windows of images to annotate next: those where a model is most uncertain, less those that are annotated
already, at most three in a row from one image. Every tenth is drawn at random; once those are annotated, calling it
again with --labels estimates the accuracy of the model that made the suggestions. Writes a page with pictures and a list.`,
  positionals: [
    { name: '<run|model.onnx>', help: 'a run folder or an ONNX file' },
    { name: '<images>', help: 'an image, a volume, or a folder' },
  ],
  options: {
    labels: text('--labels <path>', 'what is annotated so far: label maps with the names of the images'),
    ignore: row(
      '--ignore <values>',
      'label values that mean not annotated, besides those of the training',
      integerList,
    ),
    objects: flag('--objects', 'list objects too: the most uncertain, and those unlike the others'),
    limit: row('--limit <n>', 'number of places', integer(1, 1000), 20),
    side: row('--side <px>', 'side of the windows', integer(8, 4096), 128),
    seed: row(
      '--seed <n>',
      'random seed of every tenth place; another one draws other places',
      integer(0, 0xffffffff),
      0,
    ),
    tta: row('--tta <n>', 'average over rotations and flips: 1 (none), 4 or 8', oneNumberOf(1, 4, 8), 1),
    out: text('-o, --out <folder>', 'where to write (default: suggest in the run, or beside the model)'),
    device: DEVICE,
    json: JSON_SUMMARY,
    which: CHECKPOINT,
  },
  examples: ['suggest runs/a ./images', 'suggest runs/a ./data/image --labels ./data/label --ignore 255 --json'],
});
