import { build, type InlineConfig, type Rolldown } from 'vite';

/** Modules by the path of their file. */
type Modules = ReadonlySet<string>;

/**
 * What each program of the page loads, told by the bundler itself: the page is built once, in memory, and what it left out
 * is not in it.
 * @returns the modules that a program, or a part that is imported later, loads at its start whose file begins with this
 * name, such as `studio-worker`; or all of them, with those of `import()`
 */
export async function programModules(
  config: InlineConfig,
): Promise<(program: string, options?: { readonly later: boolean }) => Modules> {
  const built = await build({
    ...config,
    configFile: false,
    logLevel: 'error',
    build: { ...config.build, write: false },
  });
  const { output } = built as Rolldown.RolldownOutput;
  const chunks = new Map(output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part] as const] : [])));
  return (program, { later } = { later: false }) => {
    const loaded = new Set<string>();
    const load = (file: string): void => {
      const chunk = chunks.get(file);
      if (chunk === undefined || loaded.has(file)) return;
      loaded.add(file);
      chunk.imports.forEach(load);
      if (later) chunk.dynamicImports.forEach(load);
    };
    for (const { isEntry, isDynamicEntry, name, fileName } of chunks.values())
      if ((isEntry || isDynamicEntry) && name === program) load(fileName);
    return new Set([...loaded].flatMap((file) => chunks.get(file)?.moduleIds ?? []));
  };
}
