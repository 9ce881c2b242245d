/** A headless Chromium and a server of the TypeScript sources, so that a test can call a module in a page. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { createServer, type ViteDevServer } from 'vite';
import tests from '../../vitest.config.ts';

/** The project's root, ending in `/`. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Where Chromium is; the environment's CHROMIUM_PATH first. */
export function browserPath(): string | undefined {
  const candidates = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser'];
  return candidates.find((path) => path !== undefined && existsSync(path));
}

/** Why browser tests cannot run on this machine, to be put into their names; undefined when they can. */
export function whyNoBrowser(): string | undefined {
  return browserPath() === undefined ? 'no Chromium on this machine: set CHROMIUM_PATH' : undefined;
}

export interface BrowserOptions {
  /** WebGPU by the software adapter that Chromium carries. */
  readonly webgpu?: boolean;
  /** WebGL by the software driver that Chromium carries. */
  readonly webgl?: boolean;
}

export const launchOptions = ({ webgpu = false, webgl = false }: BrowserOptions) => ({
  executablePath: browserPath() as string,
  args: [
    '--no-sandbox',
    '--disable-background-networking',
    '--disable-component-update',
    ...(webgpu ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'] : []),
    ...(webgl ? ['--use-angle=swiftshader', '--enable-unsafe-swiftshader'] : []),
    ...(webgpu || webgl ? [] : ['--disable-gpu']),
  ],
});

/** Starts the browser. */
export const launchChromium = (options: BrowserOptions = {}): Promise<Browser> =>
  chromium.launch(launchOptions(options));

/** Enough for anything on a slow machine with much else to do: what takes as long has failed. In milliseconds. */
export const PATIENCE_MS = 240_000;

/**
 * A page that is waited for patiently. Conditions are asked for by a timer: by frames, as is usual, they are not asked for
 * while the machine has no time to draw any.
 */
export async function openPage(browser: Browser | BrowserContext): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const wait = page.waitForFunction.bind(page);
  page.waitForFunction = ((condition: () => unknown, given?: unknown, options?: object) =>
    wait(condition, given, { polling: 50, ...options })) as Page['waitForFunction'];
  return page;
}

export interface BrowserSession {
  /** A page on the server, cross-origin isolated, its console errors collected. */
  newPage(): Promise<BrowserPage>;
  close(): Promise<void>;
}

export interface BrowserPage {
  readonly page: Page;
  /** What the page has written as errors so far. */
  readonly errors: readonly string[];
  /**
   * Calls an exported function of a TypeScript module, a path from the project's root. Arguments and
   * result travel as JSON.
   */
  call<T>(module: string, name: string, ...args: readonly unknown[]): Promise<T>;
}

/** Starts server and browser. @param options profile: a folder whose storage the pages share; default: none is shared */
export async function openBrowser({
  profile,
  ...options
}: BrowserOptions & { readonly profile?: string } = {}): Promise<BrowserSession> {
  const server = await serveSources();
  let browser: Browser | BrowserContext;
  try {
    browser =
      profile === undefined
        ? await launchChromium(options)
        : await chromium.launchPersistentContext(profile, launchOptions(options));
  } catch (cause) {
    await server.close();
    throw cause;
  }
  const url = server.resolvedUrls?.local[0] as string;
  return {
    async newPage() {
      const page = await openPage(browser);
      const errors: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
      page.on('pageerror', (error) => errors.push(String(error)));
      await page.goto(`${url}test/browser/blank.html`);
      return {
        page,
        errors,
        // As text: a function would be rewritten by the tests' own module loader, `import` included.
        call: (module, name, ...args) =>
          page.evaluate(
            `import(${JSON.stringify(`/${module}`)}).then((m) => m[${JSON.stringify(name)}](...${JSON.stringify(args)}))`,
          ),
      };
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** The sources over HTTP with the two headers that give a page threads (shared memory). */
async function serveSources(): Promise<ViteDevServer> {
  const server = await createServer({
    root: ROOT,
    configFile: false,
    // The public names, by which packages import the core.
    resolve: { alias: tests.resolve?.alias ?? [] },
    logLevel: 'error',
    // A cache of its own, so that a developer's server is not disturbed.
    cacheDir: 'node_modules/.vite-browser-tests',
    server: {
      host: '127.0.0.1',
      port: 0,
      hmr: false,
      watch: null,
      headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
    },
    // Packages are found before the first page asks for one, which would fail while they are bundled. ONNX Runtime finds its
    // .wasm beside its script; moved into a cache it would not.
    optimizeDeps: { exclude: ['onnxruntime-web'], entries: ['test/**/page.ts'] },
  });
  await server.listen();
  return server;
}
