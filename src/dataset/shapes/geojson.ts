/** Annotations of QuPath as GeoJSON (RFC 7946); coordinates are pixels from the upper left corner of the image. */

import { FormatError } from '../../errors.ts';
import { boundsOfLines, type Line } from '../../objects/fill-polygon.ts';
import { isFields, parseJson } from '../json.ts';
import { fillContained } from './contains-fill.ts';
import type { Place, Shape } from './shape.ts';

/**
 * The areas of a GeoJSON file: a FeatureCollection, a list of features, or one.
 * @param file for messages
 * @throws FormatError for what is no GeoJSON, and for a feature that is no area, such as a point or a line
 */
export function parseGeoJson(text: string, file: string): readonly Shape[] {
  const json = parseJson(text, file);
  const features = isFields(json) && json.type === 'FeatureCollection' ? json.features : [json].flat();
  if (!Array.isArray(features)) throw wrong(file, 'the FeatureCollection has no list of features');
  return features.map((feature, i) => shapeOf(feature, `feature ${i + 1}`, file));
}

const wrong = (file: string, what: string): FormatError =>
  new FormatError(`${what}.`, { file, remedy: 'Export it again, as GeoJSON with a FeatureCollection.' });

function shapeOf(feature: unknown, which: string, file: string): Shape {
  if (!isFields(feature) || feature.type !== 'Feature') throw wrong(file, `${which} is no GeoJSON feature`);
  const { geometry } = feature;
  const properties = isFields(feature.properties) ? feature.properties : {};
  const name = typeof properties.name === 'string' ? properties.name : '';
  if (!isFields(geometry)) throw wrong(file, `${which} has no geometry`);
  const { type, coordinates } = geometry;
  const called = name === '' ? which : `${which} ("${name}")`;
  if (type !== 'Polygon' && type !== 'MultiPolygon') {
    throw new FormatError(`${called} is a ${String(type)}, which encloses no area.`, {
      file,
      remedy: 'Delete it, or draw the area as a polygon or with the brush.',
    });
  }
  const polygons: unknown = type === 'Polygon' ? [coordinates] : coordinates;
  if (!Array.isArray(polygons) || !polygons.every(Array.isArray)) {
    throw wrong(file, `${called} has coordinates that are no ${type}`);
  }
  const lines = polygons.flat().map((ring) => lineOf(ring, called, file));
  const bounds = boundsOfLines(lines);
  return {
    name,
    ...classOf(properties.classification),
    place: placeOf(geometry.plane),
    bounds,
    fill: (size, found) => fillContained(lines, size, found),
  };
}

function lineOf(ring: unknown, called: string, file: string): Line {
  const isPosition = (value: unknown): value is readonly [number, number] =>
    Array.isArray(value) && Number.isFinite(value[0]) && Number.isFinite(value[1]);
  if (!Array.isArray(ring) || !ring.every(isPosition) || ring.length < 4) {
    throw wrong(file, `${called} has a ring that is no list of at least four positions`);
  }
  const [first, last] = [ring[0], ring.at(-1)];
  const isClosed = first?.[0] === last?.[0] && first?.[1] === last?.[1];
  return (isClosed ? ring.slice(0, -1) : ring).flatMap((position) => position.slice(0, 2));
}

/** QuPath writes a name and a colour; derived classes have several names. */
function classOf(classification: unknown): Pick<Shape, 'className' | 'colour'> {
  if (!isFields(classification)) return {};
  const { name, names, color, colorRGB } = classification;
  const className = typeof name === 'string' ? name : Array.isArray(names) ? names.join(': ') : undefined;
  if (className === undefined || className === '') return {};
  const [red, green, blue] = Array.isArray(color) ? color : [];
  const colour = Number.isInteger(colorRGB)
    ? (colorRGB as number) & 0xffffff
    : [red, green, blue].every(Number.isInteger)
      ? (red << 16) | (green << 8) | blue
      : undefined;
  return { className, ...(colour === undefined ? {} : { colour }) };
}

/** QuPath leaves out the plane of a single one: slice 0 at time 0. */
function placeOf(plane: unknown): Place {
  const { z = 0, t = 0 } = isFields(plane) ? plane : {};
  return { z: Number(z), t: Number(t) };
}
