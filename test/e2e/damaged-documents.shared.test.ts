/**
 * Every field of every document, one after the other, with a value of each wrong kind: the server starts, whatever else is in the
 * data directory is there, and a file that was not taken is named in a warning. DOCUMENT_STARTS=0 makes all of them (minutes).
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import { seeded } from '../support/fakes/seeded.ts';
import { startBench } from '../support/harness/agent-server.ts';

const FILES = fileURLToPath(new URL('../vectors/data-88ce34a/files', import.meta.url));
const WRONG: unknown[] = [null, 7, -1.5, 'x', true, [], {}, [[[{ a: null }]]]];
/** Starts of the server; each has one wrong value in every document. */
const STARTS = Number(process.env.DOCUMENT_STARTS ?? 25);

type Path = (string | number)[];

/** The paths of every value within a document, but for its root; of an array the first element stands for all. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return path.length ? [path] : [];
  const keys: Path = Array.isArray(value) ? (value.length ? [0] : []) : Object.keys(value);
  const below = keys.flatMap((key) => pathsOf((value as Record<string | number, unknown>)[key], [...path, key]));
  return path.length ? [path, ...below] : below;
}

function withValue(value: unknown, path: Path, wrong: unknown): unknown {
  const copy = structuredClone(value) as Record<string | number, unknown>;
  const parent = path.slice(0, -1).reduce((part, key) => part[key] as Record<string | number, unknown>, copy);
  parent[path.at(-1)!] = wrong;
  return copy;
}

const at = (value: unknown, path: Path) =>
  path.reduce((part, key) => (part as Record<string | number, unknown>)[key], value);
const kind = (value: unknown) => value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

interface Change {
  path: Path;
  wrong: unknown;
}

/** Every change of one document, in an order of the seed's making. */
function changesOf(document: unknown, random: () => number): Change[] {
  const all = pathsOf(document).flatMap((path) => WRONG.map((wrong) => ({ path, wrong })))
    .filter(({ path, wrong }) => JSON.stringify(at(document, path)) !== JSON.stringify(wrong));
  return all.map((change) => ({ change, key: random() })).sort((a, b) => a.key - b.key).map(({ change }) => change);
}

/** A value of another kind than the one that is there: no version can take it. */
const isCertainlyWrong = (document: unknown, { path, wrong }: Change) => {
  const old = at(document, path);
  return wrong !== null && old !== null && kind(old) !== kind(wrong);
};

const names = readdirSync(FILES, { recursive: true }).map(String).filter((name) => name.endsWith('.json')).sort();
const documents = new Map(names.map((name) => [name, JSON.parse(readFileSync(join(FILES, name), 'utf8'))]));
const random = seeded(19);
const plans = new Map(names.map((name) => [name, changesOf(documents.get(name), random)]));
const longest = Math.max(...[...plans.values()].map(({ length }) => length));

test(`${names.length} documents, up to ${longest} wrong values each: the server starts and names what it did not take`, async () => {
  assert.ok(names.length > 10 && longest > 100, 'there is something to damage');
  const starts = STARTS || longest;
  for (let start = 0; start < starts; start++) await startWith(start);
  const tried = [...plans.values()].reduce((sum, { length }) => sum + Math.min(length, starts), 0);
  const all = [...plans.values()].reduce((sum, { length }) => sum + length, 0);
  console.log(`${starts} starts, ${tried} of ${all} wrong values in ${names.length} documents`);
});

async function startWith(start: number): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'damaged-'));
  try {
    cpSync(FILES, dataDir, { recursive: true });
    const changed = new Map<string, Change>();
    for (const name of names) {
      // Documents of a kind take the changes in turn, so that few starts see many.
      const changes = plans.get(name)!;
      const change = changes[start % changes.length];
      if (!change) continue;
      changed.set(name, change);
      writeFileSync(join(dataDir, name), JSON.stringify(withValue(documents.get(name), change.path, change.wrong)));
    }
    await look(dataDir, changed);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function look(dataDir: string, changed: ReadonlyMap<string, Change>): Promise<void> {
  const bench = await startBench({ DATA_DIR: dataDir });
  try {
    const listed = await bench.call('GET', '/api/agents');
    assert.is(listed.status, 200);
    const ids = new Set(listed.body.map(({ id }: AgentInfo) => id));
    const printed = bench.lines.join('\n');
    for (const [name, change] of changed) {
      const label = `${name} with ${change.path.join('.')} = ${JSON.stringify(change.wrong)}`;
      const path = join(dataDir, name);
      const isNamed = printed.includes(path) || printed.includes(relative(dataDir, path));
      if (isCertainlyWrong(documents.get(name), change)) assert.ok(isNamed, `no warning names ${label}`);
      const id = /^agents\/([^/]+)\/agent\.json$/.exec(name)?.[1];
      if (id) assert.ok(ids.has(id) || isNamed, `${label}: the agent is gone without a word`);
      if (!isNamed || !id) continue;
      const beside = readdirSync(join(dataDir, 'agents', id));
      assert.ok(beside.some((file) => file.startsWith('agent.json.')) || ids.has(id), `${label}: the file is gone`);
    }
    for (const id of ids) assert.is((await bench.call('GET', `/api/agents/${id}/messages`)).status, 200);
    for (const path of ['/api/settings', '/api/templates', '/api/tasks', '/api/health']) {
      assert.is((await bench.call('GET', path)).status, 200, path);
    }
  } finally {
    await bench.close();
  }
}

test.run();
