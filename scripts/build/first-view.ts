/**
 * The first view in one file. The bundler puts a module that several entries share into a chunk of its own, one for each set of
 * entries, which made 35 files of the dashboard's start. With this plugin every part that is loaded later imports the page's
 * entry, which is there by then: so all that the entry needs has the same set, and is one chunk.
 */
import type { Metafile, Plugin } from 'esbuild';
import { readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';

const LATER = 'later';
/** The entry itself waits for a language: what it waits for must not wait for the entry. */
const BEFORE_ENTRY = /^ui[\\/]i18n[\\/]/;

/** @param entry the page's entry, below `root` */
export const firstViewInOne = (root: string, entry: string): Plugin => ({
  name: 'first-view-in-one',
  setup(setup) {
    setup.onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
      const file = join(resolveDir, path);
      if (kind !== 'dynamic-import' || BEFORE_ENTRY.test(relative(root, file))) return undefined;
      return { path: file, namespace: LATER };
    });
    setup.onLoad({ filter: /.*/, namespace: LATER }, ({ path }) => {
      const file = JSON.stringify(path);
      const hasDefault = /^export default /m.test(readFileSync(path, 'utf8'));
      const contents = [
        `import ${JSON.stringify(join(root, entry))};`,
        `export * from ${file};`,
        hasDefault ? `export { default } from ${file};` : '',
      ];
      return { contents: contents.join('\n'), loader: 'ts', resolveDir: root };
    });
  },
});

/** The files of the page's entry: what it is, and what only loads it and can be left out. */
export interface EntryFiles {
  script: string;
  styles: string;
  unused: readonly string[];
}

/** Finds the entry's code among what the bundler wrote: its own file only imports the one chunk. */
export function entryFiles({ outputs }: Metafile, entry: string, styles: string): EntryFiles {
  const find = (wanted: string) => Object.keys(outputs).find((name) => outputs[name]!.entryPoint === wanted);
  const [own, css] = [find(entry), find(styles)];
  if (!own || !css) throw new Error(`the build has no ${own ? styles : entry}`);
  const chunks = outputs[own]!.imports.filter(({ kind }) => kind === 'import-statement');
  const isEmpty = Object.values(outputs[own]!.inputs).every(({ bytesInOutput }) => bytesInOutput === 0);
  if (!isEmpty || chunks.length !== 1) {
    const parts = chunks.map(({ path }) => basename(path)).join(', ');
    throw new Error(`${entry} and what it needs are not one file but ${own} with ${parts}`);
  }
  return { script: chunks[0]!.path, styles: css, unused: [own] };
}
