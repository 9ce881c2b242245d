/** Draws a scene onto a canvas when something has changed, and again after the graphics driver has lost it all. */

import { whenIdle } from '../when-idle.ts';
import type { Frame } from './gl.ts';
import { createImageLayer, type ImageLayer, type ShownChannel } from './image-layer.ts';
import { createLabelLayer, type LabelLayer, type LabelStyle, type ShownLabels } from './label-layer.ts';
import type { Area } from './label-mips.ts';
import type { Rgb } from './palette.ts';
import { createPaletteTexture, type PaletteTexture } from './palette-texture.ts';
import { createPreviewLayer, type PreviewLayer, type PreviewMode, type PreviewTile } from './preview-layer.ts';
import type { Transform } from './transform.ts';

export interface Scene {
  readonly transform: Transform;
  readonly channels: readonly ShownChannel[];
  /** Class colours, 0..255; a class without one is not drawn. */
  readonly classes: readonly (Rgb | undefined)[];
  readonly preview?: { readonly tiles: readonly PreviewTile[]; readonly mode: PreviewMode; readonly opacity: number };
  /** From back to front. */
  readonly labels: readonly { readonly shown: ShownLabels; readonly style: LabelStyle }[];
}

export interface Viewer {
  /** Draws before the next frame is shown. */
  invalidate(): void;
  /** Says that labels on the page that is shown have changed, and draws. */
  labelsChanged(labels: ShownLabels, area: Area): void;
  dispose(): void;
}

interface Layers {
  readonly image: ImageLayer;
  readonly preview: PreviewLayer;
  readonly palette: PaletteTexture;
  /** One per set of labels on the screen, so that each keeps its chunks. */
  readonly labels: Map<ShownLabels['kind'], LabelLayer[]>;
}

/** Pyramids are built between frames, so long at a time; where there is never time, all the same after so long. */
const PYRAMID_MS = 4;
const PYRAMID_WAIT_MS = 100;
const BACKGROUND = 0.075;

/** @throws Error if the browser has no WebGL 2 */
export function createViewer(canvas: HTMLCanvasElement, scene: () => Scene | undefined): Viewer {
  const context = canvas.getContext('webgl2', { alpha: false, antialias: false, depth: false, stencil: false });
  if (context === null) throw new Error('WebGL 2 is missing');
  const gl = context;
  let layers: Layers | undefined;
  let request = 0;
  let isBuilding = false;

  const invalidate = (): void => {
    if (request === 0) request = requestAnimationFrame(draw);
  };

  function draw(): void {
    request = 0;
    if (gl.isContextLost()) return;
    layers ??= createLayers(gl);
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.disable(gl.BLEND);
    gl.clearColor(BACKGROUND, BACKGROUND, BACKGROUND, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const shown = scene();
    if (shown === undefined) return;
    const frame: Frame = { view: shown.transform, width: canvas.width, height: canvas.height };
    clearPage(gl, frame, shown);
    gl.enable(gl.BLEND);
    layers.palette.bind(shown.classes);
    layers.image.draw(frame, shown.channels);
    if (shown.preview !== undefined) {
      layers.preview.draw(frame, shown.preview.tiles, shown.preview.mode, shown.preview.opacity);
    }
    const seen = { classes: 0, objects: 0 };
    for (const { shown: labels, style } of shown.labels) {
      labelLayer(gl, layers, labels.kind, seen[labels.kind]++).draw(frame, labels, style);
    }
    buildLater(shown);
  }

  function buildLater({ channels }: Scene): void {
    if (isBuilding || channels.every(({ pyramid }) => pyramid.complete)) return;
    isBuilding = true;
    whenIdle(build, { timeout: PYRAMID_WAIT_MS });
  }

  /** Builds for some time, and draws the levels that are new. */
  function build(): void {
    isBuilding = false;
    const shown = scene();
    if (shown === undefined || gl.isContextLost()) return;
    const deadlineMs = performance.now() + PYRAMID_MS;
    const isAnyNew = shown.channels.map(({ pyramid }) => pyramid.build(deadlineMs)).includes(true);
    if (isAnyNew) invalidate();
    buildLater(shown);
  }

  const lost = (event: Event): void => event.preventDefault();
  const restored = (): void => {
    layers = undefined;
    invalidate();
  };
  canvas.addEventListener('webglcontextlost', lost);
  canvas.addEventListener('webglcontextrestored', restored);
  return {
    invalidate,
    labelsChanged({ kind }, area) {
      for (const layer of layers?.labels.get(kind) ?? []) layer.changed(area);
      invalidate();
    },
    dispose() {
      cancelAnimationFrame(request);
      canvas.removeEventListener('webglcontextlost', lost);
      canvas.removeEventListener('webglcontextrestored', restored);
      gl.getExtension('WEBGL_lose_context')?.loseContext();
    },
  };
}

const createLayers = (gl: WebGL2RenderingContext): Layers => ({
  image: createImageLayer(gl),
  preview: createPreviewLayer(gl),
  palette: createPaletteTexture(gl),
  labels: new Map(),
});

function labelLayer(gl: WebGL2RenderingContext, { labels }: Layers, kind: ShownLabels['kind'], at: number): LabelLayer {
  const layers = labels.get(kind) ?? [];
  labels.set(kind, layers);
  while (layers.length <= at) layers.push(createLabelLayer(gl, kind));
  return layers[at];
}

/** Black under the image, to which its channels are added. */
function clearPage(gl: WebGL2RenderingContext, { view, width, height }: Frame, { channels }: Scene): void {
  const page = channels[0]?.pyramid.levels[0];
  if (page === undefined) return;
  const left = Math.round((0 - view.x) * view.scale + width / 2);
  const bottom = Math.round(height / 2 - (page.height - view.y) * view.scale);
  gl.enable(gl.SCISSOR_TEST);
  const onScreen = (length: number): number => Math.max(1, Math.round(length * view.scale));
  gl.scissor(left, bottom, onScreen(page.width), onScreen(page.height));
  gl.clearColor(0, 0, 0, 1);
  gl.clear(gl.COLOR_BUFFER_BIT);
  gl.disable(gl.SCISSOR_TEST);
}
