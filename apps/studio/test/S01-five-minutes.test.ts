/**
 * S01: from a drop of images to a table, hosted as files, on two threads without a GPU. S25: no connection leaves the
 * page's own host the whole way.
 */

import { afterAll, beforeAll, describe, it } from 'vitest';
import { walkWithin } from './five-minutes.ts';
import { type Hosted, hostStatic } from './hosted-page.ts';
import { openRecorded } from './recorded-page.ts';
import { isLong, whyNoPage } from './studio-page.ts';
import { drawnNuclei, realNuclei, whyNoNuclei } from './walks.ts';

const why = whyNoPage ?? (isLong ? whyNoNuclei : undefined);
/** Of the drawn nuclei, which take a quarter of a minute to learn. */
const GATES = isLong ? { seconds: 300, countError: 0.15, dice: 0.85 } : { seconds: 150, countError: 0.3, dice: 0.75 };

describe.skipIf(why !== undefined)(`S01 S25 five minutes${why === undefined ? '' : ` (${why})`}`, () => {
  let hosted: Hosted;
  beforeAll(async () => {
    hosted = await hostStatic();
  });
  afterAll(() => hosted?.close());

  it('leads from images to numbers, in a tab', async () => {
    const { walk, done } = await (isLong ? realNuclei() : drawnNuclei());
    const opened = await openRecorded(hosted.url);
    console.log(`${await opened.page.evaluate(() => studio.description.value?.threads)} threads`);
    await walkWithin(opened, walk, GATES);
    await opened.close();
    await done();
  });
});
