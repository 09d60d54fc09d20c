/**
 * A scripted stand-in for Claude Code, so that the dashboard can be tried without an account: it streams, asks before it
 * writes a file, and writes it. `--version` says "demo", and the dashboard labels it.
 */
import { realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { serveClaude } from './claude-host.ts';
import type { Script } from './claude-turn.ts';

const DEMO_FILE = 'hello-from-the-demo.md';

/** What the demo agent does with whatever it is told. */
const demoScript: Script = async (turn) => {
  await turn.thinking('This is the scripted demo. I show what a session looks like.');
  await turn.text(
    `You said: *${turn.prompt.slice(0, 300)}*\n\nI am the **scripted demo agent**: no account, no model, no cost. ` +
      `I will now ask for your permission to write \`${DEMO_FILE}\` in my folder.`,
    { chunk: 6, delayMs: 25 },
  );
  const content = `# Hello from the demo\n\nYou wrote: ${turn.prompt}\n`;
  const allowed = await turn.tool({
    name: 'Write',
    input: { file_path: join(turn.cwd, DEMO_FILE), content },
    ask: [{ type: 'setMode', mode: 'acceptEdits', destination: 'session' }],
    run: (input) => {
      const path = String(input.file_path);
      writeFileSync(path, String(input.content));
      return Promise.resolve({
        text: `File created successfully at: ${path}`,
        details: { type: 'create', filePath: path, content: input.content },
      });
    },
  });
  await turn.text(
    allowed
      ? `Done: \`${DEMO_FILE}\` is there. Install Claude Code or Codex and start again to work with a real agent.`
      : 'You said no, so nothing was written. That is how it works with a real agent, too.',
    { chunk: 6, delayMs: 25 },
  );
};

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--version')) console.log('0.0.0 (Agent Monitor demo, no real agent)');
  else serveClaude({ version: '0.0.0 demo', script: demoScript });
}
