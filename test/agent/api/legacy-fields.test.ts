import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { legacyFields, legacyMessages } from '../../../agent/api/legacy-fields.ts';
import type { AgentInfo, AgentState } from '../../../core/api/agents.ts';
import type { Message } from '../../../core/api/messages.ts';

const info = (state: AgentState, costUsd: number | null = null): AgentInfo => ({
  id: 'a',
  name: 'n',
  provider: 'claude',
  demo: false,
  directory: '/p',
  worktree: { path: '/p/.agent-worktrees/agent-1', branch: 'agent-1', base: 'main' },
  state,
  stateReason: 'turn',
  stateText: '',
  stateSince: 1,
  sessionId: null,
  resumable: true,
  model: '',
  mode: 'default',
  effort: '',
  createdAt: 1,
  activeAt: 2,
  usage: {
    costUsd,
    inputTokens: 3,
    outputTokens: 4,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    contextTokens: null,
    contextWindow: null,
    turns: 0,
  },
  queue: [],
  pending: [],
  lastSeq: 0,
  preview: '',
  cli: { running: true, pid: 1, version: '', seenAt: null },
  flags: { model: 'm' },
  adminEmail: 'a@example.com',
  whatsappPhone: '',
  slackWebhookUrl: '',
  taskId: null,
});

test('every state has one of the four words', () => {
  const words = (['starting', 'running', 'waiting_input', 'idle', 'stopped', 'error'] as const)
    .map((state) => legacyFields(info(state)).status);
  assert.equal(words, ['running', 'running', 'waiting_input', 'stopped', 'stopped', 'error']);
});

test('cost is left out where the provider does not tell', () => {
  assert.not.ok('costUsd' in legacyFields(info('idle')));
  assert.is(legacyFields(info('idle', 0.5)).costUsd, 0.5);
});

test('config, worktree and tokens stand where scripts look for them', () => {
  const fields = legacyFields(info('idle'), 'do it', '# rules');
  assert.is(fields.config.prompt, 'do it');
  assert.is(fields.config.claudeMd, '# rules');
  assert.equal(fields.config.flags, { model: 'm' });
  assert.is(fields.worktreeBranch, 'agent-1');
  assert.equal(fields.tokenUsage, { input: 3, output: 4 });
});

test('messages get roles; what had no counterpart is left out', () => {
  const base = { seq: 1, at: 5 };
  const messages: Message[] = [
    { ...base, id: '1', kind: 'user', text: 'hi', images: [], status: 'sent', by: 'me' },
    { ...base, id: '2', kind: 'thinking', text: 'hm', done: true },
    { ...base, id: '3', kind: 'text', text: 'hello', done: false },
    {
      ...base,
      id: '4',
      kind: 'tool',
      tool: 'Bash',
      title: 'ls',
      input: {},
      inputText: '',
      output: '',
      status: 'done',
      result: { text: 'a.txt', truncated: false },
    },
    {
      ...base,
      id: '5',
      kind: 'turn',
      outcome: 'done',
      text: '',
      durationMs: 1,
      costUsd: null,
      inputTokens: 0,
      outputTokens: 0,
    },
  ];
  assert.equal(legacyMessages(messages), [
    { id: '1', role: 'user', content: 'hi', timestamp: 5 },
    { id: '3', role: 'assistant', content: 'hello', timestamp: 5 },
    { id: '4', role: 'tool', content: 'Bash: ls\na.txt', timestamp: 5 },
  ]);
});

test.run();
