// Draws one row of a figure: the image, the truth, the probability and the errors, side by side.
//
//   node scripts/figure.mjs image.png truth.png probability.png figure.png [threshold] [side in px]
//   node scripts/figure.mjs image.png truth.png n1.png,n2.png,n3.png figure.png     (several, without errors)
//
// White is inside of cells. Errors: orange merged, yellow split, dark blue missed, light blue false.
import { ndarray } from '../dist/array/ndarray.js';
import { errorMap } from '../dist/metrics/error-map.js';
import { connectedComponents } from '../dist/objects/connected-components.js';
import { classPicture, crop, errorPicture, imagePicture, probabilityPicture } from '../dist/report/kit/pictures.js';
import { greyPlane, writePanels } from './panels.mjs';

const [imagePath, truthPath, probabilityPath, out, threshold = '0.5', side = '256'] = process.argv.slice(2);

const image = await greyPlane(imagePath);
const { height, width } = image;
const inside = Uint8Array.from((await greyPlane(truthPath)).data, (value) => (value > 0 ? 1 : 0));
const probabilities = await Promise.all(
  probabilityPath.split(',').map(async (path) => (await greyPlane(path)).data.map((value) => value / 255)),
);
const [probability] = probabilities;
const predicted = Uint8Array.from(probability, (value) => (value > Number(threshold) ? 1 : 0));
const cells = (mask) => connectedComponents(ndarray('uint8', [height, width], mask)).labels;
const { classes } = errorMap(cells(inside), cells(predicted));

const picture = imagePicture([image.data], height, width);
const window = { x: 0, y: 0, width: Math.min(width, Number(side)), height: Math.min(height, Number(side)) };
const panels = [
  picture,
  classPicture(inside, 2, height, width),
  ...probabilities.map((each) => probabilityPicture(each, height, width)),
  ...(probabilities.length === 1 ? [errorPicture(picture, classes.data)] : []),
].map((panel) => crop(panel, window));

await writePanels(out, panels);
