/** Draws the channels of a page: tiles as integer or float textures, window and gamma in the shader. */

import { createProgram, createTexture, type Frame, PLACE_RECT, type Program, setFrame } from './gl.ts';
import { type Level, levelAt, type Pyramid, type Values } from './pyramid.ts';
import { visiblePart } from './transform.ts';

export interface ShownChannel {
  readonly pyramid: Pyramid;
  /** The values shown as black and white. */
  readonly window: readonly [low: number, high: number];
  /** 1 is linear; below, dark parts are lifted. */
  readonly gamma: number;
  /** 0..1 each. Channels are added. */
  readonly colour: readonly [red: number, green: number, blue: number];
}

const TILE = 512;
const GPU_BYTES = 256 * 2 ** 20;

const VERTEX = `
${PLACE_RECT}
uniform vec4 rect;
uniform float level;
out vec2 texel;
void main() {
  texel = corner() * rect.zw / level;
  gl_Position = place(rect.xy, rect.zw);
}
`;

const fragment = (sampler: string): string => `
precision highp float;
precision highp int;
uniform highp ${sampler} tile;
uniform vec2 window;
uniform float gamma;
uniform vec3 colour;
in vec2 texel;
out vec4 shown;
void main() {
  ivec2 at = min(ivec2(texel), textureSize(tile, 0) - 1);
  float value = float(texelFetch(tile, at, 0).r);
  float grey = clamp((value - window.x) / (window.y - window.x), 0.0, 1.0);
  shown = vec4(colour * (value == value ? pow(grey, gamma) : 0.0), 1);
}
`;

type SamplerName = 'usampler2D' | 'isampler2D' | 'sampler2D';

interface Format {
  readonly sampler: SamplerName;
  readonly internal: number;
  readonly format: number;
  readonly type: number;
}

function formatOf(gl: WebGL2RenderingContext, data: Values): Format {
  if (data instanceof Uint8Array) {
    return { sampler: 'usampler2D', internal: gl.R8UI, format: gl.RED_INTEGER, type: gl.UNSIGNED_BYTE };
  }
  if (data instanceof Uint16Array) {
    return { sampler: 'usampler2D', internal: gl.R16UI, format: gl.RED_INTEGER, type: gl.UNSIGNED_SHORT };
  }
  if (data instanceof Int16Array) {
    return { sampler: 'isampler2D', internal: gl.R16I, format: gl.RED_INTEGER, type: gl.SHORT };
  }
  return { sampler: 'sampler2D', internal: gl.R32F, format: gl.RED, type: gl.FLOAT };
}

interface Tile {
  readonly texture: WebGLTexture;
  readonly bytes: number;
}

export interface ImageLayer {
  draw(frame: Frame, channels: readonly ShownChannel[]): void;
}

export function createImageLayer(gl: WebGL2RenderingContext): ImageLayer {
  const programs = new Map<SamplerName, Program>();
  const program = (sampler: SamplerName): Program => {
    const known = programs.get(sampler) ?? createProgram(gl, VERTEX, fragment(sampler));
    programs.set(sampler, known);
    return known;
  };
  // In order of use, the least recent first; the key of a level is the level itself, so that what is no longer shown
  // cannot be mistaken for what is.
  const tiles = new Map<string, Tile>();
  const numbers = new WeakMap<Level, number>();
  let count = 0;
  let bytes = 0;

  const tileAt = (level: Level, column: number, row: number): WebGLTexture => {
    if (!numbers.has(level)) numbers.set(level, count++);
    const key = `${numbers.get(level)}/${column}/${row}`;
    const known = tiles.get(key);
    if (known !== undefined) {
      tiles.delete(key);
      tiles.set(key, known);
      return known.texture;
    }
    const tile = upload(gl, level, column * TILE, row * TILE);
    tiles.set(key, tile);
    bytes += tile.bytes;
    for (const [old, { texture, bytes: freed }] of tiles) {
      if (bytes <= GPU_BYTES || old === key) break;
      gl.deleteTexture(texture);
      tiles.delete(old);
      bytes -= freed;
    }
    return tile.texture;
  };

  return {
    draw(frame, channels) {
      gl.blendFunc(gl.ONE, gl.ONE);
      for (const { pyramid, window, gamma, colour } of channels) {
        const at = levelAt(frame.view.scale, pyramid.levels.length);
        const level = pyramid.levels[at];
        const used = program(formatOf(gl, level.data).sampler);
        setFrame(gl, used, frame);
        gl.uniform1i(used.uniform('tile'), 0);
        gl.uniform1f(used.uniform('level'), 2 ** at);
        gl.uniform2f(used.uniform('window'), window[0], window[1]);
        gl.uniform1f(used.uniform('gamma'), gamma);
        gl.uniform3f(used.uniform('colour'), ...colour);
        const [{ width, height }] = pyramid.levels;
        const part = visiblePart(frame.view, frame, { width, height });
        const side = TILE * 2 ** at;
        for (let row = Math.floor(part.y / side); row * side < part.y + part.height; row++) {
          for (let column = Math.floor(part.x / side); column * side < part.x + part.width; column++) {
            gl.activeTexture(gl.TEXTURE0);
            gl.bindTexture(gl.TEXTURE_2D, tileAt(level, column, row));
            const [x, y] = [column * side, row * side];
            gl.uniform4f(used.uniform('rect'), x, y, Math.min(side, width - x), Math.min(side, height - y));
            gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
          }
        }
      }
    },
  };
}

function upload(gl: WebGL2RenderingContext, { width, height, data }: Level, x: number, y: number): Tile {
  const { internal, format, type } = formatOf(gl, data);
  const [columns, rows] = [Math.min(TILE, width - x), Math.min(TILE, height - y)];
  const texture = createTexture(gl, gl.TEXTURE_2D);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  gl.pixelStorei(gl.UNPACK_ROW_LENGTH, width);
  gl.texImage2D(gl.TEXTURE_2D, 0, internal, columns, rows, 0, format, type, data, y * width + x);
  gl.pixelStorei(gl.UNPACK_ROW_LENGTH, 0);
  return { texture, bytes: columns * rows * data.BYTES_PER_ELEMENT };
}
