import { counted } from '../../errors.ts';
import { nodeHost } from '../../platform/node/host.ts';
import { describeAccuracy, describePlace } from '../../report/places/page.ts';
import { suggestPlaces } from '../../workflows/suggest.ts';
import type { SuggestedObject } from '../../workflows/suggest-objects.ts';
import type { command } from '../commands/suggest.ts';
import type { Options, Positionals } from '../declare.ts';
import { pageLine, printJson, say } from '../print.ts';
import { stoppable } from '../stop-signal.ts';

const describeObject = (
  { image, t, z, x, y, areaPx, ...object }: SuggestedObject,
  amount: 'uncertainty' | 'unusual',
): string => {
  const where = `${image}${t > 0 ? `, time ${t}` : ''}${z > 0 ? `, slice ${z}` : ''}`;
  return `     ${where}: at ${Math.round(x)}, ${Math.round(y)}, ${areaPx} px, ${amount} ${object[amount].toFixed(2)}`;
};

export async function run(
  [model, images]: Positionals<typeof command>,
  { json = false, ...options }: Options<typeof command>,
): Promise<void> {
  const found = await stoppable((signal) => suggestPlaces(nodeHost, model, images, { ...options, signal }));
  if (json) return printJson(found);
  const { accuracy, places, page, model: file, device, notes } = found;
  say(`model: ${file}; device: ${device}`, ...notes.map((note) => `note: ${note}`));
  if (places.length === 0) say('nothing to suggest: everything is annotated, or certain');
  places.forEach((place, i) => {
    const why = place.random ? 'at random' : `uncertainty ${place.uncertainty.toFixed(3)}`;
    const known = place.annotated > 0 ? `, ${Math.round(100 * place.annotated)} % annotated` : '';
    say(`${String(i + 1).padStart(3)}  ${describePlace(place)}, ${why}${known}`);
  });
  for (const [title, objects, amount] of [
    ['most uncertain objects', found.objects?.uncertain, 'uncertainty'],
    ['objects unlike the others', found.objects?.unusual, 'unusual'],
  ] as const) {
    if (objects === undefined) continue;
    say(`${title}:`, ...objects.map((object) => describeObject(object, amount)));
  }
  if (accuracy !== undefined) {
    say(
      `accuracy of the model that made the last suggestions: ${describeAccuracy(accuracy)}, from ${counted(accuracy.places, 'random place')} annotated since`,
    );
  }
  say(pageLine('places', page));
}
