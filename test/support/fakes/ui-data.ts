import type { AgentInfo, Capabilities } from '../../../core/api/agents.ts';
import type { FileDiff, Message, RequestMessage } from '../../../core/api/messages.ts';
import type { Task } from '../../../core/api/tasks.ts';
import type { MachineInfo } from '../../../core/api/live.ts';

export const NOW = Date.now();
const minutes = (n: number) => NOW - n * 60_000;

export const machine: MachineInfo = {
  name: 'workstation',
  platform: 'linux x64',
  version: '0.1.0',
  startedAt: minutes(600),
  providers: {
    claude: { label: 'Claude', icon: '✳', available: true, version: '2.1.330', demo: false, text: '' },
    codex: {
      label: 'Codex',
      icon: '⬡',
      available: false,
      version: '',
      demo: false,
      text: 'Codex is not installed: npm i -g @openai/codex',
    },
  },
  terminals: { available: true, text: '' },
  defaultDirectory: '',
};

export const capabilities: Capabilities = {
  models: [
    { value: 'sonnet', label: 'Sonnet', efforts: ['low', 'medium', 'high'] },
    { value: 'opus', label: 'Opus', efforts: ['low', 'medium', 'high', 'max'] },
  ],
  commands: [
    { name: 'clear', description: 'Clear the conversation', argumentHint: '' },
    { name: 'compact', description: 'Summarise the conversation to free context', argumentHint: '[focus]' },
    { name: 'review', description: 'Review a pull request', argumentHint: '<number>' },
  ],
  modes: ['default', 'acceptEdits', 'plan'],
  account: 'someone@example.org',
};

export function agent(part: Partial<AgentInfo> & { id: string }): AgentInfo {
  return {
    name: part.id,
    provider: 'claude',
    demo: false,
    directory: '/home/someone/projects/shop',
    worktree: null,
    state: 'idle',
    stateReason: 'done',
    stateText: '',
    stateSince: minutes(5),
    sessionId: '7d1c3f1e-0000-4000-8000-000000000001',
    resumable: true,
    model: 'sonnet',
    mode: 'default',
    effort: 'medium',
    createdAt: minutes(90),
    activeAt: minutes(5),
    usage: {
      costUsd: 0.4213,
      inputTokens: 48_200,
      outputTokens: 6_310,
      cacheReadTokens: 310_000,
      cacheWriteTokens: 22_000,
      contextTokens: 61_000,
      contextWindow: 200_000,
      turns: 6,
    },
    queue: [],
    pending: [],
    lastSeq: 0,
    preview: '',
    cli: { running: true, pid: 4242, version: '2.1.330', seenAt: minutes(0) },
    flags: {},
    adminEmail: '',
    whatsappPhone: '',
    slackWebhookUrl: '',
    taskId: null,
    ...part,
  };
}

export const task = (part: Partial<Task> & { id: string }): Task => ({
  name: part.id,
  prompt: 'Move the shop to the new service',
  directory: '/home/someone/projects/shop',
  provider: 'claude',
  order: 0,
  claudeMd: '',
  flags: {},
  status: 'pending',
  agentId: null,
  error: '',
  attempts: 0,
  createdAt: minutes(90),
  startedAt: null,
  endedAt: null,
  ...part,
});

type Draft = { [K in Message['kind']]: Omit<Extract<Message, { kind: K }>, 'seq' | 'at' | 'id'> }[Message['kind']];

/** Messages with ids and sequence numbers in order. */
export function messages(drafts: (Draft & { id?: string; at?: number })[], from = 1): Message[] {
  return drafts.map((draft, i) =>
    ({ id: `m${from + i}`, seq: from + i, at: NOW - (drafts.length - i) * 20_000, ...draft }) as Message
  );
}

export const text = (value: string, done = true): Draft => ({ kind: 'text', text: value, done });
export const user = (value: string): Draft => ({
  kind: 'user',
  text: value,
  images: [],
  status: 'sent',
  by: 'Safari on iPhone',
});

/** @param point where the session stands at its end; missing: the CLI names no place */
export const turn = (point?: string): Draft => ({
  ...(point ? { point: { session: 's', id: point } } : {}),
  kind: 'turn',
  outcome: 'done',
  text: '',
  durationMs: 1000,
  costUsd: null,
  inputTokens: 1,
  outputTokens: 1,
});

export const diff: FileDiff = {
  path: 'src/checkout/totals.ts',
  kind: 'update',
  hunks: [{
    oldStart: 14,
    oldLines: 6,
    newStart: 14,
    newLines: 8,
    lines: [
      ' export function total(lines: Line[]): number {',
      '-  return lines.reduce((sum, line) => sum + line.price * line.count, 0);',
      '+  const cents = lines.reduce((sum, line) => sum + Math.round(line.price * 100) * line.count, 0);',
      '+  // Money is counted in cents: floats lose them.',
      '+  return cents / 100;',
      ' }',
      ' ',
      ' export function withTax(amount: number): number {',
    ],
  }],
};

export const permission = (part: Partial<RequestMessage> = {}): Draft => ({
  kind: 'request',
  request: 'permission',
  toolId: null,
  tool: 'Bash',
  title: 'npm test -- --runInBand',
  description: 'Run the test suite of the checkout package',
  input: { command: 'npm test -- --runInBand', description: 'Run the tests' },
  diffs: [],
  choices: [
    { id: 'allow', label: 'Allow once', detail: '', tone: 'allow' },
    {
      id: 'rule:0',
      label: 'Always allow Bash(npm test:*)',
      detail: 'Written to .claude/settings.local.json in the folder.',
      tone: 'rule',
    },
    { id: 'deny', label: 'Deny', detail: '', tone: 'deny' },
  ],
  questions: [],
  plan: '',
  status: 'pending',
  decision: null,
  ...part,
});

export const question = (): Draft =>
  permission({
    request: 'question',
    tool: 'AskUserQuestion',
    title: 'Which database?',
    choices: [{ id: 'deny', label: 'Skip', detail: '', tone: 'deny' }],
    questions: [
      {
        id: 'q0',
        header: 'Database',
        question: 'Which database should the new service use?',
        options: [
          { label: 'PostgreSQL', description: 'What the other services use; needs a migration.' },
          { label: 'SQLite', description: 'One file, nothing to run.' },
        ],
        multiSelect: false,
        other: true,
        secret: false,
      },
      {
        id: 'q1',
        header: 'Extras',
        question: 'What else should be set up?',
        options: [{ label: 'Backups', description: '' }, { label: 'Metrics', description: 'A /metrics page' }],
        multiSelect: true,
        other: false,
        secret: false,
      },
    ],
  });

export const PLAN =
  '## Move totals to cents\n\n1. Change `total` to count in **cents**\n2. Adapt the three callers\n3. Add tests for rounding\n\n> No change of the database is needed.\n';
export const plan = (): Draft =>
  permission({
    request: 'plan',
    tool: 'ExitPlanMode',
    title: 'Plan',
    plan: PLAN,
    choices: [
      { id: 'allow', label: 'Approve the plan', detail: '', tone: 'allow' },
      { id: 'deny', label: 'Keep planning', detail: '', tone: 'deny' },
    ],
  });

/** One of everything, as a real conversation would have it. */
export function conversation(): Message[] {
  const list = messages([
    user('The totals in the checkout are off by a cent sometimes. Find out why and fix it.'),
    {
      kind: 'thinking',
      text: 'Probably floating point. Let me look at how totals are computed.\n\nThen check the **callers**.',
      done: true,
    },
    text("I'll look at how the totals are computed first."),
    {
      kind: 'tool',
      tool: 'Grep',
      title: 'price \\*',
      input: { pattern: 'price \\*', path: 'src' },
      inputText: '',
      output: '',
      status: 'done',
      result: { text: 'src/checkout/totals.ts:15\nsrc/cart/line.ts:9', truncated: false },
      endedAt: NOW,
    },
    {
      kind: 'tool',
      tool: 'Task',
      title: 'Find every caller of total()',
      input: { prompt: 'Find every caller' },
      inputText: '',
      output: '',
      status: 'done',
      result: { text: 'Three callers.', truncated: false },
      endedAt: NOW,
    },
    {
      kind: 'todos',
      todos: [
        { text: 'Find where totals are computed', status: 'completed' },
        { text: 'Count in cents', status: 'in_progress' },
        { text: 'Add tests for rounding', status: 'pending' },
      ],
    },
    {
      kind: 'tool',
      tool: 'Edit',
      title: 'src/checkout/totals.ts',
      input: { file_path: 'src/checkout/totals.ts' },
      inputText: '',
      output: '',
      status: 'done',
      result: { text: 'The file was updated.', truncated: false, diffs: [diff] },
      endedAt: NOW,
    },
    {
      kind: 'tool',
      tool: 'Bash',
      title: 'npm run lint',
      input: { command: 'npm run lint' },
      inputText: '',
      output: '',
      status: 'error',
      result: { text: 'src/cart/line.ts\n  9:3  error  Unexpected any\n\n1 problem', truncated: false, exitCode: 1 },
      endedAt: NOW,
    },
    text(
      'The cause is **floating point**: `0.1 + 0.2` is not `0.3`. Prices are multiplied and summed as floats, so a cent gets lost.\n\n' +
        '### What I changed\n\n- `total` counts in cents and divides once at the end\n- the three callers stay as they are\n\n' +
        "```ts\nconst cents = lines.reduce((sum, line) => sum + Math.round(line.price * 100) * line.count, 0);\n```\n\n| Cart | before | after |\n|---|---:|---:|\n| 3 × 0.10 | 0.30000000000000004 | 0.30 |\n| 1 × 19.99 | 19.99 | 19.99 |\n\nSee [the standard](https://en.wikipedia.org/wiki/IEEE_754) for why. Next I'd like to run the tests.",
    ),
    {
      kind: 'turn',
      outcome: 'done',
      text: '',
      durationMs: 48_200,
      costUsd: 0.31,
      inputTokens: 41_000,
      outputTokens: 5_100,
    },
    user('Good. Run the tests, then add some for rounding.'),
    permission({
      title: 'git status --short',
      input: { command: 'git status --short' },
      status: 'answered',
      decision: { decision: 'allow', clientId: 'x', by: 'Safari on iPhone', at: minutes(2) },
    }),
    {
      kind: 'notice',
      level: 'warning',
      code: 'rate_limit',
      text: 'You have used 85 % of the five-hour limit.',
      passing: false,
    },
  ]);
  const [first] = messages([{
    kind: 'tool',
    tool: 'Grep',
    title: 'total\\(',
    input: { pattern: 'total\\(' },
    inputText: '',
    output: '',
    status: 'done',
    result: { text: '3 matches', truncated: false },
    endedAt: NOW,
  }], list.length + 1);
  return [...list, { ...first!, parent: 'm5' }];
}
