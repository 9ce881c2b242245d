/** The little of WebGL 2 that the layers share. */

export interface Program {
  readonly handle: WebGLProgram;
  uniform(name: string): WebGLUniformLocation | null;
}

/** @throws Error with the driver's log, if the driver refuses a shader of ours */
export function createProgram(gl: WebGL2RenderingContext, vertex: string, fragment: string): Program {
  const handle = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ] as const) {
    const shader = gl.createShader(kind) as WebGLShader;
    gl.shaderSource(shader, `#version 300 es\n${source.trim()}`);
    gl.compileShader(shader);
    gl.attachShader(handle, shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
      throw new Error(`WebGL: ${gl.getShaderInfoLog(shader)}`);
    }
  }
  gl.linkProgram(handle);
  if (!gl.getProgramParameter(handle, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`WebGL: ${gl.getProgramInfoLog(handle)}`);
  }
  const locations = new Map<string, WebGLUniformLocation | null>();
  return {
    handle,
    uniform(name) {
      if (!locations.has(name)) locations.set(name, gl.getUniformLocation(handle, name));
      return locations.get(name) ?? null;
    },
  };
}

/**
 * Places a rectangle of the image on the canvas, in image pixels: `view` the centre and the scale, `viewport` in device
 * pixels. A vertex is a corner of the rectangle, by its number. What is thinner than a pixel of the screen is drawn as thick
 * as one: an image of one row would not be seen.
 */
export const PLACE_RECT = `
uniform vec3 view;
uniform vec2 viewport;
vec2 corner() { return vec2(gl_VertexID & 1, gl_VertexID >> 1); }
vec4 place(vec2 from, vec2 extent) {
  vec2 image = from + corner() * max(extent, 1.0 / view.z);
  vec2 screen = (image - view.xy) * view.z / viewport * 2.0;
  return vec4(screen.x, -screen.y, 0, 1);
}
`;

/** A texture that shaders read texel by texel. */
export function createTexture(gl: WebGL2RenderingContext, target: number): WebGLTexture {
  const texture = gl.createTexture();
  gl.bindTexture(target, texture);
  for (const [parameter, value] of [
    [gl.TEXTURE_MIN_FILTER, gl.NEAREST],
    [gl.TEXTURE_MAG_FILTER, gl.NEAREST],
    [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE],
    [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
  ]) {
    gl.texParameteri(target, parameter, value);
  }
  return texture;
}

/** What every layer needs to draw. */
export interface Frame {
  readonly view: { readonly x: number; readonly y: number; readonly scale: number };
  readonly width: number;
  readonly height: number;
}

export function setFrame(gl: WebGL2RenderingContext, program: Program, { view, width, height }: Frame): void {
  gl.useProgram(program.handle);
  gl.uniform3f(program.uniform('view'), view.x, view.y, view.scale);
  gl.uniform2f(program.uniform('viewport'), width, height);
}
