import type { Spacings } from '../../image.ts';
import { isDefaultDensity, spacingOf, spacingsOf } from '../../units.ts';
import { aperioArrangement } from './aperio.ts';
import { type Arrangement, type Described, descriptionOf, readAsSlices, stack } from './arrangement.ts';
import type { Directory } from './directory.ts';
import { imagejArrangement, imagejPages } from './imagej.ts';
import type { PageLayout } from './layout.ts';
import { lsmArrangement } from './lsm.ts';
import { metamorphArrangement, metamorphPages } from './metamorph.ts';
import { micromanagerArrangement } from './micromanager.ts';
import { omeArrangement } from './ome.ts';
import { tifffileArrangement, tifffilePages } from './tifffile.ts';

/** The stated number of pages of a file that lists only one: they are stored consecutively. */
export function statedPages(first: Directory, layout: PageLayout): number {
  const description = descriptionOf(first);
  return metamorphPages(first) ?? imagejPages(description) ?? tifffilePages(description, layout) ?? 1;
}

/** Pages as stated by the writer of the file; a stack along z if it states nothing. */
export async function arrangementOf(given: Described): Promise<Arrangement> {
  const first = given.directories[0];
  const own =
    (await lsmArrangement(given)) ??
    (await micromanagerArrangement(given)) ??
    omeArrangement(given) ??
    aperioArrangement(given) ??
    imagejArrangement(given) ??
    (await metamorphArrangement(given)) ??
    tifffileArrangement(given) ??
    stack(given.held, given.held > 1 ? readAsSlices(given.held) : undefined);
  // ImageJ uses its own unit, whatever the tag states.
  return own.imagej === true ? own : { ...own, spacing: { ...resolutionSpacing(first), ...own.spacing } };
}

/** Pixel size from the resolution tags, in micrometres, unless it is a print density or a writer's default. */
function resolutionSpacing(first: Directory): Spacings {
  // 2 inch (also the default), 3 centimetre; 1 states a ratio only.
  const unit = first.first('ResolutionUnit') ?? 2;
  const x = first.inverse('XResolution');
  const y = first.inverse('YResolution');
  if (x === undefined || y === undefined || (unit !== 2 && unit !== 3)) return {};
  const um = unit === 2 ? 25_400 : 10_000;
  if ([x, y].some((inverse) => isDefaultDensity(25_400 / (um * inverse)))) return {};
  return spacingsOf({ x: spacingOf(um * x, 'µm'), y: spacingOf(um * y, 'µm') });
}
