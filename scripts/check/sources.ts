/** The project's sources as syntax trees, by the API of the compiler that also checks their types. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Node, SourceFile } from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';

export interface Source {
  /** Path from the project's root, with "/". */
  name: string;
  file: SourceFile;
}

const TSCONFIGS = ['tsconfig.json', 'tsconfig.ui.json'];

/** Parses every source that a tsconfig of the project includes, and hands them to `use` while the compiler is there. */
export function withSources<T>(root: string, use: (sources: Source[]) => T): T {
  const api = new API({ cwd: root });
  try {
    const projects = TSCONFIGS.map((name) => join(root, name)).filter((path) => existsSync(path));
    const found = new Map<string, Source>();
    for (const openProject of projects) {
      for (const project of api.updateSnapshot({ openProject }).getProjects()) {
        for (const path of project.program.getSourceFileNames()) {
          const name = relative(root, path).replaceAll('\\', '/');
          const isOurs = !name.startsWith('..') && !name.includes('node_modules/');
          const file = isOurs && !found.has(name) ? project.program.getSourceFile(path) : undefined;
          if (file) found.set(name, { name, file });
        }
      }
    }
    return use([...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1)));
  } finally {
    api.close();
  }
}

/** Calls `visit` for every node below `node`, parents first. */
export function walk(node: Node, visit: (node: Node) => void): void {
  node.forEachChild((child) => {
    visit(child);
    walk(child, visit);
    return undefined;
  });
}

/** The line, from 1, of an offset. */
export function lineOf(file: SourceFile, offset: number): number {
  return file.text.slice(0, offset).split('\n').length;
}
