/** Draws what a model says of the parts of a page that it was asked about. */

import type { PreviewResult, Rect } from 'lamella/studio';
import { createProgram, createTexture, type Frame, PLACE_RECT, setFrame } from './gl.ts';
import { PALETTE_UNIT } from './palette-texture.ts';

export interface PreviewTile extends PreviewResult {
  readonly rect: Rect;
}

export const PREVIEW_MODES = ['result', 'probability', 'uncertainty', 'outlines'] as const;

/** What of a preview is drawn. */
export type PreviewMode = (typeof PREVIEW_MODES)[number];

const VERTEX = `
${PLACE_RECT}
uniform vec4 rect;
out vec2 texel;
void main() {
  texel = corner() * rect.zw;
  gl_Position = place(rect.xy, rect.zw);
}
`;

const FRAGMENT = `
precision highp float;
precision highp int;
uniform highp usampler2D result;
uniform highp sampler2D palette;
uniform int mode;
uniform float opacity;
uniform vec3 view;
in vec2 texel;
out vec4 shown;
uvec3 at(vec2 where) {
  return texelFetch(result, clamp(ivec2(where), ivec2(0), textureSize(result, 0) - 1), 0).rgb;
}
void main() {
  uvec3 own = at(texel);
  vec4 colour = texelFetch(palette, ivec2(int(own.r), 0), 0);
  if (mode == 2) {
    float uncertainty = float(own.b) / 255.0;
    shown = vec4(mix(vec3(0.8, 0.1, 0.5), vec3(1, 0.9, 0.2), uncertainty), min(1.0, 2.0 * opacity * uncertainty));
    return;
  }
  if (own.r == 0u || colour.a == 0.0) discard;
  float reach = 1.25 / view.z;
  bool edge = at(texel + vec2(reach, 0)).r != own.r || at(texel - vec2(reach, 0)).r != own.r ||
    at(texel + vec2(0, reach)).r != own.r || at(texel - vec2(0, reach)).r != own.r;
  float fill = mode == 0 ? 1.0 : mode == 1 ? float(own.g) / 255.0 : 0.0;
  shown = vec4(colour.rgb, edge && mode == 3 ? 1.0 : edge && mode == 0 ? min(1.0, 1.7 * opacity) : opacity * fill);
}
`;

export interface PreviewLayer {
  draw(frame: Frame, tiles: readonly PreviewTile[], mode: PreviewMode, opacity: number): void;
}

export function createPreviewLayer(gl: WebGL2RenderingContext): PreviewLayer {
  const program = createProgram(gl, VERTEX, FRAGMENT);
  const textures = new Map<PreviewTile, WebGLTexture>();
  return {
    draw(frame, tiles, mode, opacity) {
      for (const [tile, texture] of textures) {
        if (tiles.includes(tile)) continue;
        gl.deleteTexture(texture);
        textures.delete(tile);
      }
      setFrame(gl, program, frame);
      gl.uniform1i(program.uniform('result'), 0);
      gl.uniform1i(program.uniform('palette'), PALETTE_UNIT);
      gl.uniform1i(program.uniform('mode'), PREVIEW_MODES.indexOf(mode));
      gl.uniform1f(program.uniform('opacity'), opacity);
      gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ZERO, gl.ONE);
      gl.activeTexture(gl.TEXTURE0);
      for (const tile of tiles) {
        const texture = textures.get(tile) ?? upload(gl, tile);
        textures.set(tile, texture);
        gl.bindTexture(gl.TEXTURE_2D, texture);
        gl.uniform4f(program.uniform('rect'), tile.rect.x, tile.rect.y, tile.rect.width, tile.rect.height);
        gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
      }
    },
  };
}

function upload(gl: WebGL2RenderingContext, { rect, classes, probability, uncertainty }: PreviewTile): WebGLTexture {
  const texture = createTexture(gl, gl.TEXTURE_2D);
  const data = new Uint8Array(4 * classes.length);
  for (let i = 0; i < classes.length; i++) {
    data[4 * i] = classes[i];
    data[4 * i + 1] = probability[i];
    data[4 * i + 2] = uncertainty[i];
  }
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  const [width, height] = [rect.width, rect.height];
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8UI, width, height, 0, gl.RGBA_INTEGER, gl.UNSIGNED_BYTE, data);
  return texture;
}
