import { declare } from '../declare.ts';
import { DEVICE, row, text } from '../options.ts';
import { oneNumberOf, spacingOrNull } from '../values.ts';

export const command = declare({
  description: `Predicts the held-out images of a run with its best model and writes report.html: scores, images with ground truth,
prediction and errors, curves, configuration, machine and times, in one file without external resources.`,
  positionals: [{ name: '<run>', help: 'a run folder' }],
  options: {
    out: text('-o, --out <file>', 'where to write (default: report.html in the run)'),
    folder: text('--data <folder>', 'where the data are now, if they were moved'),
    spacingMm: row('--spacing <z,y,x>', 'voxel size in mm, or y,x of a pixel, for surface distances', spacingOrNull),
    tta: row('--tta <n>', 'test-time augmentation over rotations and flips: 1 (none), 4 or 8', oneNumberOf(1, 4, 8), 1),
    device: DEVICE,
  },
  examples: ['report runs/a'],
});
