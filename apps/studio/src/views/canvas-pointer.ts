/** Mouse, pen, touch and keys on the image. */

import type { Studio } from '../state/studio.ts';
import type { Held } from '../tools/tool.ts';
import { type Point, toImage } from '../viewer/transform.ts';

type Action = 'paint' | 'pan';

interface Follow {
  readonly action: Action;
  last: Point;
}

const ERASER_BUTTON = 32;
const ZOOM_PER_PIXEL = 1.0018;
/** A tap of three fingers is short, and they stay where they are. */
const TAP_FINGERS = 3;
const TAP_MS = 600;
const TAP_PX = 20;

/** @param element holds the canvas and has the focus. @returns what ends it */
export function followPointer(element: HTMLElement, canvas: HTMLCanvasElement, studio: Studio): () => void {
  const { display, painting, settings, pointer } = studio;
  /** Pointers that are down, by their number. */
  const down = new Map<number, Follow>();
  let space = false;
  /** Three fingers that are down, and how far they have moved altogether. */
  let tap: { readonly beganMs: number; movedPx: number } | undefined;

  const onCanvas = ({ clientX, clientY }: MouseEvent): Point => {
    const { left, top } = canvas.getBoundingClientRect();
    const density = canvas.width / canvas.clientWidth;
    return { x: (clientX - left) * density, y: (clientY - top) * density };
  };
  const onImage = (event: MouseEvent): Point => toImage(onCanvas(event), display.transform.value, display.canvas.value);
  const held = (event: MouseEvent, erases = false): Held => ({ alt: event.altKey || erases, shift: event.shiftKey });

  const actionOf = (event: PointerEvent): Action => {
    const isFinger = event.pointerType === 'touch' && !settings.fingerDraws.value;
    return isFinger || space || event.button === 1 || painting.tool.value === 'hand' ? 'pan' : 'paint';
  };

  const penIsDown = (): boolean => [...down.values()].some(({ action }) => action === 'paint');

  const press = (event: PointerEvent): void => {
    if (event.button === 2 && event.pointerType === 'mouse') return;
    // A palm beside the pen.
    if (event.pointerType === 'touch' && penIsDown()) return;
    element.setPointerCapture(event.pointerId);
    element.focus({ preventScroll: true });
    event.preventDefault();
    const action = actionOf(event);
    down.set(event.pointerId, { action, last: onCanvas(event) });
    tap = down.size === TAP_FINGERS ? { beganMs: event.timeStamp, movedPx: 0 } : undefined;
    pointer.fromKeys.value = false;
    if (action === 'pan') return;
    const isBarrel = event.pointerType === 'pen' && event.button === 2;
    if (isBarrel) painting.pickAt(onImage(event));
    else painting.down(onImage(event), held(event, (event.buttons & ERASER_BUTTON) !== 0));
  };

  const drag = (event: PointerEvent): void => {
    const at = onImage(event);
    pointer.at.value = at;
    pointer.alt.value = event.altKey;
    const follow = down.get(event.pointerId);
    if (follow === undefined) {
      painting.hover(at);
      return;
    }
    const now = onCanvas(event);
    if (tap !== undefined) tap.movedPx += Math.hypot(now.x - follow.last.x, now.y - follow.last.y);
    if (follow.action === 'paint') {
      const all = event.getCoalescedEvents?.() ?? [];
      painting.move((all.length > 0 ? all : [event]).map(onImage), held(event));
    } else if (down.size >= 2) pinch(event.pointerId, now);
    else display.pan(now.x - follow.last.x, now.y - follow.last.y);
    follow.last = now;
  };

  /** Two fingers: what is between them stays between them. */
  const pinch = (id: number, now: Point): void => {
    const [[, other]] = [...down].filter(([key]) => key !== id);
    const before = (down.get(id) as Follow).last;
    const distance = (a: Point, b: Point): number => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
    display.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    const middle = { x: (now.x + other.last.x) / 2, y: (now.y + other.last.y) / 2 };
    display.zoom(middle, distance(now, other.last) / distance(before, other.last));
  };

  const release = (event: PointerEvent): void => {
    const follow = down.get(event.pointerId);
    down.delete(event.pointerId);
    if (down.size === 0 && tap !== undefined) {
      const { beganMs, movedPx } = tap;
      tap = undefined;
      if (movedPx < TAP_PX && event.timeStamp - beganMs < TAP_MS) void studio.annotation.undo();
    }
    if (follow?.action !== 'paint') return;
    if (event.type === 'pointercancel') painting.cancel();
    else painting.up();
  };

  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const delta = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 33 : event.deltaY;
    if (event.shiftKey) painting.resize(Math.sign(event.deltaY || event.deltaX) < 0 ? 1 : -1);
    else display.zoom(onCanvas(event), ZOOM_PER_PIXEL ** -(event.ctrlKey ? 4 * delta : delta));
  };

  const keyDown = (event: KeyboardEvent): void => {
    if (event.key === ' ') {
      space = true;
      pointer.panning.value = true;
      event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey) return;
    const step = MOVES[event.key];
    if (step !== undefined) {
      event.preventDefault();
      pointer.moveBy(step[0] * (event.shiftKey ? 10 : 1), step[1] * (event.shiftKey ? 10 : 1));
    } else if (event.key === 'Enter' && !event.repeat) {
      event.preventDefault();
      // What the mouse has begun is finished; otherwise the crosshair presses.
      if (painting.busy && !pointer.fromKeys.value) painting.finish();
      else pointer.press({ alt: event.altKey, shift: event.shiftKey });
    }
  };
  const keyUp = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') pointer.release();
    if (event.key !== ' ') return;
    space = false;
    pointer.panning.value = false;
  };

  const leave = (): void => {
    if (down.size === 0) pointer.at.value = undefined;
  };
  const double = (): void => painting.finish();
  const menu = (event: Event): void => event.preventDefault();

  const listeners: readonly (readonly [string, (event: never) => void])[] = [
    ['pointerdown', press],
    ['pointermove', drag],
    ['pointerup', release],
    ['pointercancel', release],
    ['pointerleave', leave],
    ['wheel', wheel],
    ['keydown', keyDown],
    ['keyup', keyUp],
    ['dblclick', double],
    ['contextmenu', menu],
  ];
  for (const [name, listener] of listeners)
    element.addEventListener(name, listener as EventListener, { passive: false });
  return () => {
    for (const [name, listener] of listeners) element.removeEventListener(name, listener as EventListener);
  };
}

const MOVES: { readonly [key: string]: readonly [number, number] | undefined } = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
