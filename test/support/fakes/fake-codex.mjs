#!/usr/bin/env node
// A scripted `codex app-server`: what it does is chosen by the first word of the message. No model, no network, 40 ms to
// start. FAKE_CODEX_LOGIN=none: says that nobody is logged in. FAKE_CODEX_HUNG=1: answers nothing. FAKE_CODEX_TAKEN names a file
// that gets the id of every message that a thread takes up, as the real one's files do: it outlives the process. FAKE_CODEX_LOG
// names one that gets every line of the input.
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import process from 'node:process';

if (process.argv.includes('--version')) {
  console.log('codex-cli 0.0.0-demo (demo)');
  process.exit(0);
}

const out = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const threads = new Map(); // id → { id, cwd, turn: null | { id, pending }, isEmpty: it had no turn yet }
const pending = new Map(); // server request id → callback with the result
let count = 0;
let nextAsk = 0;
// With a log there may be more than one of it.
const prefix = process.env.FAKE_CODEX_LOG ? `${process.pid}-` : '';
const id = (kind) => `${kind}-${prefix}${++count}`;

const notify = (thread, method, params = {}) =>
  out({ method, params: { threadId: thread.id, turnId: thread.turn?.id ?? '', ...params } });
const item = (thread, phase, entry) => notify(thread, `item/${phase}`, { item: entry });
const ask = (thread, method, params, then) => {
  const askId = nextAsk++;
  pending.set(askId, (result) => {
    notify(thread, 'serverRequest/resolved', { requestId: askId });
    then(result);
  });
  thread.asking = askId;
  out({ method, id: askId, params: { threadId: thread.id, turnId: thread.turn.id, ...params } });
};

function say(thread, text, done = true) {
  const entry = { type: 'agentMessage', id: id('msg'), text: '' };
  item(thread, 'started', entry);
  for (let at = 0; at < text.length; at += 5) {
    notify(thread, 'item/agentMessage/delta', { itemId: entry.id, delta: text.slice(at, at + 5) });
  }
  if (done) item(thread, 'completed', { ...entry, text });
}

function end(thread, status = 'completed', error = null) {
  const { turn } = thread;
  if (!turn) return;
  notify(thread, 'thread/tokenUsage/updated', {
    tokenUsage: {
      total: { totalTokens: 150, inputTokens: 100, cachedInputTokens: 40, outputTokens: 50 },
      last: { totalTokens: 150 },
      modelContextWindow: 1000,
    },
  });
  notify(thread, 'turn/completed', { turn: { id: turn.id, status, error, durationMs: 5 } });
  thread.turn = null;
}

function command(thread, line) {
  const entry = {
    type: 'commandExecution',
    id: id('call'),
    command: `/bin/bash -lc '${line}'`,
    cwd: thread.cwd,
    status: 'inProgress',
  };
  item(thread, 'started', entry);
  ask(thread, 'item/commandExecution/requestApproval', {
    itemId: entry.id,
    command: entry.command,
    cwd: thread.cwd,
    reason: 'May I?',
    availableDecisions: ['accept', { acceptWithExecpolicyAmendment: { execpolicy_amendment: [line] } }, 'cancel'],
  }, ({ decision }) => {
    const isAllowed = decision !== 'decline' && decision !== 'cancel';
    if (isAllowed) notify(thread, 'item/commandExecution/outputDelta', { itemId: entry.id, delta: 'done\n' });
    item(thread, 'completed', {
      ...entry,
      status: isAllowed ? 'completed' : 'declined',
      aggregatedOutput: isAllowed ? 'done\n' : null,
      exitCode: isAllowed ? 0 : null,
    });
    if (decision === 'cancel') return end(thread, 'interrupted');
    say(thread, `decision ${JSON.stringify(decision)}`);
    end(thread);
  });
}

const SCRIPTS = {
  run: (thread, rest) => command(thread, rest),
  patch(thread) {
    const entry = {
      type: 'fileChange',
      id: id('call'),
      status: 'inProgress',
      changes: [{
        path: `${thread.cwd}/a.txt`,
        kind: { type: 'update', move_path: null },
        diff: '@@ -1 +1,2 @@\n one\n+two\n',
      }],
    };
    item(thread, 'started', entry);
    ask(
      thread,
      'item/fileChange/requestApproval',
      { itemId: entry.id, reason: null, grantRoot: null },
      ({ decision }) => {
        item(thread, 'completed', { ...entry, status: decision === 'accept' ? 'completed' : 'declined' });
        end(thread);
      },
    );
  },
  // see <file>: looks at a picture, and a tool of an MCP server returns it.
  see(thread, path) {
    const view = { type: 'imageView', id: id('call'), path };
    const call = {
      type: 'mcpToolCall',
      id: id('call'),
      server: 'web',
      tool: 'shot',
      arguments: {},
      status: 'inProgress',
    };
    for (const entry of [view, call]) item(thread, 'started', entry);
    item(thread, 'completed', view);
    const data = readFileSync(path).toString('base64');
    const content = [{ type: 'text', text: 'a page' }, { type: 'image', mimeType: 'image/png', data }];
    item(thread, 'completed', { ...call, status: 'completed', result: { content }, error: null });
    end(thread);
  },
  ask(thread) {
    ask(thread, 'item/tool/requestUserInput', {
      itemId: id('call'),
      questions: [{
        id: 'q1',
        header: 'Colour',
        question: 'Which?',
        options: [{ label: 'Red', description: '' }],
        isOther: true,
        isSecret: false,
      }],
      isBlocking: true,
    }, ({ answers }) => {
      say(thread, `answers ${JSON.stringify(answers)}`);
      end(thread);
    });
  },
  unknown(thread) {
    process.stdout.write('not json\n\n');
    notify(thread, 'no/such/notification', { deep: [{}] });
    item(thread, 'started', { type: 'noSuchItem', id: 'x' });
    item(thread, 'completed', { type: 'noSuchItem', id: 'x' });
    ask(thread, 'no/such/request', {}, () => {});
    notify(thread, 'item/agentMessage/delta', { itemId: 'never started', delta: 'x' });
    say(thread, 'still here');
    end(thread);
  },
  // A subagent in a thread of its own, which asks too.
  agent(thread) {
    const tool = {
      type: 'collabAgentToolCall',
      id: id('call'),
      tool: 'spawnAgent',
      prompt: 'look around',
      status: 'inProgress',
    };
    item(thread, 'started', tool);
    const child = { id: id('thread'), cwd: thread.cwd, turn: { id: id('turn') } };
    threads.set(child.id, child);
    out({ method: 'thread/started', params: { thread: { id: child.id, parentThreadId: thread.id } } });
    notify(child, 'turn/started', { turn: { id: child.turn.id } });
    say(child, 'the subagent speaks');
    const entry = { type: 'commandExecution', id: id('call'), command: 'ls', cwd: thread.cwd, status: 'inProgress' };
    item(child, 'started', entry);
    ask(child, 'item/commandExecution/requestApproval', { itemId: entry.id, command: 'ls', cwd: thread.cwd }, () => {
      item(child, 'completed', { ...entry, status: 'completed' });
      end(child);
      item(thread, 'completed', { ...tool, status: 'completed' });
      end(thread);
    });
  },
  // size <characters> <ms>: an answer of that length, 20 characters at a time.
  size(thread, rest) {
    const [size, ms] = rest.split(' ').map(Number);
    const entry = { type: 'agentMessage', id: id('msg'), text: '' };
    item(thread, 'started', entry);
    const text = 'abcdefghij'.repeat(size / 10);
    let at = 0;
    const timer = setInterval(() => {
      const delta = text.slice(at, at += 20);
      if (delta) return notify(thread, 'item/agentMessage/delta', { itemId: entry.id, delta });
      clearInterval(timer);
      item(thread, 'completed', { ...entry, text });
      end(thread);
    }, ms);
  },
  slow: (thread) => say(thread, 'a long answer that never ends', false),
  // linger <ms>: its turn takes that long to end after it was interrupted.
  linger(thread, ms) {
    thread.lingerMs = Number(ms);
    say(thread, 'a long answer that ends late', false);
  },
  retry(thread) {
    say(thread, 'The answer is', false);
    notify(thread, 'error', {
      error: { message: 'Reconnecting... 1/2', additionalDetails: 'stream disconnected' },
      willRetry: true,
    });
    say(thread, 'The answer is 42.');
    end(thread);
  },
  // Output as fast as it is read, until it is interrupted.
  flood(thread) {
    const entry = { type: 'commandExecution', id: id('call'), command: 'yes', cwd: thread.cwd, status: 'inProgress' };
    item(thread, 'started', entry);
    const line = {
      method: 'item/commandExecution/outputDelta',
      params: { threadId: thread.id, itemId: entry.id, delta: 'y\n' },
    };
    const lines = `${JSON.stringify(line)}\n`.repeat(1000);
    const pour = () => {
      if (!thread.turn) return;
      if (process.stdout.write(lines)) setImmediate(pour);
      else process.stdout.once('drain', () => setImmediate(pour));
    };
    pour();
  },
  fail: (thread) => end(thread, 'failed', { message: 'boom', codexErrorInfo: 'internalServerError' }),
  crash() {
    process.stderr.write('thread main panicked\n');
    process.exit(3);
  },
  // Answers nothing any more and ignores SIGTERM, with children that do the same.
  hang() {
    process.on('SIGTERM', () => {});
    process.stdin.removeAllListeners('data').removeAllListeners('end');
    for (let i = 0; i < 3; i++) {
      spawn('/bin/sh', ['-c', `trap '' TERM INT; while :; do sleep 1; done`], { stdio: 'ignore', detached: i === 2 });
    }
    setInterval(() => {}, 1000);
  },
};

function turn(thread, text) {
  const [word, ...rest] = text.split(' ');
  const script = SCRIPTS[word];
  if (script) return script(thread, rest.join(' '));
  const thought = { type: 'reasoning', id: id('rs'), summary: [], content: [] };
  item(thread, 'started', thought);
  notify(thread, 'item/reasoning/summaryTextDelta', { itemId: thought.id, delta: 'Hmm', summaryIndex: 0 });
  item(thread, 'completed', { ...thought, summary: ['Hmm'] });
  say(thread, `You said: ${text}`);
  end(thread);
}

const METHODS = {
  initialize: () => ({ userAgent: 'agent_monitor/9.9.9 (fake)' }),
  'account/read': () =>
    process.env.FAKE_CODEX_LOGIN === 'none'
      ? { account: null, requiresOpenaiAuth: true }
      : { account: { type: 'apiKey' }, requiresOpenaiAuth: true },
  'model/list': () => ({
    data: [
      { id: 'm', model: 'fake-1', displayName: 'Fake 1', supportedReasoningEfforts: [{ reasoningEffort: 'low' }] },
      { model: 'h', hidden: true },
    ],
  }),
  'thread/start': ({ cwd }) => opened({ id: id('thread'), cwd, turn: null, isEmpty: true }),
  'thread/resume': ({ threadId, cwd }) => {
    if (threadId === 'unknown' || threads.get(threadId)?.isEmpty) {
      throw new Error(`no rollout found for thread id ${threadId}`);
    }
    return opened(threads.get(threadId) ?? { id: threadId, cwd, turn: null });
  },
  'thread/fork': ({ threadId, cwd }) => opened({ id: `${threadId}-fork`, cwd, turn: null }),
  'thread/list': () => ({
    data: [{
      id: 'disk-thread',
      preview: 'first',
      cwd: '/p',
      updatedAt: 1000,
      createdAt: 900,
      status: { type: 'notLoaded' },
      path: null,
      name: null,
    }],
  }),
  'thread/turns/list': () => ({
    data: [{
      id: 'turn-0',
      status: 'completed',
      startedAt: 900,
      items: [
        ...recorded().map((clientId) => ({ type: 'userMessage', id: `user ${clientId}`, clientId, content: [] })),
        { type: 'agentMessage', id: 'old', text: 'said long ago' },
      ],
    }],
  }),
  'thread/unsubscribe': () => ({ status: 'unsubscribed' }),
  'thread/backgroundTerminals/clean': () => ({}),
  'turn/interrupt': ({ threadId }) => {
    const thread = threads.get(threadId);
    if (!thread?.turn) throw new Error('no active turn to interrupt');
    setTimeout(() => {
      end(thread, 'interrupted');
      if (pending.delete(thread.asking)) notify(thread, 'serverRequest/resolved', { requestId: thread.asking });
    }, thread.lingerMs ?? 0);
    return {};
  },
  'turn/start': ({ threadId, input, clientUserMessageId }) => {
    const thread = threads.get(threadId);
    if (!thread) throw new Error(`thread not found: ${threadId}`);
    if (thread.turn) return { turn: { id: steer(thread, input, clientUserMessageId) } };
    if (textOf(input) === 'refuse') throw new Error('refused');
    if (textOf(input).startsWith('too deep')) {
      const deep = `${'['.repeat(500)}${']'.repeat(500)}`;
      process.stdout.write(`{"method":"item/completed","params":{"threadId":"${thread.id}","item":${deep}}}\n`);
    }
    if (textOf(input).startsWith('swallow')) return swallow(thread, input, clientUserMessageId);
    const turnId = id('turn');
    thread.turn = { id: turnId };
    thread.isEmpty = false;
    setImmediate(() => {
      notify(thread, 'turn/started', { turn: { id: turnId } });
      take(thread, input, clientUserMessageId);
      turn(thread, textOf(input));
    });
    return { turn: { id: turnId } };
  },
  'thread/compact/start': ({ threadId }) => {
    const thread = threads.get(threadId);
    if (thread.turn) throw new Error('a turn is running');
    thread.turn = { id: id('turn') };
    setImmediate(() => {
      notify(thread, 'turn/started', { turn: { id: thread.turn.id } });
      const entry = { type: 'contextCompaction', id: id('compaction') };
      item(thread, 'started', entry);
      item(thread, 'completed', entry);
      end(thread);
    });
    return {};
  },
  'review/start': ({ threadId, target }) => {
    const thread = threads.get(threadId);
    if (thread.turn) throw new Error('a turn is running');
    const turnId = id('turn');
    thread.turn = { id: turnId };
    setImmediate(() => {
      notify(thread, 'turn/started', { turn: { id: turnId } });
      say(thread, `Reviewed ${JSON.stringify(target)}`);
      end(thread);
    });
    return { turn: { id: turnId }, reviewThreadId: threadId };
  },
  'turn/steer': ({ threadId, expectedTurnId, input, clientUserMessageId }) => {
    const thread = threads.get(threadId);
    // The turn ends while the message is on its way to it.
    if (textOf(input).startsWith('missed')) end(thread);
    if (thread?.turn?.id !== expectedTurnId) throw new Error('no active turn to steer');
    steer(thread, input, clientUserMessageId);
    // The turn ends after it was given the message and before that is answered.
    if (textOf(input).startsWith('late and last')) end(thread);
    return { turnId: expectedTurnId };
  },
};

// swallow: hangs without an answer, before the thread holds the message. swallow taken: after it. swallow late <ms>: begins, and
// answers, only then. swallow mute: begins and never answers.
function swallow(thread, input, clientId) {
  const [, kind, ms] = textOf(input).split(' ');
  const begin = () => {
    thread.turn = { id: id('turn') };
    thread.isEmpty = false;
    setImmediate(() => {
      notify(thread, 'turn/started', { turn: { id: thread.turn.id } });
      take(thread, input, clientId);
      say(thread, `You said: ${textOf(input)}`);
      end(thread);
    });
    return thread.turn.id;
  };
  if (kind === 'mute') return void begin();
  if (kind === 'late') {
    return new Promise((resolve) => setTimeout(() => resolve({ turn: { id: begin() } }), Number(ms)));
  }
  if (kind === 'taken') record(clientId);
  SCRIPTS.hang();
}

function record(clientId) {
  if (clientId && process.env.FAKE_CODEX_TAKEN) appendFileSync(process.env.FAKE_CODEX_TAKEN, `${clientId}\n`);
}

function recorded() {
  const path = process.env.FAKE_CODEX_TAKEN;
  return path && existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
}

const textOf = (input) => input.filter((part) => part.type === 'text').map((part) => part.text).join('');

const take = (thread, input, clientId = null) => {
  record(clientId);
  item(thread, 'started', { type: 'userMessage', id: id('user'), clientId, content: input });
};

function steer(thread, input, clientId) {
  // A late message is never taken up by this turn.
  if (!textOf(input).startsWith('late')) setImmediate(() => take(thread, input, clientId));
  return thread.turn.id;
}

function opened(thread) {
  threads.set(thread.id, thread);
  return {
    thread: { id: thread.id, cwd: thread.cwd },
    model: 'fake-1',
    sandbox: { type: 'workspaceWrite', writableRoots: [], networkAccess: true },
  };
}

let rest = '';
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop();
  for (const line of lines) if (line) receive(JSON.parse(line), line);
});
process.stdin.on('end', () => process.exit(0));

function receive({ id: messageId, method, params, result }, line) {
  if (process.env.FAKE_CODEX_LOG) appendFileSync(process.env.FAKE_CODEX_LOG, `${line}\n`);
  if (process.env.FAKE_CODEX_HUNG) return;
  if (!method) {
    const then = pending.get(messageId);
    pending.delete(messageId);
    return then?.(result ?? {});
  }
  if (messageId === undefined) return;
  try {
    if (!METHODS[method]) throw new Error(`unknown method ${method}`);
    const answer = METHODS[method](params ?? {});
    if (answer instanceof Promise) return void answer.then((late) => out({ id: messageId, result: late }));
    if (answer) out({ id: messageId, result: answer });
  } catch (error) {
    out({ id: messageId, error: { code: -32600, message: error.message } });
  }
}
