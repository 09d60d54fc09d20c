/** A stand-in for Claude Code whose answer says in each delta when it was written: for `npm run bench:budgets`. */
import { realpathSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { serveClaude } from '../demo/claude-host.ts';
import type { Turn } from '../demo/claude-turn.ts';

export const DELTAS = 300;
/** Between two, ms: about what a model writes. */
const PAUSE_MS = 30;

/** `at1764500000000.`: the only words of it. */
async function answer(turn: Turn): Promise<void> {
  const around = { session_id: '', parent_tool_use_id: null };
  const event = (event: object) => turn.line({ type: 'stream_event', event, ...around });
  const id = `msg_${Date.now()}`;
  event({ type: 'message_start', message: { id, role: 'assistant', content: [] } });
  event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
  let text = '';
  for (let i = 0; i < DELTAS; i++) {
    const part = `at${Date.now()}. `;
    text += part;
    event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: part } });
    await turn.wait(PAUSE_MS);
  }
  turn.line({ type: 'assistant', message: { id, role: 'assistant', content: [{ type: 'text', text }] }, ...around });
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--version')) console.log('0.0.0 (Agent Monitor benchmark, no real agent)');
  else serveClaude({ version: '0.0.0', script: answer });
}
