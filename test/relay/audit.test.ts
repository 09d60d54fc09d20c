import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../core/log.ts';
import { createAudit, MAX_FILE_BYTES, MAX_FILES, MAX_LINES_PER_MINUTE } from '../../relay/audit.ts';
import { fakeClock } from '../support/fakes/fake-clock.ts';

function withDirectory(name: string, run: (file: string, directory: string) => void) {
  test(name, () => {
    const directory = mkdtempSync(join(tmpdir(), 'audit-'));
    try {
      run(join(directory, 'audit.log'), directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}
const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
const silent = createLog({ write: () => {} });

withDirectory('one JSON object a line, for its owner only', (file) => {
  const audit = createAudit(file, silent, fakeClock(0));
  audit('login_ok', { address: '203.0.113.1', browser: 'Firefox' });
  assert.equal(lines(file), [{
    time: '1970-01-01T00:00:00.000Z',
    event: 'login_ok',
    address: '203.0.113.1',
    browser: 'Firefox',
  }]);
  assert.is(statSync(file).mode & 0o777, 0o600);
});

withDirectory('line breaks and escapes stay inside their line', (file) => {
  createAudit(file, silent, fakeClock())('login_failed', { browser: 'x\r\n{"event":"login_ok"}\x1b[2J' });
  assert.is(readFileSync(file, 'utf8').split('\n').length, 2);
  assert.not.match(readFileSync(file, 'utf8'), /\x1b/);
});

withDirectory('a flood is cut, and the next line says by how much', (file) => {
  const clock = fakeClock();
  const audit = createAudit(file, silent, clock);
  for (let i = 0; i < MAX_LINES_PER_MINUTE + 40; i++) audit('tunnel_refused', {});
  audit('login_ok', {});
  clock.advance(60_000);
  audit('tunnel_refused', {});
  assert.is(lines(file).length, MAX_LINES_PER_MINUTE + 2);
  assert.is(lines(file).at(-1).leftOut, 40);
});

withDirectory('files are rotated and bounded', (file, directory) => {
  const clock = fakeClock();
  const audit = createAudit(file, silent, clock);
  const text = 'x'.repeat(1900);
  for (let i = 0; i < (MAX_FILE_BYTES / 1900) * (MAX_FILES + 2); i++) {
    if (i % MAX_LINES_PER_MINUTE === 0) clock.advance(60_000);
    audit('login_failed', { text });
  }
  assert.equal(readdirSync(directory).sort(), ['audit.log', 'audit.log.1', 'audit.log.2', 'audit.log.3']);
  for (const name of readdirSync(directory)) assert.ok(statSync(join(directory, name)).size <= MAX_FILE_BYTES);
});

withDirectory('where it cannot be written the log says so once and the relay goes on', (file) => {
  const said: string[] = [];
  mkdirSync(file);
  const audit = createAudit(file, createLog({ write: (line) => said.push(line) }), fakeClock());
  audit('login_ok', {});
  audit('login_ok', {});
  assert.is(said.filter((line) => line.includes('audit log cannot be written')).length, 1);
});

test.run();
