/** The image: what is drawn there, and what pointer, wheel and keys do to it. */

import { effect, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { text } from '../text/text.ts';
import { drawOverlay } from '../viewer/overlay.ts';
import { createViewer, type Viewer } from '../viewer/viewer.ts';
import { followPointer } from './canvas-pointer.ts';
import { useStudio } from './context.ts';

export function Canvas(): JSX.Element {
  const studio = useStudio();
  const frame = useRef<HTMLDivElement>(null);
  const image = useRef<HTMLCanvasElement>(null);
  const lines = useRef<HTMLCanvasElement>(null);
  const failed = useSignal(false);
  const { display, scene } = studio;

  useEffect(() => {
    const [element, canvas, over] = [frame.current, image.current, lines.current];
    const context = over?.getContext('2d');
    if (element === null || canvas === null || over === null || !context) return;
    let viewer: Viewer;
    try {
      viewer = createViewer(canvas, () => scene.scene.value);
    } catch {
      failed.value = true;
      return;
    }
    const stops = [
      effect(() => {
        scene.scene.value;
        viewer.invalidate();
      }),
      effect(() => {
        const overlay = scene.overlay.value;
        if (overlay === undefined) context.clearRect(0, 0, over.width, over.height);
        else drawOverlay(context, overlay);
      }),
      scene.onLabels((labels, area) => viewer.labelsChanged(labels, area)),
      followSize(over, (width, height) => {
        Object.assign(canvas, { width, height });
        Object.assign(over, { width, height });
        display.resize({ width, height });
        viewer.invalidate();
      }),
      followPointer(element, over, studio),
      () => viewer.dispose(),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [studio, display, scene, failed]);

  return (
    <div
      ref={frame}
      class="canvas"
      role="application"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: painting is what one does to it, with the arrow keys as well
      tabIndex={0}
      aria-label={text.view.canvas}
      style={{ cursor: scene.cursor.value }}
    >
      <canvas ref={image} />
      <canvas ref={lines} />
      {failed.value && (
        <div class="canvas-failed" role="alert">
          <p>{text.view.noWebgl}</p>
          <p class="muted">{text.view.noWebglRemedy}</p>
        </div>
      )}
    </div>
  );
}

/** Says how many pixels of the screen an element covers, exactly. @returns what ends it */
function followSize(element: Element, resized: (width: number, height: number) => void): () => void {
  const observer = new ResizeObserver(([entry]) => {
    const [exact] = entry.devicePixelContentBoxSize ?? [];
    const { width, height } = entry.contentRect;
    const columns = exact?.inlineSize ?? Math.round(width * devicePixelRatio);
    const rows = exact?.blockSize ?? Math.round(height * devicePixelRatio);
    // One that is not shown has no size: nothing is fitted to that.
    if (columns > 0 && rows > 0) resized(columns, rows);
  });
  try {
    observer.observe(element, { box: 'device-pixel-content-box' });
  } catch {
    observer.observe(element);
  }
  return () => observer.disconnect();
}
