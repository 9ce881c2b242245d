import { LABEL_KINDS } from '../../dataset/labels/label-kind.ts';
import { SCORE_WORDS } from '../../metrics/scores.ts';
import { METRIC_GROUPS } from '../../workflows/choices.ts';
import { declare } from '../declare.ts';
import { flag, JSON_ONLY, levelOf, row } from '../options.ts';
import { bytes, classList, integerList, number, oneOf } from '../values.ts';

const METRICS = ['auto', ...METRIC_GROUPS, 'topk'] as const;
type Metric = (typeof METRICS)[number];

/** `Dice,AP` to the groups that hold them. */
function metrics(list: string): readonly Metric[] {
  const groups: Readonly<Record<string, readonly Metric[]>> = {
    ...Object.fromEntries(METRICS.map((name) => [name, [name]])),
    ...SCORE_WORDS,
  };
  const one = oneOf(...Object.keys(groups));
  const plain = (word: string) => word.trim().toLowerCase().replace(/[-_ ]/g, '');
  return [...new Set(list.split(',').flatMap((word) => groups[one(plain(word))] ?? []))];
}

export const command = declare({
  description: `Scores predictions against ground truth, matching files by name. isbi: pixel, Rand and warping error, V-Rand and
V-Info of probability maps, slice by slice as the ISBI 2012 challenge scores them. overlap: Dice, IoU, precision and
recall per class. instances: average precision and panoptic quality of objects. surface: HD95 and ASSD per class. topk:
top-1 and top-5 accuracy of image classifiers on the test images of a data set. auto: as the files suggest. Volumes are
scored in 3D.`,
  positionals: [
    { name: '<predictions>', help: 'a file or folder, such as the output of predict; for topk a run' },
    {
      name: '<truth...>',
      help: 'a file or folder of labels, or a data set; for topk, preceded by more runs to average',
    },
  ],
  options: {
    metrics: row(
      '--metrics <list>',
      `${METRICS.join(', ')}, or single scores, which print their group: ${Object.keys(SCORE_WORDS).join(', ')}`,
      metrics,
      ['auto'],
      'auto',
    ),
    as: row(
      '--as <kind>',
      'what label values mean: objects (one per value) or classes (default: inferred from all files)',
      oneOf(...LABEL_KINDS),
    ),
    slices: flag('--slices', 'score volumes slice by slice, not in 3D'),
    level: levelOf(
      'which resolution of ground truth with several to use (default: what was predicted, or 0, the full one)',
    ),
    classes: row('--classes <list>', 'class of each ground-truth value: membrane=0,inside=255', classList),
    ignore: row('--ignore <values>', 'values of the ground truth to ignore', integerList),
    threshold: row(
      '--threshold <p>',
      'probability above which a pixel is foreground; for probability maps, not for isbi (default: 0.5)',
      number({ least: 0, most: 1 }),
    ),
    memory: row(
      '--memory <size>',
      'memory that the program may take, such as 600MB: larger label maps in TIFF and OME-Zarr are scored by region (default: half of what is free)',
      bytes,
    ),
    skipBad: flag('--skip-bad', 'topk: skip unreadable images'),
    json: JSON_ONLY,
  },
  examples: [
    'evaluate ./pred ./truth --metrics isbi',
    'evaluate runs/mnist-1 ./mnist --metrics topk',
    'evaluate ./pred ./data --json > scores.json',
  ],
});
