/** Where to annotate next in the project that is open. */

import { joinPath } from '../files.ts';
import { type Image, sizes } from '../image/image.ts';
import { displayMap } from '../image/orient.ts';
import { suggestPlaces } from '../workflows/suggest.ts';
import type { CheckPlace, EngineEvent, Rect } from './engine.ts';
import type { StudioHost } from './host.ts';
import type { Live } from './live.ts';
import type { OpenProject } from './open-project.ts';
import { FOLDERS } from './project-folder.ts';
import { predictedNames } from './segmenting.ts';
import { runOf } from './training.ts';

/**
 * As `lamella suggest` finds them with the last run, or before there is one with the live network as it is now.
 * @throws as `suggestPlaces`; UsageError if neither has learned anything
 */
export async function findPlaces(
  host: StudioHost,
  open: OpenProject,
  live: Pick<Live, 'model'>,
  limit: number,
  emit: (event: EngineEvent) => void,
  signal: AbortSignal,
): Promise<readonly CheckPlace[]> {
  await open.flush();
  const { folder, project } = open;
  const { runs = [] } = project;
  if (runs.length === 0) await open.keepLiveModel('network', await live.model('network'));
  const model = runs.length === 0 ? open.liveModelFiles.network : runOf(project);
  emit({ kind: 'progress', task: 'places', done: 0, total: 1, text: 'looking for uncertain places' });
  const { places } = await suggestPlaces(host, joinPath(folder, model), folder, {
    limit,
    signal,
    out: joinPath(folder, FOLDERS.own, 'places'),
    ...(project.images.some(({ labels }) => labels !== undefined) && {
      labels: folder,
      ignore: [project.notAnnotated],
    }),
  });
  const names = new Map((await predictedNames(host, open)).map(({ id, name }) => [name, id]));
  const found: CheckPlace[] = [];
  for (const { image, slice, x, y, width, height, uncertainty, random } of places) {
    const id = names.get(image) ?? image;
    const { stored } = await open.images.load(project, id);
    const rect = uprightRect({ x, y, width, height }, stored);
    found.push({ image: id, page: slice, rect, uncertainty, random });
  }
  return found;
}

/** A rectangle of an image as stored, the way up in which it is looked at. */
function uprightRect(rect: Rect, image: Image): Rect {
  const map = displayMap(image);
  if (map === undefined) return rect;
  const size = sizes(image);
  const along = (axis: 0 | 1): { at: number; length: number } => {
    const { from, reversed } = map[axis];
    const [at, length, whole] = from === 0 ? [rect.x, rect.width, size.width] : [rect.y, rect.height, size.height];
    return { at: reversed ? whole - at - length : at, length };
  };
  const [x, y] = [along(0), along(1)];
  return { x: x.at, y: y.at, width: x.length, height: y.length };
}
