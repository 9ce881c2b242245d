// Run by Rhino beside ImageJ's classes: shows each ROI of a folder over a stack of so many channels, slices and times.
// Prints as JSON, by the names of the ROIs, the planes [channel, slice, time] from 1 on which ImageJ draws it.

/* global Packages, java, print */
// biome-ignore lint/complexity/noArguments: Rhino has the script's arguments there
const [folder, channels, slices, frames] = Array.from(arguments);
const [c, z, t] = [Number(channels), Number(slices), Number(frames)];
const stack = Packages.ij.IJ.createImage('stack', '8-bit black', 32, 32, c * z * t);
stack.setDimensions(c, z, t);
const isHyperstack = [c, z, t].filter((n) => n > 1).length > 1;
stack.setOpenAsHyperStack(isHyperstack);
const indices = Array.from({ length: c * z * t }, (_, i) => i + 1);
const placeOf = (index) => Array.from(stack.convertIndexToPosition(index), Number);
const shown = {};
Array.from(new java.io.File(folder).list(), String)
  .filter((name) => name.endsWith('.roi'))
  .forEach((file) => {
    const roi = new Packages.ij.io.RoiDecoder(`${folder}/${file}`).getRoi();
    roi.setStrokeColor(java.awt.Color.red);
    stack.setOverlay(new Packages.ij.gui.Overlay(roi));
    const bounds = roi.getBounds();
    shown[String(roi.getName())] = indices.map(placeOf).filter((place, i) => {
      if (isHyperstack) stack.setPosition(place[0], place[1], place[2]);
      else stack.setSlice(i + 1);
      return (stack.flatten().getProcessor().getPixel(bounds.x, bounds.y) & 0xffffff) !== 0;
    });
  });
print(JSON.stringify(shown));
