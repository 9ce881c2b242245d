/** How the page on the screen is shown: where, in which contrast, with which annotation over it. */

import { batch, computed, effect, signal } from '@preact/signals';
import type { Engine, ImageInfo, Plane, Rect } from 'lamella/studio';
import type { ShownChannel } from '../viewer/image-layer.ts';
import type { PreviewMode } from '../viewer/preview-layer.ts';
import { createPyramid, type Pyramid } from '../viewer/pyramid.ts';
import { fit, type Point, panBy, type Size, type Transform, visiblePart, zoomAt } from '../viewer/transform.ts';
import type { Messages } from './messages.ts';
import type { OpenProject } from './project.ts';

export interface Contrast {
  readonly window: readonly [low: number, high: number];
  readonly gamma: number;
  readonly visible: boolean;
  readonly colour: ShownChannel['colour'];
}

const FLASH_MS = 1500;
/** What is looked at is shown with at least so many pixels around it, and so much larger at most. */
const SMALLEST_LOOK_PX = 48;
const MOST_LOOK_SCALE = 8;

const CHANNEL_COLOURS: readonly ShownChannel['colour'][] = [
  [1, 1, 1],
  [0, 1, 0],
  [1, 0, 1],
  [0, 1, 1],
  [1, 0.6, 0],
  [0.4, 0.5, 1],
];

const PRIMARY: readonly ShownChannel['colour'][] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/** The colour in which a channel is added to the others: white for the only one. */
export const channelColour = ({ colour, channels }: ImageInfo, index: number): ShownChannel['colour'] =>
  colour && index < 3 ? PRIMARY[index] : CHANNEL_COLOURS[channels.length === 1 ? 0 : 1 + (index % 5)];

export interface ShownPage {
  readonly image: ImageInfo;
  readonly page: number;
  readonly planes: readonly Plane[];
  readonly pyramids: readonly Pyramid[];
}

export type Display = ReturnType<typeof createDisplay>;

export function createDisplay(engine: Engine, project: OpenProject, messages: Messages) {
  /** Without a size until the page is laid out. */
  const canvas = signal<Size>({ width: 0, height: 0 });
  const transform = signal<Transform>({ x: 0, y: 0, scale: 1 });
  const shown = signal<ShownPage | undefined>(undefined);
  const contrasts = signal<ReadonlyMap<string, readonly Contrast[]>>(new Map());
  /** The transform of each image when it was left. */
  const left = new Map<string, Transform>();

  const contrast = computed((): readonly Contrast[] => {
    const image = shown.value?.image;
    if (image === undefined) return [];
    return (
      contrasts.value.get(image.id) ??
      image.channels.map(({ window }, i) => ({ window, gamma: 1, visible: true, colour: channelColour(image, i) }))
    );
  });

  const channels = computed((): readonly ShownChannel[] => {
    const page = shown.value;
    if (page === undefined) return [];
    return contrast.value.flatMap(({ visible, ...shownAs }, i) =>
      visible ? [{ pyramid: page.pyramids[i], ...shownAs }] : [],
    );
  });

  let wanted = 0;
  const load = async (image: ImageInfo, page: number): Promise<void> => {
    const mine = ++wanted;
    const planes = await Promise.all(image.channels.map((_, channel) => engine.plane(image.id, page, channel)));
    if (mine !== wanted) return;
    const before = shown.peek()?.image;
    batch(() => {
      if (before?.id !== image.id) {
        if (before !== undefined && canvas.peek().width > 0) left.set(before.id, transform.peek());
        transform.value = left.get(image.id) ?? fit(image, canvas.peek());
      }
      shown.value = { image, page, planes, pyramids: planes.map(createPyramid) };
    });
  };
  effect(() => {
    const [image, page] = [project.image.value, project.page.value];
    if (image !== undefined) void load(image, page).catch(messages.failed);
    else {
      wanted++;
      shown.value = undefined;
    }
  });

  /** A part of the image that attention is drawn to. */
  const flash = signal<Rect | undefined>(undefined);
  let flashTimer: ReturnType<typeof setTimeout> | undefined;

  const centre = (): Point => ({ x: canvas.value.width / 2, y: canvas.value.height / 2 });
  const zoom = (at: Point, factor: number): void => {
    const image = shown.value?.image;
    if (image !== undefined) transform.value = zoomAt(at, factor, transform.value, canvas.value, image);
  };

  return {
    canvas,
    /** The canvas has another size; an image that filled it fills it again. */
    resize(size: Size): void {
      const image = shown.value?.image;
      const before = image && fit(image, canvas.value);
      const isFitted =
        before?.scale === transform.value.scale && before.x === transform.value.x && before.y === transform.value.y;
      batch(() => {
        canvas.value = size;
        if (image !== undefined && isFitted) transform.value = fit(image, size);
      });
    },
    transform,
    shown,
    contrast,
    channels,
    /** Annotation on the screen, or only the image. */
    annotationShown: signal(true),
    opacity: signal(0.45),
    outlines: signal(true),
    /** What of a model's answer is drawn. */
    previewMode: signal<PreviewMode>('result'),
    previewShown: signal(true),
    seed: signal(0),
    /** The part of the image that is on the screen; all of it while the canvas has no size. */
    visible: computed(() => {
      const image = shown.value?.image;
      if (image === undefined) return undefined;
      const { width, height } = image;
      return canvas.value.width > 0 ? visiblePart(transform.value, canvas.value, image) : { x: 0, y: 0, width, height };
    }),
    zoom,
    zoomBy: (factor: number): void => zoom(centre(), factor),
    pan(dx: number, dy: number): void {
      const image = shown.value?.image;
      if (image !== undefined) transform.value = panBy(dx, dy, transform.value, image);
    },
    fit(): void {
      const image = shown.value?.image;
      if (image !== undefined) transform.value = fit(image, canvas.value);
    },
    /** Moves the image so far that a point is on the screen. */
    reveal({ x, y }: Point): void {
      const part = visiblePart(transform.value, canvas.value, { width: Infinity, height: Infinity });
      const over = (at: number, from: number, length: number): number =>
        Math.max(at - from - length + 1, 0) + Math.min(at - from, 0);
      const { scale } = transform.value;
      this.pan(-over(x, part.x, part.width) * scale, -over(y, part.y, part.height) * scale);
    },
    flash,
    /** Goes to a part of an image, or to all of it, and draws attention to the part for a moment. */
    lookAt(image: string, box: Rect): void {
      const size = canvas.value;
      const around = Math.max(box.width, box.height, SMALLEST_LOOK_PX);
      const scale = Math.min(MOST_LOOK_SCALE, (0.5 * Math.min(size.width, size.height)) / around);
      const whole = project.images.value.find(({ id }) => id === image);
      const fitted = whole && fit(whole, size);
      const next: Transform =
        fitted && fitted.scale > scale ? fitted : { x: box.x + box.width / 2, y: box.y + box.height / 2, scale };
      if (shown.value?.image.id === image) transform.value = next;
      else left.set(image, next);
      flash.value = box;
      clearTimeout(flashTimer);
      flashTimer = setTimeout(() => {
        flash.value = undefined;
      }, FLASH_MS);
    },
    /** One image pixel as so many pixels of the screen. */
    scaleTo(scale: number): void {
      zoom(centre(), scale / transform.value.scale);
    },
    setContrast(channel: number, value: Partial<Contrast>): void {
      const image = shown.value?.image;
      if (image === undefined) return;
      const next = contrast.value.map((item, i) => (i === channel ? { ...item, ...value } : item));
      contrasts.value = new Map(contrasts.value).set(image.id, next);
    },
    /** The value of each channel at an image point. */
    valuesAt({ x, y }: Point): readonly number[] {
      const page = shown.value;
      const [column, row] = [Math.floor(x), Math.floor(y)];
      if (page === undefined || column < 0 || row < 0 || column >= page.image.width || row >= page.image.height) {
        return [];
      }
      return page.planes.map(({ data }) => data[row * page.image.width + column]);
    },
  };
}
