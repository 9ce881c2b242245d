import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { applyMapping, findMapping } from '../../src/dataset/labels/labels.ts';
import { scorerFor } from '../../src/evaluate/scorer.ts';
import { chooseMetric } from '../../src/train/validate.ts';

const HEIGHT = 12;
const WIDTH = 24;

/** Two squares of 10 x 10 pixels side by side, numbers 3 and 8. */
const values = Int32Array.from({ length: HEIGHT * WIDTH }, (_, p) => {
  const [y, x] = [Math.floor(p / WIDTH), p % WIDTH];
  return y < 1 || y > 10 || x < 2 || x > 21 ? 0 : x < 12 ? 3 : 8;
});
const page = { values, height: HEIGHT, width: WIDTH, colour: false, source: 'two.png' };
const mapping = findMapping([page], { task: 'instances' });
const label = applyMapping(page, mapping);

/** What a network that is sure of each pixel's class gives. */
function sure(classes: Uint8Array) {
  const data = new Float32Array(3 * classes.length);
  classes.forEach((k, p) => {
    data[k * classes.length + p] = 1;
  });
  return ndarray('float32', [3, HEIGHT, WIDTH], data);
}

function scoreOf(classes: Uint8Array) {
  const { metric } = chooseMetric([{ height: HEIGHT, width: WIDTH, label }], mapping);
  const scores = scorerFor(metric, ['background', 'object', 'border']);
  scores.add({
    page: { name: 'two.png', height: HEIGHT, width: WIDTH, label },
    probabilities: sure(classes),
    objects: values,
  });
  return scores.result();
}

describe('objects are scored as objects', () => {
  it('touching ones that the predicted border parts are both found', () => {
    const { score, metric, separation } = scoreOf(label);
    expect(metric).toBe('AP at IoU 0.5');
    expect(score).toBe(1);
    expect(separation?.by).toBe('border');
  });

  it('without a border between them they are one: an IoU of a half with either, so one is found and one missed', () => {
    const merged = label.map((k, p) =>
      k === 2 && p % WIDTH > 8 && p % WIDTH < 15 && p > 3 * WIDTH && p < 9 * WIDTH ? 1 : k,
    );
    expect(scoreOf(merged).score).toBe(0.5);
  });

  it('nothing predicted scores 0, and nothing there and nothing predicted 1', () => {
    expect(scoreOf(new Uint8Array(label.length)).score).toBe(0);
    const empty = new Uint8Array(label.length);
    const scores = scorerFor({ kind: 'ap' }, ['background', 'object', 'border']);
    scores.add({
      page: { name: 'empty.png', height: HEIGHT, width: WIDTH, label: empty },
      probabilities: sure(empty),
      objects: new Int32Array(empty.length),
    });
    expect(scores.result().score).toBe(1);
  });
});
