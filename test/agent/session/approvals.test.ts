/** What cannot be seen whole is not allowed: the server marks such a request and refuses everything but its refusals. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProviderRequest } from '../../../agent/provider/provider.ts';
import { MAX_INPUT } from '../../../agent/session/bounds.ts';
import { Registry } from '../../../agent/session/registry.ts';
import { ERROR_STATUS, type Failure } from '../../../core/api/errors.ts';
import type { DecisionBody, RequestMessage } from '../../../core/api/messages.ts';
import { type ScriptedProvider, scriptedProvider } from '../../support/fakes/scripted-provider.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';

const LARGE = 'x'.repeat(MAX_INPUT);
const question = {
  id: 'q',
  header: '',
  question: LARGE,
  options: [],
  multiSelect: false,
  other: true,
  secret: false,
};
const diff = (text: string) => ({
  path: 'a',
  kind: 'add' as const,
  hunks: [{ oldStart: 0, oldLines: 0, newStart: 1, newLines: 1, lines: [`+${text}`] }],
});

const CUT: Record<string, Partial<ProviderRequest>> = {
  'a command over the bound': { input: { command: `${LARGE}; rm -rf ~` } },
  'a field over the bound beside a small command': { input: { command: 'ls', env: { PATH: LARGE } } },
  'a list over the bound': { tool: 'mcp__x__y', input: { list: Array(60_000).fill('0123456789') } },
  'many small fields, of which none is large': {
    tool: 'mcp__x__y',
    input: Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`field ${i}`, i])),
  },
  'a plan over the bound': { request: 'plan', tool: 'ExitPlanMode', plan: LARGE, input: { plan: LARGE } },
  'questions over the bound': { request: 'question', questions: [question] },
  'a change over the bound': { tool: 'Edit', input: { files: [{ path: 'a', kind: 'add' }] }, diffs: [diff(LARGE)] },
  'a change without its lines': { tool: 'Edit', input: { files: [] } },
  'a change whose lines were cut': {
    tool: 'Edit',
    input: { files: [{ path: 'a', kind: 'add' }] },
    diffs: [{ ...diff('b'), truncated: true }],
  },
  'a description over the bound': { description: LARGE, input: { command: 'ls' } },
};

const WHOLE: Record<string, Partial<ProviderRequest>> = {
  'a command': { input: { command: 'ls' } },
  'an input just below the bound': { tool: 'mcp__x__y', input: { a: 'x'.repeat(MAX_INPUT - 100) } },
  'a change with its lines': { tool: 'Edit', input: { files: [{ path: 'a', kind: 'add' }] }, diffs: [diff('b')] },
};

interface Place {
  agents: Registry;
  provider: ScriptedProvider;
  /** Asks, and gives the request as pages get it. */
  ask(
    part: Partial<ProviderRequest>,
    providerName?: 'claude' | 'codex',
  ): Promise<{ id: string; message: RequestMessage }>;
  decide(id: string, request: string, body: Omit<DecisionBody, 'clientId'>): Promise<string>;
}

const choices = (['allow', 'rule:0', 'session', 'deny', 'cancel'] as const).map((id) => ({
  id,
  label: id,
  detail: '',
  tone: id === 'deny' || id === 'cancel' ? 'deny' as const : 'allow' as const,
}));

async function withAgents(use: (place: Place) => Promise<void>): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  const context = testContext({ dataDir: join(directory, 'data') });
  const provider = scriptedProvider();
  const agents = await Registry.open({
    context,
    providers: { get: () => provider },
    workspace: {
      prepare: () => Promise.resolve({ directory, cwd: directory, worktree: null, notice: '' }),
      unmerged: () => Promise.resolve([]),
      refuseUnremovable: () => Promise.resolve(),
      remove: () => Promise.resolve(),
      removeUnfinished: () => Promise.resolve(),
    },
  });
  const place: Place = {
    agents,
    provider,
    async ask(part, name = 'claude') {
      const { id } = await agents.create({ directory, provider: name, prompt: 'go' }, 'test');
      const blank = { request: 'permission', toolId: null, tool: 'Bash', title: 'title', description: '' } as const;
      const rest = { input: {}, diffs: [], choices, questions: [], plan: '' };
      const request = { requestId: randomUUID(), ...blank, ...rest, ...part };
      provider.sessions.at(-1)!.emit({ type: 'turn.start' }, { type: 'request', request });
      return { id, message: agents.message(id, request.requestId) as RequestMessage };
    },
    decide: (id, request, body) =>
      agents.decide(id, request, { ...body, clientId: randomUUID() }, 'test').then(() => '', (e: Failure) => e.code),
  };
  try {
    await use(place);
  } finally {
    await agents.close();
    remove();
  }
}

const decided = ({ provider }: Place) =>
  provider.sessions.at(-1)!.calls.filter(([method]) => method === 'decide').length;

for (const [name, part] of Object.entries(CUT)) {
  test(`${name}: marked, and only refused`, () =>
    withAgents(async (place) => {
      const { id, message } = await place.ask(part);
      assert.is(message.truncated, true);
      const bytes = JSON.stringify(message).length;
      assert.ok(bytes < 1.5 * MAX_INPUT, `${bytes}`);
      const bodies = [
        { decision: 'allow' },
        { decision: 'allow', input: { command: 'ls' } },
        { decision: 'allow', mode: 'default' as const },
        { decision: 'rule:0' },
        { decision: 'session' },
        { decision: 'answer', answers: { q: ['yes'] } },
        { decision: 'allow ' },
      ];
      for (const body of bodies) {
        assert.is(await place.decide(id, message.id, body), 'not_whole', JSON.stringify(body));
      }
      assert.is(decided(place), 0, 'the CLI got an answer');
      assert.is(place.agents.info(id).pending.length, 1);
      assert.is(await place.decide(id, message.id, { decision: 'deny' }), '');
      assert.is(decided(place), 1);
      assert.is(ERROR_STATUS.not_whole, 409);
    }));
}

for (const [name, part] of Object.entries(WHOLE)) {
  test(`${name}: whole, so it can be allowed`, () =>
    withAgents(async (place) => {
      const { id, message } = await place.ask(part);
      assert.is(message.truncated, undefined);
      assert.equal(message.input, part.input);
      assert.is(await place.decide(id, message.id, { decision: 'allow' }), '');
      assert.is(decided(place), 1);
    }));
}

test('an edited input is not taken where the CLI would run the original', () =>
  withAgents(async (place) => {
    const body = { decision: 'allow', input: { command: 'ls' } };
    const codex = await place.ask({ input: { command: 'rm -rf ~' } }, 'codex');
    assert.is(await place.decide(codex.id, codex.message.id, body), 'bad_request');
    assert.is(decided(place), 0);
    const claude = await place.ask({ input: { command: 'rm -rf ~' } });
    assert.is(await place.decide(claude.id, claude.message.id, body), '');
  }));

test.run();
