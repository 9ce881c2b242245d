/** What of an image is shown, before and after the page has been laid out. */

import { signal } from '@preact/signals';
import { ndarray } from 'lamella';
import type { ImageId } from 'lamella/studio';
import { expect, it } from 'vitest';
import { createDisplay } from '../src/state/display.ts';
import { fit } from '../src/viewer/transform.ts';

const imageOf = (id: string, width: number, height: number) => ({ id: id as ImageId, width, height, channels: [{}] });
const FIRST = imageOf('first', 4096, 4096);
const SECOND = imageOf('second', 20_000, 3);
const CANVAS = { width: 800, height: 600 };

function display() {
  const image = signal(FIRST);
  const engine = { plane: async () => ndarray('uint8', [1, 1]) };
  const parts = [engine, { image, page: signal(0), images: signal([FIRST, SECOND]) }, { failed: undefined }];
  const made = createDisplay(...(parts as never as Parameters<typeof createDisplay>));
  const shows = async (next: typeof FIRST): Promise<void> => {
    image.value = next;
    await expect.poll(() => made.shown.value?.image.id).toBe(next.id);
  };
  return { made, shows };
}

it('fits no image to a canvas without a size, and each one as soon as it has one', async () => {
  const { made, shows } = display();
  await shows(FIRST);
  expect(made.transform.value).toEqual({ x: 2048, y: 2048, scale: 1 });
  expect(made.visible.value).toEqual({ x: 0, y: 0, width: 4096, height: 4096 });
  await shows(SECOND);
  made.resize(CANVAS);
  expect(made.transform.value).toEqual(fit(SECOND, CANVAS));
  await shows(FIRST);
  expect(made.transform.value).toEqual(fit(FIRST, CANVAS));
});
