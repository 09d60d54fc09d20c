import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../core/log.ts';
import { createAudit, KEPT, LINES_A_MINUTE, ROTATE_BYTES } from '../../relay/audit.ts';
import { handClock } from '../support/hand-clock.ts';

function withFolder(name: string, run: (file: string, folder: string) => void) {
  test(name, () => {
    const folder = mkdtempSync(join(tmpdir(), 'audit-'));
    try {
      run(join(folder, 'audit.log'), folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
const silent = createLog({ write: () => {} });

withFolder('one JSON object a line, for its owner only', (file) => {
  const audit = createAudit(file, silent, handClock(0));
  audit('login_ok', { address: '203.0.113.1', browser: 'Firefox' });
  assert.equal(lines(file), [{
    time: '1970-01-01T00:00:00.000Z',
    event: 'login_ok',
    address: '203.0.113.1',
    browser: 'Firefox',
  }]);
  assert.is(statSync(file).mode & 0o777, 0o600);
});

withFolder('line breaks and escapes stay inside their line', (file) => {
  createAudit(file, silent, handClock())('login_failed', { browser: 'x\r\n{"event":"login_ok"}\x1b[2J' });
  assert.is(readFileSync(file, 'utf8').split('\n').length, 2);
  assert.not.match(readFileSync(file, 'utf8'), /\x1b/);
});

withFolder('a flood is cut, and the next line says by how much', (file) => {
  const clock = handClock();
  const audit = createAudit(file, silent, clock);
  for (let i = 0; i < LINES_A_MINUTE + 40; i++) audit('tunnel_refused', {});
  audit('login_ok', {});
  clock.advance(60_000);
  audit('tunnel_refused', {});
  assert.is(lines(file).length, LINES_A_MINUTE + 2);
  assert.is(lines(file).at(-1).leftOut, 40);
});

withFolder('files are rotated and bounded', (file, folder) => {
  const clock = handClock();
  const audit = createAudit(file, silent, clock);
  const text = 'x'.repeat(1900);
  for (let i = 0; i < (ROTATE_BYTES / 1900) * (KEPT + 2); i++) {
    if (i % LINES_A_MINUTE === 0) clock.advance(60_000);
    audit('login_failed', { text });
  }
  assert.equal(readdirSync(folder).sort(), ['audit.log', 'audit.log.1', 'audit.log.2', 'audit.log.3']);
  for (const name of readdirSync(folder)) assert.ok(statSync(join(folder, name)).size <= ROTATE_BYTES);
});

withFolder('where it cannot be written the log says so once and the relay goes on', (file) => {
  const said: string[] = [];
  mkdirSync(file);
  const audit = createAudit(file, createLog({ write: (line) => said.push(line) }), handClock());
  audit('login_ok', {});
  audit('login_ok', {});
  assert.is(said.filter((line) => line.includes('audit log cannot be written')).length, 1);
});

test.run();
