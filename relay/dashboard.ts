/** The dashboard's files. In dist/relay.mjs this module is replaced by one that has them inside (scripts/build.ts). */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Asset, readAssets } from '../core/http/static.ts';

const FOLDER = fileURLToPath(new URL('../dist/ui', import.meta.url));

/** Throws with a sentence when the dashboard was not built. */
export function loadDashboard(): Asset[] {
  if (!existsSync(FOLDER)) throw new Error('The dashboard is not built yet: run `npm run build` first.');
  return readAssets(FOLDER);
}
