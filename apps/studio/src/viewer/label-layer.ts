/** Draws a label layer: its chunks as slices of one integer array texture, coloured by class or by a hash of the number. */

import { createProgram, createTexture, type Frame, PLACE_RECT, type Program, setFrame } from './gl.ts';
import {
  type Area,
  CHUNK,
  chunkKey,
  halved,
  type LabelMips,
  type Labels,
  touchedChunks,
  united,
} from './label-mips.ts';
import { OBJECT_COLOURS } from './palette.ts';
import { PALETTE_UNIT } from './palette-texture.ts';
import { levelAt } from './pyramid.ts';
import { visiblePart } from './transform.ts';

export interface ShownLabels {
  readonly mips: LabelMips;
  readonly width: number;
  readonly height: number;
  /** Bytes per pixel: 1 for classes, 4 for objects. */
  readonly kind: 'classes' | 'objects';
  readonly notAnnotated: number;
}

export interface LabelStyle {
  /** Of the fill, 0..1. */
  readonly opacity: number;
  readonly outlines: boolean;
  /** Another number gives objects other colours. */
  readonly seed: number;
  /** Ascending. */
  readonly selected: readonly number[];
}

const MOST_CHUNKS = 512;

const VERTEX = `
${PLACE_RECT}
precision highp int;
uniform float level;
uniform vec2 size;
layout(location = 0) in vec2 chunk;
layout(location = 1) in ivec4 slices;
layout(location = 2) in int bottomSlice;
flat out ivec4 near;
flat out int below;
flat out vec2 origin;
out vec2 texel;
void main() {
  vec2 from = chunk * ${CHUNK}.0 * level;
  vec2 extent = min(vec2(${CHUNK}.0 * level), size - from);
  near = slices;
  below = bottomSlice;
  origin = from;
  texel = corner() * extent / level;
  gl_Position = place(from, extent);
}
`;

const fragment = (kind: ShownLabels['kind']): string => `
precision highp float;
precision highp int;
uniform highp usampler2DArray labels;
uniform highp sampler2D palette;
uniform highp usampler2D chosen;
uniform int chosenCount;
uniform uint none;
uniform uint seed;
uniform float opacity;
uniform float outlines;
uniform float level;
uniform vec2 size;
uniform vec3 view;
flat in ivec4 near;
flat in int below;
flat in vec2 origin;
in vec2 texel;
out vec4 shown;

uint label(vec2 at, uint own) {
  vec2 image = origin + at * level;
  if (image.x < 0.0 || image.y < 0.0 || image.x >= size.x || image.y >= size.y) return own;
  int slice = at.x < 0.0 ? near.y : at.x >= ${CHUNK}.0 ? near.z : at.y < 0.0 ? near.w : at.y >= ${CHUNK}.0 ? below : near.x;
  return slice < 0 ? none : texelFetch(labels, ivec3(ivec2(floor(at)) & ${CHUNK - 1}, slice), 0).r;
}

bool isChosen(uint value) {
  int low = 0;
  int high = chosenCount;
  while (low < high) {
    int middle = (low + high) >> 1;
    uint other = texelFetch(chosen, ivec2(middle & 1023, middle >> 10), 0).r;
    if (other == value) return true;
    if (other < value) low = middle + 1; else high = middle;
  }
  return false;
}

uint hash(uint x) {
  x ^= x >> 16; x *= 0x7feb352du; x ^= x >> 15; x *= 0x846ca68bu; x ^= x >> 16;
  return x;
}

void main() {
  uint own = label(texel, none);
  if (own == none) discard;
  bool selected = chosenCount > 0 && own != 0u && isChosen(own);
  float reach = (selected ? 2.0 : 1.25) / (view.z * level);
  uvec4 around = uvec4(
    label(texel + vec2(reach, 0), own), label(texel - vec2(reach, 0), own),
    label(texel + vec2(0, reach), own), label(texel - vec2(0, reach), own));
  bool edge = (selected || outlines > 0.0) && around != uvec4(own);
  ${
    kind === 'classes'
      ? 'vec4 colour = texelFetch(palette, ivec2(int(own), 0), 0);'
      : `vec4 colour = own == 0u
    ? texelFetch(palette, ivec2(0), 0)
    : texelFetch(palette, ivec2(int(hash(own ^ seed) % ${OBJECT_COLOURS}u), 1), 0);`
  }
  if (colour.a == 0.0) discard;
  float alpha = opacity;
  if (own == 0u) {
    vec2 pixel = floor(gl_FragCoord.xy);
    alpha *= mod(pixel.x + pixel.y, 8.0) < 2.0 ? 1.0 : 0.25;
  }
  if (edge) alpha = 1.0;
  else if (selected) alpha = max(alpha, 0.55);
  // Objects that touch are told apart by a black line, whatever their colours.
  bool touches = ${kind === 'objects'} && own != 0u && around * uvec4(notEqual(around, uvec4(own))) * uvec4(notEqual(around, uvec4(none))) != uvec4(0);
  shown = vec4(!edge ? colour.rgb : selected ? vec3(1) : touches ? vec3(0) : colour.rgb, alpha);
}
`;

interface Slot {
  readonly slice: number;
  /** Pixels that are newer than the texture. */
  stale: Area | undefined;
}

export interface LabelLayer {
  draw(frame: Frame, labels: ShownLabels, style: LabelStyle): void;
  /** Says that labels have changed on the page that is shown. */
  changed(area: Area): void;
}

const WHOLE: Area = { x: 0, y: 0, width: CHUNK, height: CHUNK };

export function createLabelLayer(gl: WebGL2RenderingContext, kind: ShownLabels['kind']): LabelLayer {
  const program = createProgram(gl, VERTEX, fragment(kind));
  const format = kind === 'classes' ? ([gl.R8UI, gl.UNSIGNED_BYTE] as const) : ([gl.R32UI, gl.UNSIGNED_INT] as const);
  const texture = createTexture(gl, gl.TEXTURE_2D_ARRAY);
  const depth = Math.min(MOST_CHUNKS, gl.getParameter(gl.MAX_ARRAY_TEXTURE_LAYERS));
  gl.texStorage3D(gl.TEXTURE_2D_ARRAY, 1, format[0], CHUNK, CHUNK, depth);
  const chosen = createTexture(gl, gl.TEXTURE_2D);
  const instances = createInstances(gl);
  // By chunk, the least recently used first.
  const slots = new Map<string, Slot>();
  let shown: LabelMips | undefined;

  const place = (key: string): Slot => {
    let slot = slots.get(key);
    if (slot === undefined) {
      const [oldest] = slots;
      const slice = slots.size < depth ? slots.size : oldest[1].slice;
      if (slots.size >= depth) slots.delete(oldest[0]);
      slot = { slice, stale: WHOLE };
    }
    slots.delete(key);
    slots.set(key, slot);
    return slot;
  };

  /** The slice of a chunk, up to date; -1 where nothing is annotated. */
  const sliceOf = (mips: LabelMips, level: number, column: number, row: number): number => {
    const data = mips.chunk(level, column, row);
    if (data === undefined) return -1;
    const slot = place(chunkKey(level, column, row));
    if (slot.stale !== undefined) uploadPart(gl, format[1], slot.slice, slot.stale, data);
    slot.stale = undefined;
    return slot.slice;
  };

  return {
    changed(area) {
      let part = area;
      for (let level = 0; level < (shown?.levels ?? 0); level++) {
        for (const { column, row, part: own } of touchedChunks(part)) {
          const slot = slots.get(chunkKey(level, column, row));
          if (slot !== undefined) slot.stale = united(slot.stale, own);
        }
        part = halved(part);
      }
    },
    draw(frame, { mips, width, height, notAnnotated }, style) {
      if (mips !== shown) slots.clear();
      shown = mips;
      const level = levelAt(frame.view.scale, mips.levels);
      const side = CHUNK * 2 ** level;
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D_ARRAY, texture);
      const part = visiblePart(frame.view, frame, { width, height });
      for (let row = Math.floor(part.y / side); row * side < part.y + part.height; row++) {
        for (let column = Math.floor(part.x / side); column * side < part.x + part.width; column++) {
          const own = sliceOf(mips, level, column, row);
          if (own < 0) continue;
          instances.add(column, row, own, [
            sliceOf(mips, level, column - 1, row),
            sliceOf(mips, level, column + 1, row),
            sliceOf(mips, level, column, row - 1),
            sliceOf(mips, level, column, row + 1),
          ]);
        }
      }
      setFrame(gl, program, frame);
      setStyle(gl, program, style, notAnnotated);
      gl.uniform1f(program.uniform('level'), 2 ** level);
      gl.uniform2f(program.uniform('size'), width, height);
      gl.activeTexture(gl.TEXTURE2);
      uploadNumbers(gl, chosen, style.selected);
      gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ZERO, gl.ONE);
      instances.draw();
    },
  };
}

function setStyle(gl: WebGL2RenderingContext, program: Program, style: LabelStyle, notAnnotated: number): void {
  gl.uniform1i(program.uniform('labels'), 0);
  gl.uniform1i(program.uniform('palette'), PALETTE_UNIT);
  gl.uniform1i(program.uniform('chosen'), 2);
  gl.uniform1i(program.uniform('chosenCount'), style.selected.length);
  gl.uniform1ui(program.uniform('none'), notAnnotated);
  gl.uniform1ui(program.uniform('seed'), style.seed);
  gl.uniform1f(program.uniform('opacity'), style.opacity);
  gl.uniform1f(program.uniform('outlines'), style.outlines ? 1 : 0);
}

function uploadPart(gl: WebGL2RenderingContext, type: number, slice: number, area: Area, data: Labels): void {
  const { x, y, width, height } = area;
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  gl.pixelStorei(gl.UNPACK_ROW_LENGTH, CHUNK);
  gl.texSubImage3D(gl.TEXTURE_2D_ARRAY, 0, x, y, slice, width, height, 1, gl.RED_INTEGER, type, data, y * CHUNK + x);
  gl.pixelStorei(gl.UNPACK_ROW_LENGTH, 0);
}

/** Rows of 1024 numbers. */
function uploadNumbers(gl: WebGL2RenderingContext, texture: WebGLTexture, numbers: readonly number[]): void {
  const rows = Math.max(1, Math.ceil(numbers.length / 1024));
  const data = new Uint32Array(rows * 1024);
  data.set(numbers);
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32UI, 1024, rows, 0, gl.RED_INTEGER, gl.UNSIGNED_INT, data);
}

/** A list of quads, drawn in one call. */
function createInstances(gl: WebGL2RenderingContext) {
  const vertices = gl.createVertexArray();
  const buffer = gl.createBuffer();
  const STRIDE = 7 * 4;
  gl.bindVertexArray(vertices);
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  for (const location of [0, 1, 2]) {
    gl.enableVertexAttribArray(location);
    gl.vertexAttribDivisor(location, 1);
  }
  gl.vertexAttribPointer(0, 2, gl.FLOAT, false, STRIDE, 0);
  gl.vertexAttribIPointer(1, 4, gl.INT, STRIDE, 8);
  gl.vertexAttribIPointer(2, 1, gl.INT, STRIDE, 24);
  gl.bindVertexArray(null);
  let rows: number[][] = [];
  return {
    add(column: number, row: number, own: number, [left, right, above, below]: readonly number[]) {
      rows.push([column, row, own, left, right, above, below]);
    },
    draw() {
      const data = new DataView(new ArrayBuffer(rows.length * STRIDE));
      rows.forEach((values, i) => {
        values.forEach((value, k) => {
          if (k < 2) data.setFloat32(i * STRIDE + 4 * k, value, true);
          else data.setInt32(i * STRIDE + 4 * k, value, true);
        });
      });
      gl.bindVertexArray(vertices);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.STREAM_DRAW);
      gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, rows.length);
      gl.bindVertexArray(null);
      rows = [];
    },
  };
}
