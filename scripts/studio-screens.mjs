// The pictures of docs/studio.md: every screen of Studio, light and dark, over the course of a small project.
//
//   npm run build && LAMELLA_DATA=... node scripts/studio-screens.mjs [folder]
//
// Twelve fluorescence images of the Data Science Bowl 2018 (BBBC038, CC0); strokes inside their labels stand in for a
// person's. The pictures have at most 256 colours, so that they are small.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { writePng } from 'lamella';
import { chromium } from 'playwright-core';
import { preview } from 'vite';

const DATA = join(process.env.LAMELLA_DATA ?? '../shared/data', 'nuclei');
const out = process.argv[2] ?? 'docs/studio';
const SIZE = { width: 1200, height: 740 };

/** A picture in its 256 most frequent colours, each pixel in the nearest. */
function fewColours(png) {
  const { width, height, channels, data } = decode(png);
  const keys = new Uint32Array(width * height);
  const counts = new Map();
  for (let p = 0; p < keys.length; p++) {
    const [r, g, b] = data.subarray(p * channels, p * channels + 3);
    keys[p] = (r << 16) | (g << 8) | b;
    counts.set(keys[p], (counts.get(keys[p]) ?? 0) + 1);
  }
  const palette = [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 256)
    .map(([key]) => key);
  const distance = (a, b) =>
    ((a >> 16) - (b >> 16)) ** 2 + (((a >> 8) & 255) - ((b >> 8) & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2;
  const nearest = new Map();
  for (const key of counts.keys()) {
    let best = 0;
    for (let i = 1; i < palette.length; i++) if (distance(key, palette[i]) < distance(key, palette[best])) best = i;
    nearest.set(key, best);
  }
  return writePng({
    dtype: 'uint8',
    axes: 'yx',
    shape: [height, width],
    spacing: {},
    data: Uint8Array.from(keys, (key) => nearest.get(key)),
    palette: palette.map((key) => [key >> 16, (key >> 8) & 255, key & 255]),
  });
}

const chosen = readFileSync(join(DATA, 'index.csv'), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(','))
  .filter(
    ([, kind, width, height, nuclei]) => kind === 'gray_dark' && width === '256' && height === '256' && nuclei >= 10,
  )
  .slice(0, 12)
  .map(([id]) => id);

const server = await preview({
  root: 'apps/studio',
  configFile: 'apps/studio/vite.config.ts',
  logLevel: 'error',
  preview: { port: 0, host: '127.0.0.1' },
});
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
});
const page = await browser.newPage({ viewport: SIZE, reducedMotion: 'reduce' });
mkdirSync(out, { recursive: true });

/** The screen in both themes. */
async function picture(name) {
  for (const theme of ['light', 'dark']) {
    await page.evaluate((chosenTheme) => {
      studio.settings.theme.value = chosenTheme;
    }, theme);
    await page.waitForTimeout(400);
    const png = fewColours(await page.screenshot());
    writeFileSync(join(out, `${name}-${theme}.png`), png);
    console.log(`${name}-${theme}.png, ${Math.round(png.length / 1000)} kB`);
  }
}

/** A stroke between points of the image. */
async function stroke(points) {
  const inWindow = await page.evaluate((list) => {
    const { x, y, scale } = studio.display.transform.value;
    const { left, top, width, height } = document.querySelector('.canvas canvas').getBoundingClientRect();
    return list.map(([px, py]) => [left + width / 2 + (px - x) * scale, top + height / 2 + (py - y) * scale]);
  }, points);
  for (const [i, [x, y]] of inWindow.entries()) {
    await page.mouse.move(x, y);
    if (i === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

/** Strokes on objects and between them, where the labels of an image have them. */
async function annotate(index, objects, between) {
  await page.evaluate((i) => studio.project.goTo(studio.project.images.value[i].id), index);
  await page.waitForFunction(
    (i) => studio.display.shown.value.image.id === studio.project.images.value[i].id && studio.annotation.layer.value,
    index,
  );
  await page.waitForTimeout(300);
  const { data, width, height } = decode(readFileSync(join(DATA, 'labels', `${chosen[index]}.png`)));
  const sums = new Map();
  for (let p = 0; p < data.length; p++) {
    if (data[p] === 0) continue;
    const sum = sums.get(data[p]) ?? [0, 0, 0];
    sums.set(data[p], [sum[0] + (p % width), sum[1] + Math.floor(p / width), sum[2] + 1]);
  }
  await page.keyboard.press('b');
  await page.keyboard.press('2');
  await page.evaluate(() => {
    studio.painting.size.value = 7;
  });
  const centres = [...sums].map(([label, [x, y, n]]) => [label, x / n, y / n]);
  for (const [label, x, y] of centres.slice(0, objects)) {
    if (data[Math.floor(y) * width + Math.floor(x)] === label)
      await stroke([
        [x - 3, y],
        [x + 3, y],
        [x, y + 3],
      ]);
  }
  await page.keyboard.press('1');
  for (let k = 0, n = 0; k < 400 && n < between; k++) {
    const [x, y] = [14 + ((k * 53) % (width - 28)), 14 + ((k * 97) % (height - 28))];
    const around = [-12, -6, 0, 6, 12].flatMap((dx) => [-8, 0, 8].map((dy) => data[(y + dy) * width + x + dx]));
    if (around.some((label) => label !== 0)) continue;
    n++;
    await stroke([
      [x - 6, y],
      [x + 6, y],
    ]);
  }
}

const until = (condition, timeout = 300_000) => page.waitForFunction(condition, undefined, { timeout });

await page.goto(server.resolvedUrls.local[0]);
await until(() => globalThis.studio?.description.value);
await picture('start');

const files = chosen.map((id, i) => [
  `nuclei-${String(i + 1).padStart(2, '0')}.png`,
  readFileSync(join(DATA, 'images', `${id}.png`)).toString('base64'),
]);
await page.evaluate(
  (list) =>
    studio.takeIn(list.map(([path, text]) => ({ path, content: Uint8Array.from(atob(text), (c) => c.charCodeAt(0)) }))),
  files,
);
await until(() => studio.annotation.layer.value && studio.display.shown.value);
await page.getByText('Objects', { exact: true }).click();
await until(() => studio.annotation.layer.value?.kind === 'objects');
await annotate(0, 10, 8);
await annotate(1, 10, 8);
await until(() => studio.live.tiles.value.length > 0);
await page.waitForTimeout(3000);
await picture('annotate');

await page.getByRole('tab', { name: 'Train' }).click();
await page.evaluate(() => {
  studio.training.minutes.value = 2;
});
await page.getByRole('button', { name: 'Train', exact: true }).click();
await until(() => studio.training.scores.value.length > 2 || !studio.training.running.value);
await picture('train');
await until(() => !studio.training.running.value);
await page.evaluate(() => {
  for (const { id } of studio.messages.shown.value) studio.messages.dismiss(id);
});

await page.getByRole('tab', { name: 'Check' }).click();
await page.getByRole('button', { name: 'Find uncertain places' }).click();
await until(() => studio.checking.places.value.length > 0);
await page.waitForTimeout(4000);
await picture('check');

await page.getByRole('tab', { name: 'Measure' }).click();
await page.getByRole('button', { name: 'Segment all' }).click();
await until(() => studio.measuring.total.value > 0 && !studio.measuring.running.value && studio.measuring.shown.value);
await page.locator('td button').nth(3).click();
await page.waitForTimeout(3000);
await picture('measure');

for (const name of ['export', 'keys', 'settings', 'help']) {
  await page.evaluate((dialog) => {
    studio.dialog.value = dialog;
  }, name);
  await picture(name);
  await page.keyboard.press('Escape');
}

await browser.close();
await server.close();
