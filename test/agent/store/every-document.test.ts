/**
 * The documents that came after the release whose data e2e/damaged-documents takes: every field with a value of each wrong kind.
 * The part that reads one begins, works, and names what it did not take; the file stays beside it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AgentLevels } from '../../../agent/notify/agent-levels.ts';
import { openDeliveryState } from '../../../agent/notify/delivery-state.ts';
import { Telegram } from '../../../agent/notify/telegram.ts';
import { PushKeys } from '../../../agent/push/keys.ts';
import { ShownRequests } from '../../../agent/push/shown-requests.ts';
import { Subscriptions } from '../../../agent/push/subscriptions.ts';
import { generatePushKey } from '../../../core/tunnel/push-key.ts';
import { Schedule } from '../../../agent/schedule/schedule.ts';
import { KnownCapabilities } from '../../../agent/session/known-capabilities.ts';
import { MachineIdentity } from '../../../agent/settings/machine-identity.ts';
import { RunTime } from '../../../agent/store/run-time.ts';
import { UsageLedger } from '../../../agent/usage/ledger.ts';
import { UsageMeters } from '../../../agent/usage/meters.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { type TestContext, testContext } from '../../support/fakes/test-context.ts';

interface Kind {
  document: unknown;
  /** Begins with what is on disk, and uses it as the server does. */
  use(context: TestContext): void | Promise<unknown>;
  /** Fields that may be anything: they are left out, or have a value of their own then. */
  free?: RegExp;
}

const NOBODY = { list: () => [], has: () => true, info: () => ({}) } as never;
const AMOUNTS = { inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheWriteTokens: 4, turns: 5 };
const KIND: Record<string, Kind> = {
  'usage.json': {
    document: {
      rows: [{
        day: '2023-11-14',
        agent: 'a',
        name: 'A',
        directory: '/p',
        provider: 'claude',
        model: 'm',
        costUsd: 1,
        ...AMOUNTS,
      }],
      counted: { a: { costUsd: 1, ...AMOUNTS, session: 's', isForeign: false } },
    },
    use: (context) => {
      const ledger = new UsageLedger({ context, agents: NOBODY });
      ledger.rows(30);
      return ledger.close();
    },
    free: /isForeign/,
  },
  'limits.json': {
    document: [{
      ...{ provider: 'claude', account: 'x', at: 1 },
      windows: [{ id: 'five_hour', minutes: 300, percent: 5, resetsAt: 2, isReached: false }],
    }],
    use: (context) => void new UsageMeters(context).list(),
  },
  'schedule.json': {
    document: [{
      ...{ id: 'i', name: 'n', what: 'agent', at: 0, cron: '0 3 * * *', on: true, directory: '/p', prompt: 'x' },
      ...{ provider: 'claude', model: '', claudeMd: '', flags: {}, createdAt: 1, nextAt: 9e15 },
      last: { due: 1, at: 1, missed: 0, isDone: true, agentId: null, error: '' },
    }],
    use: (context) => {
      const schedule = new Schedule({ context, agents: NOBODY, board: { start: () => Promise.resolve() } as never });
      schedule.list();
      return schedule.close();
    },
    free: /flags/,
  },
  'capabilities.json': {
    document: {
      claude: {
        models: [{ value: 'v', label: 'l', efforts: ['high'] }],
        commands: [{ name: 'n', description: 'd', argumentHint: '' }],
        ...{ modes: ['default'], account: 'a' },
      },
    },
    use: (context) => void new KnownCapabilities(context).of('claude')?.models.map(({ label }) => label.length),
  },
  'push-shown.json': {
    document: [{ agent: 'a', request: 'r', devices: ['d'] }],
    use: (context) => void new ShownRequests(context).all().map(({ devices }) => devices.join()),
  },
  'deliveries.json': {
    document: {
      deliveries: [{
        ...{ id: 'i', key: 'k', channel: 'email', to: 'a@b.test', state: 'waiting', tries: 0, dueAt: 1, held: 1 },
        notice: { event: 'failed', title: 't', text: 'x', link: '' },
      }],
      keys: ['k'],
      channels: { email: { sentAt: null, failedAt: 1, error: '', unknown: 0 } },
    },
    use: (context) => void openDeliveryState(context).value.deliveries.map(({ notice }) => notice.title.length),
    free: /held|channels\.email$/,
  },
  'telegram.json': {
    document: { offset: 1, asked: [{ key: 'k', agent: 'a', request: 'r', chat: 'c', text: 't', message: 1 }] },
    use: (context) => new Telegram(context, () => Promise.reject(new Error('nobody'))).close(),
  },
  'notify-agents.json': { document: { a: 'all' }, use: (context) => void new AgentLevels(context).of('a') },
  'machine.json': {
    document: { id: '0123456789abcdef0123', isKnown: true },
    use: (context) => void new MachineIdentity(context).id.length,
  },
  'push.json': {
    document: [{
      ...{ id: 'i', endpoint: 'https://push.test/x', device: 'd', hideDetails: false, requestsOnly: false },
      keys: { p256dh: `B${'A'.repeat(86)}`, auth: 'A'.repeat(22) },
      ...{ createdAt: 1, deliveredAt: 1, failedAt: null, error: '' },
    }],
    use: (context) => void new Subscriptions(context).list(),
    free: /createdAt|deliveredAt|failedAt|error/,
  },
  'push-key.json': { document: generatePushKey(), use: (context) => new PushKeys(context).publicKey('local') },
  'run-time.json': {
    document: { lastRun: 1, gaps: [{ at: 1, ms: 2 }] },
    use: (context) => {
      const time = new RunTime(context);
      time.since(0);
      return time.close();
    },
  },
};

const WRONG: unknown[] = [null, 7, -1.5, 'x', true, [], {}, [[[{ a: null }]]]];
type Path = (string | number)[];
type Part = Record<string | number, unknown>;

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, below]) => pathsOf(below, [...path, key]))];
}

function withValue(document: unknown, path: Path, wrong: unknown): unknown {
  const root = { it: structuredClone(document) } as Part;
  const whole: Path = ['it', ...path];
  const parent = whole.slice(0, -1).reduce((part, key) => part[key] as Part, root);
  parent[whole.at(-1)!] = wrong;
  return root.it;
}

const kindOf = (value: unknown) => value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
const at = (document: unknown, path: Path) => path.reduce((part, key) => (part as Part)[key], document);

async function begin({ use }: Kind, name: string, content: unknown): Promise<{ warnings: string; files: string[] }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'every-document-'));
  try {
    writeFileSync(join(dataDir, name), JSON.stringify(content));
    const context = testContext({ dataDir, clock: fakeClock() });
    await use(context);
    return { warnings: [...context.warnings.values()].join('\n'), files: readdirSync(dataDir) };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

for (const [name, kind] of Object.entries(KIND)) {
  test(`${name}: every field with each wrong value`, async () => {
    assert.is((await begin(kind, name, kind.document)).warnings, '', 'as it is');
    for (const path of pathsOf(kind.document)) {
      for (const wrong of WRONG) {
        const label = `${path.join('.')} = ${JSON.stringify(wrong)}`;
        const { warnings, files } = await begin(kind, name, withValue(kind.document, path, wrong)).catch((error) => {
          throw new Error(`${label}: ${error.stack}`);
        });
        const old = at(kind.document, path);
        const isCertain = wrong !== null && old !== null && kindOf(wrong) !== kindOf(old);
        if (isCertain && !kind.free?.test(path.join('.'))) assert.match(warnings, name, `no warning: ${label}`);
        if (warnings) assert.ok(files.some((file) => file.startsWith(`${name}.corrupt`)), `${label}: ${files}`);
      }
    }
  });
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

test('each document that the sources open is here, or in the data of the release before', () => {
  const files = readdirSync(join(ROOT, 'agent'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts')
  );
  const opened = files.map((file) => readFileSync(join(ROOT, 'agent', file), 'utf8'))
    .filter((text) => text.includes('openDocument<'))
    .flatMap((text) => [...text.matchAll(/'([\w-]+\.json)'/g)].map((match) => match[1]!));
  const before = readdirSync(join(ROOT, 'test/vectors/data-88ce34a/files'), { recursive: true, encoding: 'utf8' });
  const known = new Set([...Object.keys(KIND), 'push-relay-key.json', ...before.map((name) => basename(name))]);
  assert.ok(opened.length > 12, `${opened}`);
  // A plan that cannot be read is none: what was begun stays, and is said (start-agents.ts).
  known.add('worktree-plan.json');
  assert.equal(opened.filter((name) => !known.has(name)), []);
});

test.run();
