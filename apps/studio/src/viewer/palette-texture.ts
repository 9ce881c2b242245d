/** The colours of classes and objects where shaders find them: row 0 a class each, row 1 what objects may be given. */

import { createTexture } from './gl.ts';
import { objectColours, type Rgb } from './palette.ts';

/** The texture unit that holds the palette while layers draw. */
export const PALETTE_UNIT = 3;

export interface PaletteTexture {
  /** Binds it, with these classes' colours, 0..255; a class without one is not drawn. */
  bind(classes: readonly (Rgb | undefined)[]): void;
}

export function createPaletteTexture(gl: WebGL2RenderingContext): PaletteTexture {
  const texture = createTexture(gl, gl.TEXTURE_2D);
  const objects = objectColours();
  let last: readonly (Rgb | undefined)[] | undefined;
  return {
    bind(classes) {
      gl.activeTexture(gl.TEXTURE0 + PALETTE_UNIT);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      if (classes === last) return;
      last = classes;
      const pixels = new Uint8Array(2 * 256 * 4);
      classes.forEach((colour, value) => {
        if (colour !== undefined) pixels.set([...colour, 255], value * 4);
      });
      objects.forEach((colour, i) => {
        pixels.set([...colour, 255], (256 + i) * 4);
      });
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 2, 0, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    },
  };
}
