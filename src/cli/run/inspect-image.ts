import { describeImage, formatDescription } from '../../image/describe.ts';
import { withSpacingMm } from '../../image/geometry.ts';
import type { Image } from '../../image/image.ts';
import type { InspectFlags } from '../commands/inspect.ts';

/** What an image is, with a picture of it: into a file where one is named, on a terminal else. */
export async function inspectImage(
  read: Image,
  { spacing, picture, json = false }: InspectFlags,
): Promise<{ readonly describe: unknown; readonly text: string }> {
  const image = spacing === undefined ? read : withSpacingMm(read, spacing);
  const description = describeImage(image);
  const { NO_COLOR } = process.env;
  const lines = [formatDescription(description)];
  if (picture !== undefined) {
    const [{ overviewPicture }, { writePng }, { atomicWrite }] = await Promise.all([
      import('../../image/overview.ts'),
      import('../../image/formats/png/write.ts'),
      import('../../platform/node/atomic-write.ts'),
    ]);
    await atomicWrite(picture, writePng(overviewPicture(image)));
    lines.push(`  picture: ${picture}`);
  } else if (!json && process.stdout.isTTY && NO_COLOR === undefined && image.palette === undefined) {
    const [{ overviewPicture }, { terminalPicture }] = await Promise.all([
      import('../../image/overview.ts'),
      import('../terminal-picture.ts'),
    ]);
    const sidePx = Math.min(96, process.stdout.columns - 2);
    lines.push(terminalPicture(overviewPicture(image, { sidePx, fitWidth: true })));
  }
  return {
    describe: { kind: 'image', ...description, ...(picture === undefined ? {} : { picture }) },
    text: lines.join('\n'),
  };
}
