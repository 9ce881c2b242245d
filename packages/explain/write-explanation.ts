/** Explains a model's prediction for one image as a report. */

import { baseName, type DeviceName, option, UsageError } from 'lamella';
import { type ChannelChoice, inputPages } from 'lamella/predict';
import { type Host, modelFileOf, readImageFile, readModel } from 'lamella/workflows';
import { type ExplainOptions, explain } from './explain.ts';
import type { Explanation } from './explanation.ts';
import { renderExplanation } from './page/page.ts';

export interface WriteExplanationOptions extends Omit<ExplainOptions, 'file' | 'image'> {
  /** Where to write. */
  readonly out: string;
  readonly device?: DeviceName | 'auto';
  /** For a run: its best model (default) or its last. */
  readonly which?: 'best' | 'last';
  /** Which of several outputs of a model of another program to explain. */
  readonly output?: string;
  /** Zero-based slice of a stack. */
  readonly page?: number;
  /** Channels of the image to use, by name or by number from 0; default: as in training. */
  readonly channel?: ChannelChoice;
  /** The command that reproduces the report. */
  readonly command?: string;
}

/**
 * Explains the prediction of a run or an ONNX file for an image and writes the report.
 * @throws as `explain`, `modelFileOf` and `readImageFile`; UsageError for a slice that does not exist.
 */
export async function writeExplanation(
  host: Host,
  model: string,
  image: string,
  { out, device = 'auto', which = 'best', output, page = 0, channel, command, ...options }: WriteExplanationOptions,
): Promise<{ readonly file: string; readonly explanation: Explanation }> {
  const file = await modelFileOf(host.files, model, which);
  const read = await readImageFile(host.files, image);
  const { pages } = inputPages(read, { name: image, channel });
  const chosen = pages[page];
  if (chosen === undefined) {
    throw new UsageError(`page ${page} does not exist; the image has ${pages.length}.`, {
      file: image,
      remedy: `Use ${option('page', pages.length > 1 ? `0..${pages.length - 1}` : 0)}.`,
    });
  }
  const bytes = await readModel(host.files, file, output);
  const runtime = await host.openRuntime(device);
  try {
    const explanation = await explain(runtime, bytes, chosen, { ...options, image: read, file });
    const shown = { ...explanation, image: { ...explanation.image, name: baseName(chosen.name) } };
    const html = renderExplanation({
      explanation: shown,
      title: `Lamella explains: ${baseName(model)}`,
      createdAt: new Date().toISOString(),
      facts: [
        ['Model', file],
        ['Image', chosen.name],
        ['Pixel', `x ${explanation.at.x}, y ${explanation.at.y}`],
        ['Network input', explanation.inputShape.join(' × ')],
        ['Device', runtime.description],
      ],
      commands: [command ?? `npx lamella explain ${model} ${image} --at ${explanation.at.x},${explanation.at.y}`],
    });
    await host.files.write(out, html);
    return { file: out, explanation };
  } finally {
    await runtime.dispose();
  }
}
