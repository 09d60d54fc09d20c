/** Loads the dashboard's files. scripts/build.ts replaces this module in dist/relay.mjs by a module that embeds them. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Asset, readAssets } from '../core/http/static.ts';

const DIRECTORY = fileURLToPath(new URL('../dist/ui', import.meta.url));

/** Throws a sentence when the dashboard is not built. */
export function loadDashboard(): Asset[] {
  if (!existsSync(DIRECTORY)) throw new Error('The dashboard is not built yet: run `npm run build` first.');
  return readAssets(DIRECTORY);
}
