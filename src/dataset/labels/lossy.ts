/** Labels that were compressed with loss. */

import { DatasetError } from '../../errors.ts';
import { type Image, sizes } from '../../image/image.ts';

/** JPEG changes levels by less than this, but for few pixels at edges. */
const NEAR = 48;
const FEW = 0.05;

/**
 * The mask, 0 or 255, that was saved as JPEG, whose compression leaves levels between at edges. Anything else is refused:
 * class and object numbers, and colours, would come back as others.
 * @throws DatasetError unless nearly all levels are near black or white
 */
export function requireMask(image: Image): Image {
  const { data } = image;
  const { channels, height, width } = sizes(image);
  const mask = new Uint8Array(data.length);
  let between = 0;
  let [whites, blemishes] = [0, 0];
  for (let p = 0; p < data.length; p++) {
    const value = Number(data[p]);
    if (value >= 128) mask[p] = 255;
    if (value > 255 - NEAR) whites++;
    else if (value >= NEAR) between++;
    else if (value > 0) blemishes++;
  }
  const plane = height * width;
  const isGrey = channels === 1 || mask.every((level, p) => level === mask[p % plane]);
  // Without white, faint levels may as well be class numbers.
  if (isGrey && between <= FEW * data.length && (whites > 0 || blemishes === 0)) return { ...image, data: mask };
  throw new DatasetError(
    'the labels are a JPEG, which does not keep values: classes and objects come back as others.',
    {
      file: image.source,
      remedy: 'Save the labels as PNG or TIFF. Only a black and white mask may be a JPEG.',
    },
  );
}
