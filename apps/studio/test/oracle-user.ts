/**
 * A user who knows the truth: annotates with the real pointer and real keys along the borders of true objects, and judges
 * what the page shows. The truth is looked at only where something is painted or judged.
 */

import { ndarray } from 'lamella';
import { toPolygons } from 'lamella/objects';
import type { Page } from 'playwright-core';

type Point = readonly [x: number, y: number];
/** x, y, width, height in pixels of the image. */
type Box = readonly [number, number, number, number];

/** True objects of an image, row by row; 0 is background. */
export interface Truth {
  readonly width: number;
  readonly height: number;
  readonly data: Int32Array;
}

/** How far outlines may be from the true ones: a hand is no better. */
const HAND_PX = 0.6;
/** Length and width of a stroke on the background. */
const STROKE_PX = 40;
const BRUSH_PX = 4;
/** A place is right if so much of it is, and each object is found as one. */
const RIGHT_DICE = 0.9;
/** Specks of a prediction that nobody corrects. */
const SPECK_PX = 12;

/** What is wrong in a window: true objects to paint, and points of what is none. */
interface Faults {
  readonly objects: readonly number[];
  readonly spurious: readonly Point[];
  readonly dice: number;
}

export class OracleUser {
  readonly #page: Page;
  /** By the names of images. */
  readonly #truth: ReadonlyMap<string, Truth>;
  readonly #outlines = new Map<string, ReadonlyMap<number, readonly Point[]>>();
  readonly #painted = new Map<string, Set<number>>();
  #image = '';
  /** Drags of the pointer so far. */
  strokes = 0;

  constructor(page: Page, truth: ReadonlyMap<string, Truth>) {
    this.#page = page;
    this.#truth = truth;
  }

  /** Chooses an image in the list, and sees the whole of it. */
  async open(image: string): Promise<void> {
    await this.#page.locator('.images button', { hasText: image }).first().click();
    await this.#page.waitForFunction((name) => studio.display.shown.value?.image.name === name, image);
    await this.#page.waitForFunction(() => studio.annotation.layer.value !== undefined);
    await this.#page.keyboard.press('f');
    this.#image = image;
  }

  /** The image that a place of Check has brought. */
  lookAt(image: string): void {
    this.#image = image;
  }

  /** One drag of the pointer, as fast as a hand that is not watched. */
  async drag(points: readonly Point[]): Promise<void> {
    const { mouse } = this.#page;
    const [from, to] = await this.#page.evaluate(() => {
      const { x, y, scale } = studio.display.transform.value;
      const box = (document.querySelector('.canvas canvas') as HTMLElement).getBoundingClientRect();
      const pixel = scale / devicePixelRatio;
      return [{ x: box.left + box.width / 2 - x * pixel, y: box.top + box.height / 2 - y * pixel }, pixel] as const;
    });
    const track = points.map(([x, y]) => ({ x: from.x + x * to, y: from.y + y * to }));
    await mouse.move(track[0].x, track[0].y);
    await mouse.down();
    await Promise.all(track.slice(1).map(({ x, y }) => mouse.move(x, y)));
    await mouse.up();
    this.strokes++;
  }

  /** Goes round an object with the lasso. */
  async outline(label: number): Promise<void> {
    const points = this.#outlinesOf(this.#image).get(label);
    if (points === undefined) throw new Error(`${this.#image} has no object ${label}`);
    await this.#page.keyboard.press('2');
    await this.#page.keyboard.press('p');
    await this.drag([...points, points[0]]);
    this.#paintedOf(this.#image).add(label);
  }

  /** A stroke in a box where nothing is. @returns false if there is no such place */
  async background([x, y, width, height]: Box): Promise<boolean> {
    for (let row = y + BRUSH_PX; row < y + height - BRUSH_PX; row += BRUSH_PX) {
      for (let left = x + BRUSH_PX; left + STROKE_PX < x + width - BRUSH_PX; left += BRUSH_PX) {
        if (this.#hasObject([left - BRUSH_PX, row - BRUSH_PX, STROKE_PX + 2 * BRUSH_PX, 2 * BRUSH_PX])) continue;
        await this.#brushBackground([
          [left, row],
          [left + STROKE_PX / 2, row],
          [left + STROKE_PX, row],
        ]);
        return true;
      }
    }
    return false;
  }

  /** Every object that a box touches, then the box as a region: all that is left in it is background. */
  async completeRegion(box: Box): Promise<void> {
    for (const label of this.#objectsIn(box)) if (!this.#paintedOf(this.#image).has(label)) await this.outline(label);
    const [x, y, width, height] = box;
    await this.#page.keyboard.press('r');
    await this.drag([
      [x + 0.2, y + 0.2],
      [x + width / 2, y + height / 2],
      [x + width - 0.2, y + height - 0.2],
    ]);
  }

  /** Judges what the preview shows in the place that Check has come to: accepts it, or paints what is wrong. */
  async judge(box: Box, predicted: Uint8Array, mostStrokes: number): Promise<'accepted' | 'corrected' | 'skipped'> {
    const { objects, spurious, dice } = this.#faultsIn(box, predicted);
    if (objects.length + spurious.length === 0 && dice >= RIGHT_DICE) {
      await this.#page.keyboard.press('a');
      return 'accepted';
    }
    const before = this.strokes;
    for (const label of objects) if (this.strokes - before < mostStrokes) await this.outline(label);
    for (const [x, y] of spurious) {
      if (this.strokes - before < mostStrokes)
        await this.#brushBackground([
          [x, y],
          [x + 1, y],
        ]);
    }
    const verdict = this.strokes > before ? 'corrected' : 'skipped';
    await this.#page.keyboard.press(verdict === 'corrected' ? 'c' : 's');
    return verdict;
  }

  async #brushBackground(points: readonly Point[]): Promise<void> {
    const { keyboard } = this.#page;
    await keyboard.press('1');
    await keyboard.press('b');
    for (let size = await this.#brushSize(); size > BRUSH_PX; size = await this.#brushSize()) await keyboard.press('[');
    await this.drag(points);
  }

  #brushSize = (): Promise<number> => this.#page.evaluate(() => studio.painting.size.value);

  #faultsIn([left, top, width]: Box, predicted: Uint8Array): Faults {
    const truth = this.#truthOf(this.#image);
    const sizes = new Map<number, { all: number; found: number }>();
    /** Of each connected part of the prediction: its pixels, and how many of them are of which object. */
    const parts: { pixels: number[]; of: Map<number, number> }[] = [];
    const seen = new Uint8Array(predicted.length);
    let [both, sum] = [0, 0];
    const trueAt = (p: number): number => truth.data[(top + Math.floor(p / width)) * truth.width + left + (p % width)];
    for (let start = 0; start < predicted.length; start++) {
      const label = trueAt(start);
      const isFound = predicted[start] > 0;
      if (label > 0) {
        const size = sizes.get(label) ?? { all: 0, found: 0 };
        sizes.set(label, { all: size.all + 1, found: size.found + Number(isFound) });
      }
      both += Number(label > 0 && isFound);
      sum += Number(label > 0) + Number(isFound);
      if (!isFound || seen[start] === 1) continue;
      const part = { pixels: [start], of: new Map<number, number>() };
      seen[start] = 1;
      for (let i = 0; i < part.pixels.length; i++) {
        const p = part.pixels[i];
        part.of.set(trueAt(p), (part.of.get(trueAt(p)) ?? 0) + 1);
        const x = p % width;
        for (const next of [x > 0 ? p - 1 : -1, x + 1 < width ? p + 1 : -1, p - width, p + width]) {
          if (next < 0 || next >= predicted.length || predicted[next] === 0 || seen[next] === 1) continue;
          seen[next] = 1;
          part.pixels.push(next);
        }
      }
      if (part.pixels.length >= SPECK_PX) parts.push(part);
    }
    const wrong = new Set<number>();
    for (const [label, { all, found }] of sizes) if (all >= SPECK_PX && found < all / 2) wrong.add(label);
    for (const { of } of parts) {
      const covered = [...of].filter(([label, n]) => label > 0 && n > (sizes.get(label)?.all ?? 0) / 2);
      if (covered.length > 1) for (const [label] of covered) wrong.add(label);
    }
    const spurious = parts.filter(({ of, pixels }) => (of.get(0) ?? 0) > 0.8 * pixels.length);
    return {
      objects: [...wrong].filter((label) => !this.#paintedOf(this.#image).has(label)),
      spurious: spurious.flatMap(({ pixels }): Point[] => {
        const p = pixels.filter((at) => trueAt(at) === 0)[Math.floor(pixels.length / 3)];
        return p === undefined ? [] : [[left + (p % width) + 0.5, top + Math.floor(p / width) + 0.5]];
      }),
      dice: sum === 0 ? 1 : (2 * both) / sum,
    };
  }

  #objectsIn([left, top, width, height]: Box): readonly number[] {
    const { data, width: stride } = this.#truthOf(this.#image);
    const found = new Set<number>();
    for (let y = top; y < top + height; y++) for (let x = left; x < left + width; x++) found.add(data[y * stride + x]);
    return [...found].filter((label) => label > 0);
  }

  #hasObject = (box: Box): boolean => this.#objectsIn(box).length > 0;

  #truthOf(image: string): Truth {
    const truth = this.#truth.get(image);
    if (truth === undefined) throw new Error(`nobody knows the truth of ${image}`);
    return truth;
  }

  #paintedOf(image: string): Set<number> {
    const painted = this.#painted.get(image) ?? new Set();
    this.#painted.set(image, painted);
    return painted;
  }

  /** The outline of each object, of its largest piece. */
  #outlinesOf(image: string): ReadonlyMap<number, readonly Point[]> {
    const known = this.#outlines.get(image);
    if (known !== undefined) return known;
    const { data, width, height } = this.#truthOf(image);
    const outlines = toPolygons(ndarray('int32', [height, width], data), { simplifyPx: HAND_PX });
    const found = new Map(
      outlines.map(({ label, polygons }) => {
        const [{ exterior }] = [...polygons].sort((a, b) => b.exterior.length - a.exterior.length);
        const points = Array.from(
          { length: exterior.length / 2 },
          (_, i): Point => [exterior[2 * i], exterior[2 * i + 1]],
        );
        return [label, points] as const;
      }),
    );
    this.#outlines.set(image, found);
    return found;
  }
}
