/**
 * A fake Claude Code for tests: what it does is said by the prompt. FAKE_CLAUDE_LOG names a file that gets every line of its
 * stdin. Runs as CLAUDE_BIN.
 */
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { argument, serveClaude } from '../../../scripts/demo/claude-host.ts';
import type { Script, Turn } from '../../../scripts/demo/claude-turn.ts';

const RULE = {
  type: 'addRules',
  rules: [{ toolName: 'Bash', ruleContent: 'x' }],
  behavior: 'allow',
  destination: 'localSettings',
};
const EDITS = { type: 'setMode', mode: 'acceptEdits', destination: 'session' };

/** First word of the prompt → what happens; the rest of the prompt is its argument. */
const PROMPTS: Record<string, (turn: Turn, rest: string) => Promise<void>> = {
  async bash(turn, command) {
    await turn.text('I run a command.');
    await turn.tool({
      name: 'Bash',
      input: { command, description: 'a command' },
      ask: [RULE, EDITS],
      run: (input, signal) => shell(String(input.command), signal),
    });
    await turn.text('The command step is over.');
  },
  /** serve <command>: a program that goes on behind the turn, as a dev server does. */
  async serve(turn, command) {
    spawn('sh', ['-c', command], { stdio: 'ignore' }).unref();
    await turn.text('It is being started.');
  },
  /** long <words> <ms between two> */
  async long(turn, rest) {
    const [count = 20, delayMs = 20] = rest.split(' ').map(Number);
    await turn.text('word '.repeat(count), { chunk: 5, delayMs });
  },
  /** size <characters> <characters a delta> <ms> */
  async size(turn, rest) {
    const [size = 1000, chunk = 20, delayMs = 1] = rest.split(' ').map(Number);
    await turn.text(prose(size), { chunk, delayMs });
  },
  async ask(turn) {
    const question = {
      question: 'Which colour?',
      header: 'Colour',
      multiSelect: false,
      options: [{ label: 'Red', description: '' }, { label: 'Blue', description: '' }],
    };
    await turn.tool({
      name: 'AskUserQuestion',
      input: { questions: [question] },
      ask: [],
      run: (input) => Promise.resolve({ text: JSON.stringify(input.answers) }),
    });
    await turn.text('Thanks.');
  },
  async plan(turn) {
    await turn.tool({
      name: 'ExitPlanMode',
      input: { plan: '# Plan\n1. do it' },
      ask: [],
      run: () => Promise.resolve({ text: 'approved' }),
    });
    await turn.text('The plan step is over.');
  },
  async edit(turn) {
    await turn.tool({
      name: 'Edit',
      input: { file_path: '/tmp/a.txt', old_string: 'a', new_string: 'b' },
      run: () =>
        Promise.resolve({
          text: 'updated',
          details: {
            filePath: '/tmp/a.txt',
            structuredPatch: [{ oldStart: 1, oldLines: 1, newStart: 1, newLines: 1, lines: ['-a', '+b'] }],
          },
        }),
    });
  },
  /** write <path>: into a file, as the real one says it. */
  async write(turn, path) {
    await turn.tool({
      name: 'Write',
      input: { file_path: path, content: 'of the agent\n' },
      run: () => {
        writeFileSync(path, 'of the agent\n');
        const details = { type: 'create', filePath: path, content: 'of the agent\n' };
        return Promise.resolve({ text: 'written', details });
      },
    });
  },
  async sub(turn) {
    const id = 'toolu_agent';
    await turn.tool({
      name: 'Agent',
      id,
      input: { description: 'Sub task' },
      run: async () => {
        await turn.text('inside', { parent: id });
        return { text: 'sub answer' };
      },
    });
  },
  async todo(turn) {
    await turn.tool({
      name: 'TodoWrite',
      input: { todos: [{ content: 'A', status: 'in_progress', activeForm: 'A' }] },
    });
  },
  /** picture <file>: the tool Read on it, as the real one gives it. */
  async picture(turn, path) {
    const data = readFileSync(path).toString('base64');
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data } };
    await turn.tool({ name: 'Read', input: { file_path: path }, run: () => Promise.resolve({ text: [image] }) });
    await turn.text('I have seen it.');
  },
  async complain(turn, text) {
    process.stderr.write(`${text}\n`);
    await turn.text('I have complained.');
  },
  /** stalled <ms>: so long it does not read its stdin. */
  async stalled(turn, ms) {
    process.stdin.pause();
    await turn.text('I read nothing.');
    await turn.wait(Number(ms));
    process.stdin.resume();
  },
  exit(_turn, code) {
    process.stderr.write('this is why\n');
    process.exit(Number(code));
  },
  killed() {
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  },
  /** Ignores everything but SIGKILL, and so do three children, one of them in a group of its own. */
  stubborn() {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.removeAllListeners(signal);
      process.on(signal, () => {});
    }
    process.stdin.removeAllListeners();
    for (let i = 0; i < 3; i++) {
      const script = 'process.on("SIGTERM",()=>{});process.on("SIGINT",()=>{});setInterval(()=>{},1000)';
      spawn(process.execPath, ['-e', script], { stdio: 'ignore', detached: i === 2 }).unref();
    }
    return new Promise(() => setInterval(() => {}, 1000));
  },
  async error(turn, status) {
    await turn.wait(1);
    turn.fail(`API Error: ${status}`, Number(status));
  },
  /** retry <ms it waits before it goes on> */
  async retry(turn, ms) {
    turn.line({
      type: 'system',
      subtype: 'api_retry',
      attempt: 1,
      max_retries: 2,
      retry_delay_ms: 600,
      error_status: 429,
      error: 'rate_limit',
    });
    await turn.wait(Number(ms) || 0);
    await turn.text('recovered');
  },
  async unknown(turn) {
    turn.line({ type: 'something_new', value: 1 });
    turn.line({ type: 'system', subtype: 'something_new' });
    turn.line({ type: 'stream_event', event: { type: 'new_event' } });
    process.stdout.write('not json at all\n[1,2]\nnull\n');
    await turn.text('still here');
  },
  /** bigline <MiB> */
  async bigline(turn, mib) {
    process.stdout.write(`{"type":"blob","data":"${'x'.repeat(Number(mib) * 1024 * 1024)}"}\n`);
    await turn.text('after the big line');
  },
  /** flood <lines>, then streams slowly */
  async flood(turn, lines) {
    const piece = `${JSON.stringify({ type: 'noise' })}\n`.repeat(1000);
    for (let i = 0; i < Number(lines); i += 1000) {
      if (!process.stdout.write(piece)) await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
    process.stderr.write('noise\n'.repeat(1000));
    await turn.text('word '.repeat(1000), { chunk: 5, delayMs: 20 });
  },
  /** deltas <count>: one text in so many lines, as fast as they are taken, and as many bytes to stderr. */
  async deltas(turn, count) {
    const event = (event: unknown) => turn.line({ type: 'stream_event', event });
    event({ type: 'message_start', message: { id: 'msg_deltas', role: 'assistant', content: [] } });
    event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
    const delta = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'ab ' } };
    const piece = `${JSON.stringify({ type: 'stream_event', event: delta })}\n`.repeat(1000);
    for (let i = 0; i < Number(count); i += 1000) {
      process.stderr.write('n\n'.repeat(500));
      if (!process.stdout.write(piece)) await new Promise((resolve) => process.stdout.once('drain', resolve));
      await turn.wait(0);
    }
    await turn.text('word '.repeat(1000), { chunk: 5, delayMs: 20 });
  },
  /** Writes a text byte by byte. */
  async bytes(turn, text) {
    const line = Buffer.from(
      `${JSON.stringify({ type: 'assistant', message: { id: 'msg_bytes', content: [{ type: 'text', text }] } })}\r\n`,
    );
    for (const byte of line) {
      process.stdout.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await turn.wait(1);
  },
  async env(turn) {
    await turn.text(JSON.stringify(process.env), { chunk: 100_000 });
  },
  async argv(turn) {
    await turn.text(JSON.stringify(process.argv), { chunk: 100_000 });
  },
};

/** Words that compress about as well as English does, the same every time. */
function prose(size: number): string {
  let seed = 42;
  const next = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  const words = Array.from(
    { length: 2000 },
    () => Array.from({ length: 2 + next(8) }, () => 'etaoinshrdlucmfwypvbgk'[next(22)]).join(''),
  );
  let text = '';
  while (text.length < size) text += `${words[Math.min(next(2000), next(2000))]} `;
  return text.slice(0, size);
}

const script: Script = async (turn) => {
  const [, word = '', rest = ''] = /^(\S*)\s*([\s\S]*)$/.exec(turn.prompt) ?? [];
  const known = PROMPTS[word];
  if (known) return await known(turn, rest);
  await turn.text(turn.images ? `I see ${turn.images} image. ${turn.prompt}` : `You said: ${turn.prompt}`);
};

function shell(
  command: string,
  signal: AbortSignal,
): Promise<{ text: string; details: Record<string, unknown>; isError: boolean }> {
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
    signal.addEventListener('abort', () => child.kill('SIGKILL'));
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => stdout += chunk);
    child.stderr.on('data', (chunk) => stderr += chunk);
    child.on(
      'close',
      (code) =>
        resolve({
          text: code ? `Exit code ${code}\n${stdout}` : stdout,
          details: { stdout, stderr, interrupted: signal.aborted },
          isError: code !== 0,
        }),
    );
  });
}

if (process.argv.includes('--version')) console.log('9.9.9 (fake)');
else if (argument('resume') === '99999999-9999-4999-8999-999999999999') {
  process.stderr.write('No conversation found with session ID: 99999999-9999-4999-8999-999999999999\n');
  process.exit(1);
} else {
  const log = process.env.FAKE_CLAUDE_LOG;
  serveClaude({
    version: '9.9.9',
    script,
    ...(log ? { onInput: (line: Record<string, unknown>) => appendFileSync(log, `${JSON.stringify(line)}\n`) } : {}),
  });
}
