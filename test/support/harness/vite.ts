/** The real Vite, in a folder of its own, with a page that tells what it sees and is replaced while it is shown. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const VITE = 'vite@8.4.0';
const INSTALL = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];

export interface ViteProject {
  /** What starts it: a command of a shell. */
  command: string;
  /** The module that the page shows; a change of it is a hot update. */
  module: string;
}

/** @param directory where it is installed, and works; `port` is taken as it is */
export async function createViteProject(directory: string, port: number): Promise<ViteProject> {
  mkdirSync(join(directory, 'src'), { recursive: true });
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'shop', private: true, type: 'module' }));
  // Not synchronously: connections that are closed meanwhile would be used again.
  await promisify(execFile)('npm', [...INSTALL, '--prefix', directory, VITE]);
  writeFileSync(
    join(directory, 'index.html'),
    '<!doctype html><title>Shop</title><h1 id="word">…</h1><p id="loads"></p><script type="module" src="/src/main.js"></script>',
  );
  writeFileSync(join(directory, 'src/main.js'), MAIN);
  const module = join(directory, 'src/word.js');
  writeFileSync(module, wordModule('first'));
  const bin = join(directory, 'node_modules/vite/bin/vite.js');
  return { command: `cd '${directory}' && exec node '${bin}' --port ${port} --strictPort --host 127.0.0.1`, module };
}

/** What a module says, which the page shows. */
export const wordModule = (word: string): string => `export const word = '${word}';\n`;

/** Each load of the document has a number of its own: a hot update keeps it. */
const MAIN = `
import { word } from './word.js';
const show = (text) => document.querySelector('#word').textContent = text;
document.querySelector('#loads').textContent = String(Math.random());
show(word);
localStorage.setItem('mine', 'preview');
document.cookie = 'mine=preview';
if (import.meta.hot) import.meta.hot.accept('./word.js', (changed) => show(changed.word));
`;
