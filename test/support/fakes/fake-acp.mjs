// A scripted agent of the Agent Client Protocol. What it does is in the environment: ACP_SCRIPT is a JSON object, see below.
//   { silent, garbage, auth, noLoad, lost, modes, acts, huge, options, twice, stubborn, early, config, deafToModes,
//     paths, images, build, unique }
// ACP_LOG is a file that gets every line of its input.
// A prompt's text says what a turn does: see TURNS; any other is said again.
import { appendFileSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';

if (process.argv.includes('--version')) {
  console.log('fake 1.2.3');
  process.exit(0);
}
const script = JSON.parse(process.env.ACP_SCRIPT ?? '{}');
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const update = (fields) => send({ method: 'session/update', params: { sessionId, update: fields } });
const say = (text) => update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } });
let sessionId = script.unique ? `s-${process.pid}` : 's-1';
let mode = script.acts ? 'yolo' : 'default';
let asked = 0;
let cancelTurn = () => {};
const waiting = new Map();
const ask = (method, params) =>
  new Promise((resolve) => {
    const id = `a${++asked}`;
    waiting.set(id, resolve);
    send({ id, method, params: { sessionId, ...params } });
  });
const OPTIONS = [
  { optionId: 'once', name: 'Allow', kind: 'allow_once' },
  { optionId: 'always', name: 'Always allow', kind: 'allow_always' },
  { optionId: 'no', name: 'Reject', kind: 'reject_once' },
];
const modes = () => ({
  currentModeId: mode,
  availableModes: (script.build ? ['build', 'plan'] : ['default', 'plan', 'yolo']).map((id) => ({ id, name: id })),
});

/** Settings as options, some in groups, one on or off. */
const settings = { mode: 'yolo', allow: true, effort: 'low' };
const values = (list) => list.map((value) => ({ value, name: value.toUpperCase() }));
const config = () => [
  {
    id: 'm',
    name: 'Mode',
    type: 'select',
    category: 'mode',
    currentValue: settings.mode,
    options: [{ group: 'safe', name: 'Safe', options: values(['default', 'plan']) }, {
      group: 'other',
      name: 'Other',
      options: values(['yolo']),
    }],
  },
  { id: 'allow', name: 'Allow all', type: 'boolean', category: 'permissions', currentValue: settings.allow },
  {
    id: 'effort',
    name: 'Effort',
    type: 'select',
    category: 'thought_level',
    currentValue: settings.effort,
    options: values(['low', 'high']),
  },
];

async function permission(command) {
  const toolCall = {
    toolCallId: `c${asked}`,
    title: command,
    kind: 'execute',
    status: 'pending',
    rawInput: { command },
  };
  update({ sessionUpdate: 'tool_call', ...toolCall });
  const { outcome } = await ask('session/request_permission', { toolCall, options: script.options ?? OPTIONS });
  const status = outcome?.optionId === 'once' || outcome?.optionId === 'always' ? 'completed' : 'failed';
  const content = [{
    type: 'content',
    content: { type: 'text', text: `${command}: ${outcome?.optionId ?? outcome?.outcome}` },
  }];
  update({ sessionUpdate: 'tool_call_update', toolCallId: toolCall.toolCallId, status, content });
}

/** An answer of that length, 20 characters at a time. */
async function size(length, ms) {
  const text = 'abcdefghij'.repeat(length / 10);
  for (let at = 0; at < length; at += 20) {
    say(text.slice(at, at + 20));
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

const TURNS = {
  async hello() {
    update({ sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text: 'Think.' } });
    say('Hel');
    say(`lo in ${mode}.`);
    update({ sessionUpdate: 'usage_update', used: 10, size: 1000, cost: { amount: 0.5, currency: 'USD' } });
    update({
      sessionUpdate: 'plan',
      entries: [{ content: 'One', status: 'completed' }, { content: 'Two', status: 'pending' }],
    });
  },
  ask: () => permission('touch x'),
  async 'ask two'() {
    await permission('first');
    await permission('second');
  },
  async form() {
    const requestedSchema = {
      type: 'object',
      properties: { q0: { type: 'string', title: 'Color?', oneOf: [{ const: 'Blue' }] } },
    };
    const answer = await ask('elicitation/create', { mode: 'form', message: 'Pick', requestedSchema });
    say(JSON.stringify(answer));
  },
  wait: () => new Promise((resolve) => (cancelTurn = resolve)),
  fail: () => Promise.reject(new Error('boom')),
  details: () => Promise.reject(Object.assign(new Error('Internal error'), { data: { details: '401 bad key' } })),
  unauthorized: () => Promise.reject(Object.assign(new Error('{"error":{"message":"bad key"}}'), { code: 401 })),
  async 'fail in words'() {
    say('Info: Retrying...');
    say('Error: Authentication failed (HTTP 401).');
  },
  /** Asks again after the turn was cancelled, and once more after its end. */
  async 'ask on'() {
    await new Promise((resolve) => (cancelTurn = resolve));
    const toolCall = { toolCallId: 'late', title: 'late', kind: 'execute' };
    const { outcome } = await ask('session/request_permission', { toolCall, options: OPTIONS });
    say(`late: ${outcome.outcome}`);
  },
  /** A call that is over, then a request for another command under the same id. */
  async 'ask as another'() {
    const toolCall = { toolCallId: 'same', title: 'ls', kind: 'execute', rawInput: { command: 'ls' } };
    update({ sessionUpdate: 'tool_call', ...toolCall, status: 'completed' });
    const other = { toolCallId: 'same', title: 'rm -rf x', kind: 'execute' };
    await ask('session/request_permission', { toolCall: other, options: OPTIONS });
  },
  /** No tool_call before it, and two options of one kind. */
  async 'ask first'() {
    const toolCall = { toolCallId: 'first', title: 'make', kind: 'execute' };
    const options = [{ optionId: 'once', name: 'Once', kind: 'allow_once' }, {
      optionId: 'switch',
      name: 'Once, then ask',
      kind: 'allow_once',
    }, { optionId: 'no', name: 'No', kind: 'reject_once' }];
    const { outcome } = await ask('session/request_permission', { toolCall, options });
    say(outcome.optionId);
  },
  async question() {
    const questions = [{ question: 'Color?', header: 'Color', options: [{ label: 'Blue' }, { label: 'Red' }] }];
    const toolCall = { toolCallId: 'q', title: 'Ask', kind: 'think', rawInput: { questions } };
    const options = [{ optionId: 'proceed_once', name: 'Submit', kind: 'allow_once' }, {
      optionId: 'cancel',
      name: 'Cancel',
      kind: 'reject_once',
    }];
    say(JSON.stringify(await ask('session/request_permission', { toolCall, options })));
  },
  async link() {
    say(JSON.stringify(await ask('elicitation/create', { mode: 'url', url: 'https://example.org', message: 'Go' })));
  },
  async 'other session'() {
    const other = { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'not yours' } };
    send({ method: 'session/update', params: { sessionId: 's-2', update: other } });
    send({ method: 'made/up', params: null });
    send({ method: 'session/update' });
    update({ sessionUpdate: 'tool_call_update', toolCallId: 'never-begun', status: 'completed' });
    update({ sessionUpdate: 'made_up' });
    say('mine');
  },
  /** A tool that returns a picture, and something that is called one. */
  async picture() {
    const data = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
    const image = (data) => ({ type: 'content', content: { type: 'image', mimeType: 'image/png', data } });
    const content = [{ type: 'content', content: { type: 'text', text: 'a page' } }, image(data), image('PGh0bWw+')];
    update({
      sessionUpdate: 'tool_call',
      toolCallId: 'shot',
      title: 'Screenshot',
      kind: 'other',
      status: 'in_progress',
    });
    update({ sessionUpdate: 'tool_call_update', toolCallId: 'shot', status: 'completed', content });
  },
  async 'change mode'() {
    mode = 'yolo';
    update({ sessionUpdate: 'current_mode_update', currentModeId: mode });
  },
  async quit() {
    await new Promise((resolve) => process.stdout.write('', resolve));
    process.exit(3);
  },
  async many() {
    for (let i = 0; i < 200; i++) {
      void ask('session/request_permission', { toolCall: { toolCallId: `m${i}`, title: `t${i}` }, options: OPTIONS });
    }
    await new Promise((resolve) => (cancelTurn = resolve));
  },
  async files() {
    const results = [];
    for (
      const method of [
        'fs/read_text_file',
        'fs/write_text_file',
        'terminal/create',
        'terminal/output',
        'terminal/kill',
        'made/up',
      ]
    ) {
      for (const path of script.paths ?? ['../../../etc/passwd']) {
        results.push(await ask(method, { path, content: 'x', command: 'id', terminalId: 't' }));
      }
    }
    say(JSON.stringify(results));
  },
};

const INFO = {
  protocolVersion: 1,
  agentCapabilities: { loadSession: !script.noLoad, promptCapabilities: { image: script.images ?? true } },
  agentInfo: { name: 'fake', version: '1.2.3' },
  authMethods: [{ id: 'login', type: 'terminal', name: 'Login', command: 'fake', args: ['login'] }],
};

const METHODS = {
  initialize: () => {
    // Some tell of a session before they have answered for it.
    if (script.early) update({ sessionUpdate: 'current_mode_update', currentModeId: 'plan' });
    return INFO;
  },
  'session/new'() {
    if (script.auth) throw Object.assign(new Error('Authentication required'), { code: -32000 });
    update({ sessionUpdate: 'available_commands_update', availableCommands: [{ name: 'help', description: 'Help' }] });
    const configOptions = script.config ? { configOptions: config() } : {};
    return { sessionId, ...configOptions, ...(script.modes === false ? {} : { modes: modes() }) };
  },
  'session/load'({ sessionId: id }) {
    if (script.lost) throw Object.assign(new Error('No such session'), { code: -32602 });
    sessionId = id;
    update({ sessionUpdate: 'user_message_chunk', content: { type: 'text', text: 'old question' } });
    say('old answer');
    mode = 'yolo';
    return { modes: modes() };
  },
  'session/set_config_option'({ configId, value, type }) {
    if (configId === 'm') settings.mode = value;
    if (configId === 'allow' && type === 'boolean') settings.allow = value;
    if (configId === 'effort') settings.effort = value;
    return { configOptions: config() };
  },
  'session/set_mode'({ modeId }) {
    if (script.deafToModes) send({ method: 'deaf', params: {} });
    if (script.deafToModes) return new Promise(() => {});
    mode = modeId;
    return {};
  },
  async 'session/prompt'({ prompt }) {
    const text = prompt.map((block) => block.text ?? `[${block.type}]`).join(' ');
    let isCancelled = false;
    const previous = cancelTurn;
    cancelTurn = () => {
      isCancelled = true;
      previous();
    };
    const [, length, ms] = /^size (\d+) (\d+)$/.exec(text) ?? [];
    const turn = length
      ? () => size(Number(length), Number(ms))
      : /^ask \d+$/.test(text)
      ? () => permission(`touch ${text}`)
      : TURNS[text] ?? (async () => say(text));
    const done = turn();
    const inner = cancelTurn;
    cancelTurn = () => {
      isCancelled = true;
      inner();
    };
    await done;
    return { stopReason: isCancelled ? 'cancelled' : 'end_turn', usage: { inputTokens: 3, outputTokens: 4 } };
  },
};

/** One line, in pieces of a MiB. */
function writeHuge(bytes) {
  process.stdout.write('{"jsonrpc":"2.0","method":"x","params":"');
  const piece = 'y'.repeat(1024 * 1024);
  for (let left = bytes; left > 0; left -= piece.length) process.stdout.write(piece.slice(0, left));
  process.stdout.write('"}\n');
}

if (script.garbage) process.stdout.write('Welcome to the agent!\nloading…\n');
if (script.stubborn) process.on('SIGTERM', () => {});
const lines = createInterface({ input: process.stdin });
if (script.stubborn) lines.on('close', () => setInterval(() => {}, 1000));
lines.on('line', async (line) => {
  if (process.env.ACP_LOG) appendFileSync(process.env.ACP_LOG, `${line}\n`);
  const message = JSON.parse(line);
  if (message.method === 'session/cancel') return cancelTurn();
  if (!message.method) {
    waiting.get(message.id)?.(message.result ?? message.error);
    waiting.delete(message.id);
    return;
  }
  if (script.silent) return;
  if (script.huge) writeHuge(script.huge);
  script.huge = 0;
  try {
    const result = await METHODS[message.method](message.params);
    send({ id: message.id, result });
    if (script.twice) send({ id: message.id, result: { sessionId: 'other', stopReason: 'refusal' } });
    if (script.twice) send({ id: 999, result: {} });
  } catch (error) {
    send({ id: message.id, error: { code: error.code ?? -32603, message: error.message, data: error.data } });
  }
});
