/** Where the pointer is on the image, or the crosshair that the arrow keys move. */

import { effect, signal } from '@preact/signals';
import type { Held } from '../tools/tool.ts';
import type { Point } from '../viewer/transform.ts';
import type { Display } from './display.ts';
import type { Painting } from './painting.ts';

export type PointerState = ReturnType<typeof createPointer>;

export function createPointer(display: Display, painting: Painting) {
  /** In image pixels. */
  const at = signal<Point | undefined>(undefined);
  /** The position is the crosshair's. */
  const fromKeys = signal(false);
  const alt = signal(false);
  const panning = signal(false);

  const middle = (): Point => ({
    x: Math.floor(display.transform.value.x) + 0.5,
    y: Math.floor(display.transform.value.y) + 0.5,
  });

  // The crosshair is where attention is drawn to.
  effect(() => {
    const box = display.flash.value;
    if (box === undefined || !fromKeys.peek()) return;
    at.value = { x: Math.floor(box.x + box.width / 2) + 0.5, y: Math.floor(box.y + box.height / 2) + 0.5 };
  });

  return {
    at,
    fromKeys,
    alt,
    panning,
    /** Moves the crosshair by image pixels; it is in the middle of the canvas at first. */
    moveBy(dx: number, dy: number): void {
      const image = display.shown.value?.image;
      if (image === undefined) return;
      const from = (fromKeys.value ? at.value : undefined) ?? middle();
      const next = {
        x: Math.min(image.width - 0.5, Math.max(0.5, Math.floor(from.x) + 0.5 + dx)),
        y: Math.min(image.height - 0.5, Math.max(0.5, Math.floor(from.y) + 0.5 + dy)),
      };
      fromKeys.value = true;
      at.value = next;
      painting.move([next], { alt: alt.value, shift: false });
      painting.hover(next);
      display.reveal(next);
    },
    press(held: Held): void {
      const from = (fromKeys.value ? at.value : undefined) ?? middle();
      fromKeys.value = true;
      at.value = from;
      alt.value = held.alt;
      painting.down(from, held);
    },
    release(): void {
      painting.up();
    },
  };
}
