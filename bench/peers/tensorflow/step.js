/**
 * The network and step of bench/unet-step.ts in TensorFlow.js, as a script of a page in which `tf` is there.
 * By WebGL, at small sizes the fastest backend that has every gradient: WebAssembly has none of a convolution's weights.
 */
/* global tf */
globalThis.tensorflowStep = {
  async prepare({ base, size, batch, levels = 5 }) {
    await tf.setBackend('webgl');
    await tf.ready();
    const variable = (shape, scale) => tf.variable(tf.randomUniform(shape, -scale, scale));
    const conv = (c, k, side, relu = true) => {
      const weight = variable([side, side, c, k], Math.sqrt(3 / (c * side * side)) * (relu ? 1.4 : 1));
      const bias = variable([k], 0);
      return (x) => {
        const y = tf.add(tf.conv2d(x, weight, 1, 'same'), bias);
        return relu ? tf.relu(y) : y;
      };
    };
    const double = (c, k) => {
      const [first, second] = [conv(c, k, 3), conv(k, k, 3)];
      return (x) => second(first(x));
    };
    const up = (c, k) => {
      const weight = variable([2, 2, k, c], Math.sqrt(3 / c));
      const bias = variable([k], 0);
      return (x) => {
        const [n, height, width] = x.shape;
        return tf.add(tf.conv2dTranspose(x, weight, [n, 2 * height, 2 * width, k], 2, 'same'), bias);
      };
    };
    const widths = Array.from({ length: levels }, (_, level) => base << level);
    const downs = widths.map((k, level) => double(widths[level - 1] ?? 1, k));
    const steps = widths.slice(1).map((c, level) => ({
      up: up(c, widths[level]),
      decode: double(2 * widths[level], widths[level]),
    }));
    const head = conv(base, 2, 1, false);
    const x = tf.randomNormal([batch, size, size, 1]);
    const pixels = batch * size * size;
    const target = tf.cast(tf.oneHot(tf.randomUniform([pixels], 0, 2, 'int32'), 2), 'float32');
    const loss = () => {
      const skips = [];
      let y = x;
      for (const [level, down] of downs.entries()) {
        y = down(level === 0 ? y : tf.maxPool(y, 2, 2, 'same'));
        skips.push(y);
      }
      for (let level = levels - 2; level >= 0; level--) {
        y = steps[level].decode(tf.concat([skips[level], steps[level].up(y)], 3));
      }
      return tf.losses.softmaxCrossEntropy(target, tf.reshape(head(y), [pixels, 2]));
    };
    const optimizer = tf.train.momentum(0.01, 0.9);
    this.step = () => optimizer.minimize(loss, true);
    return `TensorFlow.js ${tf.version_core}, WebGL by a software driver`;
  },

  /** Milliseconds of a step, until its loss is there. */
  async run() {
    const start = performance.now();
    const loss = this.step();
    const [value] = await loss.data();
    loss.dispose();
    if (!Number.isFinite(value)) throw new Error(`The loss is ${value}.`);
    return performance.now() - start;
  },
};
