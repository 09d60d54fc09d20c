/**
 * Loads what compile.ts has compiled: `node --import scripts/test/loader.mjs file.test.ts` with COMPILED_TESTS naming its directory.
 * A module keeps the URL of its source, so that `import.meta.url` and what is beside a file stay the same. tsx would take 0.4 s
 * of processor time for every test file.
 */
import { Buffer } from 'node:buffer';
import crypto from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { register, syncBuiltinESMExports } from 'node:module';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

const ROOT = new URL('../../', import.meta.url).href;
const UVU = new URL('./uvu.mjs', import.meta.url).href;
const COMPILED = process.env.COMPILED_TESTS;

if (isMainThread) {
  register(import.meta.url);
  rememberKeys();
}

/**
 * The tunnel's key is derived from its token at every start of either end, slowly on purpose. A test file starts many ends with
 * the same token in one process, so the same derivation is done once. Passwords go through `scrypt`, which stays slow.
 */
function rememberKeys() {
  const { scryptSync } = crypto;
  const known = new Map();
  crypto.scryptSync = (password, salt, length, options) => {
    const name = JSON.stringify([String(password), String(salt), length, options]);
    if (!known.has(name)) known.set(name, scryptSync(password, salt, length, options));
    return Buffer.from(known.get(name));
  };
  syncBuiltinESMExports();
}

export function resolve(specifier, context, next) {
  return specifier === 'uvu' ? { url: UVU, format: 'module', shortCircuit: true } : next(specifier, context);
}

export async function load(url, context, next) {
  if (!/\.m?ts$/.test(url) || !url.startsWith(ROOT) || url.includes('/node_modules/')) return next(url, context);
  const path = fileURLToPath(url).slice(fileURLToPath(ROOT).length).replace(/ts$/, 'js');
  return { format: 'module', source: await readFile(`${COMPILED}/${path}`, 'utf8'), shortCircuit: true };
}
