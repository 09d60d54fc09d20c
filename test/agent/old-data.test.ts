/** A data directory that version 88ce34a left when it was killed at work: this version loads it with everything in it. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import { type Bench, startBench } from '../support/harness/agent-server.ts';
import { comparable, readServerState, type ServerState } from '../support/harness/server-state.ts';

const VECTOR = fileURLToPath(new URL('../vectors/data-88ce34a', import.meta.url));
const { killedAt, state: expected } = JSON.parse(readFileSync(join(VECTOR, 'expected.json'), 'utf8')) as {
  killedAt: number;
  state: ServerState;
};

let directory: string;
let bench: Bench;
test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'old-data-'));
  cpSync(join(VECTOR, 'files'), directory, { recursive: true });
  bench = await startBench({ DATA_DIR: directory });
});
test.after(async () => {
  await bench?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** `actual` without the fields that answers have gained since; what is missing in it stays missing. */
function without<T>(actual: T, before: unknown): T {
  if (Array.isArray(actual) && Array.isArray(before)) {
    return actual.map((entry, i) => i < before.length ? without(entry, before[i]) : entry) as T;
  }
  if (typeof actual !== 'object' || typeof before !== 'object' || !actual || !before) return actual;
  const retained = Object.entries(actual).filter(([key]) => key in before);
  return Object.fromEntries(
    retained.map(([key, value]) => [key, without(value, (before as typeof actual)[key as never])]),
  ) as T;
}

/**
 * Agents whose turn was over when the server was killed. The old version called them interrupted and said so in the chat;
 * nothing was cut, so this one calls them paused and adds nothing.
 */
const PAUSED = new Set(['First', 'Instructed', 'Answered', 'Denied', 'Decided', 'Tools', 'Renamed']);
const wasAtRest = (path: string) => {
  const agent = expected[path.split('/').slice(0, 4).join('/')] as unknown as AgentInfo | undefined;
  return PAUSED.has(agent?.name ?? '');
};

/** What the old version read at `path`, with what this one says of agents at rest instead. */
function expectedToday(path: string): ServerState[string] {
  const before = expected[path] as unknown as AgentInfo & { messages: unknown[] };
  if (!wasAtRest(path)) return before as never;
  const messages = before.messages.slice(0, -1);
  if (path.includes('/messages')) return { ...before, messages } as never;
  return { ...before, messages, state: 'idle', stateReason: 'reaped', lastSeq: before.lastSeq - 1 } as never;
}

/** Every file of the vector as one text. */
function filesAsText(): string {
  const entries = readdirSync(join(VECTOR, 'files'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8')).join('\n');
}

test('the server reads in it what the old one read', async () => {
  const known = filesAsText();
  const state = await readServerState(bench.url);
  assert.equal(Object.keys(state).sort(), Object.keys(expected).sort(), 'the same agents');
  for (const path of Object.keys(expected)) {
    const before = expectedToday(path);
    assert.equal(
      comparable(without(state[path]!, before), killedAt, known),
      comparable(before, killedAt, known),
      path,
    );
  }
});

test('there are agents of every kind in it', () => {
  const agents = Object.entries(expected).filter(([path]) => /^\/api\/agents\/[^/]+$/.test(path)).map(([, value]) =>
    value as unknown as AgentInfo
  );
  const names = agents.map(({ name, state, stateReason }) => `${name} ${state} ${stateReason}`);
  for (
    const name of [
      'Renamed stopped interrupted',
      'Stopped stopped stopped_by_user',
      'Failed error failed',
      'Asks stopped interrupted',
      'Questions stopped interrupted',
      'Busy stopped interrupted',
    ]
  ) assert.ok(names.includes(name), `${name} is not among ${names.join(', ')}`);
  assert.ok(agents.some(({ worktree }) => worktree) && agents.some(({ worktree }) => !worktree));
  assert.ok(agents.some(({ taskId }) => taskId));
});

test('nothing was set aside, and nothing is warned of', async () => {
  const { body } = await bench.call('GET', '/api/health');
  assert.equal(body.warnings, []);
  const damaged = readdirSync(directory, { recursive: true }).filter((name) => /corrupt/.test(String(name)));
  assert.equal(damaged, []);
});

test.run();
