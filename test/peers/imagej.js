// Run by Rhino beside ImageJ's classes: fills the ROIs of a folder, in the order of their names, with 1, 2, ..., and
// reads its labels.tif. Prints JSON.

/* global Packages, java, print */
// biome-ignore lint/complexity/noArguments: Rhino has the script's arguments there
const [folder, width, height] = Array.from(arguments);
const pixelsOf = (processor) => {
  const out = [];
  for (let p = 0; p < processor.getPixelCount(); p++) out.push(processor.get(p));
  return out;
};
const files = Array.from(new java.io.File(folder).list(), String).sort();
const filled = new Packages.ij.process.ShortProcessor(Number(width), Number(height));
const names = files
  .filter((file) => file.endsWith('.roi'))
  .map((file, i) => {
    const roi = new Packages.ij.io.RoiDecoder(`${folder}/${file}`).getRoi();
    filled.setValue(i + 1);
    filled.fill(roi);
    return String(roi.getName());
  });
const image = new Packages.ij.io.Opener().openImage(`${folder}/labels.tif`);
const { pixelWidth, pixelHeight } = image.getCalibration();
print(
  JSON.stringify({
    names,
    filled: pixelsOf(filled),
    labels: pixelsOf(image.getProcessor()),
    bits: image.getBitDepth(),
    unit: String(image.getCalibration().getUnit()),
    pixelWidth,
    pixelHeight,
  }),
);
