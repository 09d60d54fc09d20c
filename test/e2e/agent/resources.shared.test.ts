import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeRepository, runGit, writeFiles } from '../../support/harness/git.ts';
import { type PipelineHarness, pipelineHarness } from '../../support/harness/pipeline-harness.ts';

const withHarness = async (run: (harness: PipelineHarness) => Promise<void>, config = {}) => {
  const harness = await pipelineHarness(config);
  try {
    await run(harness);
  } finally {
    await harness.close();
  }
};

test('tasks: the names, fields and codes that scripts know', () =>
  withHarness(async ({ ask }) => {
    const body = {
      name: 'Login',
      prompt: 'Build it',
      directory: '/p',
      provider: 'claude',
      model: 'opus',
      claudeMd: 'Be brief',
      flags: {},
      order: 0,
    };
    const result = await ask('POST', '/api/tasks', body);
    assert.is(result.status, 201);
    assert.equal(
      [
        result.body.name,
        result.body.model,
        result.body.flags.model,
        result.body.status,
        result.body.order,
        result.body.agentId,
      ],
      ['Login', 'opus', 'opus', 'pending', 0, null],
    );
    const second = await ask('POST', '/api/tasks', { name: 'Next', prompt: 'x' });
    assert.is(second.body.order, 1);
    const list = await ask('GET', '/api/tasks');
    assert.equal(list.body.map((task: { name: string }) => task.name), ['Login', 'Next']);
    const changed = await ask('PUT', `/api/tasks/${result.body.id}`, { prompt: 'Other', order: 5 });
    assert.equal([changed.body.prompt, changed.body.order, changed.body.name], ['Other', 5, 'Login']);
    assert.is((await ask('GET', `/api/tasks/${result.body.id}`)).body.prompt, 'Other');
    assert.equal(await ask('DELETE', `/api/tasks/${result.body.id}`), { status: 200, body: { ok: true } });
    assert.is((await ask('GET', `/api/tasks/${result.body.id}`)).status, 404);
  }));

test('tasks: start, watch, fail, reset, complete, clear', () =>
  withHarness(async ({ ask, agents, directory }) => {
    assert.is((await ask('POST', '/api/tasks/meta/start')).status, 400);
    const { body: { id } } = await ask('POST', '/api/tasks', { name: 'A', prompt: 'x', directory });
    const started = await ask('POST', '/api/tasks/meta/start');
    assert.equal([started.body.ok, started.body.running], [true, true]);
    await reaches(ask, id, 'running');
    assert.is((await ask('GET', '/api/tasks/meta/status')).body.counts.running, 1);
    agents.set('agent-1', { state: 'error', stateReason: 'failed', stateText: 'boom' });
    assert.is((await reaches(ask, id, 'failed')).error, 'boom');
    assert.is((await ask('POST', `/api/tasks/${id}/reset`)).body.status, 'pending');
    await ask('POST', '/api/tasks/meta/start');
    await reaches(ask, id, 'running');
    agents.set('agent-2', { state: 'idle', stateReason: 'done' });
    assert.ok((await reaches(ask, id, 'completed')).completedAt);
    assert.equal((await ask('POST', '/api/tasks/actions/clear-completed')).body, { ok: true, cleared: 1 });
    assert.equal((await ask('GET', '/api/tasks')).body, []);
    assert.is((await ask('POST', '/api/tasks/meta/stop')).body.running, false);
  }));

async function reaches(ask: PipelineHarness['ask'], id: string, status: string) {
  for (let i = 0; i < 200; i++) {
    const { body } = await ask('GET', `/api/tasks/${id}`);
    if (body.status === status) return body;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`the task never became ${status}`);
}

test('the manager: configuration keeps what is not named and refuses what is wrong', () =>
  withHarness(async ({ ask }) => {
    const body = { defaultDirectory: '/p', defaultProvider: 'codex', pollIntervalMs: 2000, claudeMd: 'x' };
    const { body: config } = await ask('PUT', '/api/tasks/meta/config', body);
    assert.equal([config.defaultProvider, config.pollIntervalMs, config.running], ['codex', 2000, false]);
    assert.is((await ask('PUT', '/api/tasks/meta/config', { adminEmail: 'a@b.c' })).body.claudeMd, 'x');
    for (
      const wrong of [{ defaultProvider: 'X Y' }, { pollIntervalMs: 1 }, { adminEmail: 'a,b@c' }, {
        slackWebhookUrl: 'http://169.254.169.254/',
      }, []]
    ) {
      assert.is((await ask('PUT', '/api/tasks/meta/config', wrong)).status, 400, JSON.stringify(wrong));
    }
    assert.is((await ask('POST', '/api/tasks', { name: 'A', prompt: 'x' })).body.provider, 'codex');
  }));

test('templates: create, list, get, change, delete', () =>
  withHarness(async ({ ask, context }) => {
    const result = await ask('POST', '/api/templates', { name: 'T', content: '# Rules' });
    assert.is(result.status, 201);
    assert.equal((await ask('GET', '/api/templates')).body.map((entry: { name: string }) => entry.name), ['T']);
    assert.is((await ask('PUT', `/api/templates/${result.body.id}`, { name: 'U' })).body.content, '# Rules');
    assert.is((await ask('GET', `/api/templates/${result.body.id}`)).body.name, 'U');
    assert.equal((await ask('DELETE', `/api/templates/${result.body.id}`)).body, { ok: true });
    assert.is((await ask('PUT', `/api/templates/${result.body.id}`, { name: 'V' })).status, 404);
    assert.equal(context.published.map((change) => change.type), ['template', 'template', 'template.removed']);
  }));

test('hostile bodies are 4xx and leave no trace on Object.prototype', () =>
  withHarness(async ({ ask, url }) => {
    const post = (path: string, body: string) =>
      fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    for (
      const body of [
        'null',
        '[]',
        '"x"',
        '1',
        '{"name":{},"prompt":[]}',
        '{"name":"x","prompt":"y","order":1e999}',
        '{"name":"x","prompt":"y","flags":[]}',
        '{"name":"x","prompt":"y","flags":{"model":"--evil"}}',
      ]
    ) {
      assert.is((await post('/api/tasks', body)).status, 400, body);
    }
    const polluted = await post(
      '/api/tasks',
      '{"__proto__":{"x":1},"constructor":{"prototype":{"x":1}},"name":"n","prompt":"p","flags":{"__proto__":{"x":1}}}',
    );
    assert.is(polluted.status, 201);
    assert.is(({} as { x?: number }).x, undefined);
    assert.is((await ask('GET', '/api/templates/__proto__')).status, 404);
    assert.is((await ask('GET', '/api/tasks/constructor')).status, 404);
  }));

test('settings: parts are changed, wrong ones refused, skipping permissions is no default', () =>
  withHarness(async ({ ask, context }) => {
    const { retentionHours, archiveDays } = (await ask('GET', '/api/settings')).body;
    assert.equal([retentionHours, archiveDays], [24, 90]);
    assert.is((await ask('PUT', '/api/settings', { archiveDays: 30 })).body.archiveDays, 30);
    const { body } = await ask('PUT', '/api/settings', {
      retentionHours: 0,
      notify: { adminEmail: 'me@example.org', events: { stuck: false } },
    });
    assert.equal([body.retentionHours, body.notify.events.stuck, body.notify.events.failed, body.copyFiles[0]], [
      0,
      false,
      true,
      '.env',
    ]);
    for (
      const wrong of [
        { retentionHours: -1 },
        { archiveDays: '90' },
        { copyFiles: ['../x'] },
        { copyFiles: ['/etc/passwd'] },
        { setupCommands: ['echo "x'] },
        { roots: ['x'] },
        { defaults: { flags: { dangerouslySkipPermissions: true } } },
        { defaults: { flags: { permissionMode: 'bypassPermissions' } } },
        { notify: { slackWebhookUrl: 'http://localhost/x' } },
        { notify: { whatsappPhone: '123' } },
      ]
    ) assert.is((await ask('PUT', '/api/settings', wrong)).status, 400, JSON.stringify(wrong));
    // 0 hours from a client that knows no archive: nothing is ever deleted.
    assert.is((await ask('GET', '/api/settings')).body.archiveDays, 0);
    assert.ok(context.published.some((change) => change.type === 'settings'));
    assert.equal(JSON.parse(readFileSync(join(context.config.dataDir, 'settings.json'), 'utf8')).retentionHours, 0);
  }));

test('channels say what to set; a test without an address or a server says why it failed', () =>
  withHarness(async ({ ask }) => {
    const { body } = await ask('GET', '/api/settings/channels');
    assert.match(body.find((entry: { channel: string }) => entry.channel === 'email').text, /SMTP_HOST/);
    assert.is((await ask('POST', '/api/settings/channels/test', { channel: 'email' })).body.code, 'no_recipient');
    await ask('PUT', '/api/settings', { notify: { adminEmail: 'me@example.org' } });
    assert.equal((await ask('POST', '/api/settings/channels/test', { channel: 'email' })).status, 502);
    assert.is((await ask('POST', '/api/settings/channels/test', { channel: 'pigeon' })).status, 400);
  }));

test('tools tell their version, or what to do', () =>
  withHarness(async ({ ask }) => {
    const { body } = await ask('GET', '/api/settings/tools?fresh=1');
    const named = Object.fromEntries(body.map((tool: { name: string }) => [tool.name, tool]));
    assert.match(named.git.version, /^2\./);
    assert.equal([named.claude.installed, /CLAUDE_BIN/.test(named.claude.text)], [false, true]);
    assert.is(named.opencli.installed, false);
  }, { programs: { claude: '/nonexistent/claude', codex: '/nonexistent/codex' } }));

test('directories: the answer of the reference product and more; nothing outside', () =>
  withHarness(async ({ ask, directory }) => {
    makeRepository(join(directory, 'repo'));
    const { body } = await ask('GET', `/api/directories?path=${encodeURIComponent(directory)}`);
    assert.ok(
      body.entries.some((entry: { name: string; isDirectory: boolean; repository: boolean }) =>
        entry.name === 'repo' && entry.isDirectory && entry.repository
      ),
    );
    assert.is((await ask('GET', '/api/directories')).body.path, directory);
    assert.is((await ask('GET', '/api/directories?path=/proc/self')).status, 403);
    assert.is((await ask('GET', '/api/directories?path=%00')).status, 400);
  }));

test('instructions of a running agent: read, changed, never over a newer file, never through a link outside', () =>
  withHarness(async ({ ask, agents, directory }) => {
    await agents.create({ name: 'A', directory }, 'test');
    const path = '/api/agents/agent-1/claude-md';
    assert.equal((await ask('GET', path)).body, { file: 'CLAUDE.md', exists: false, content: '', version: '' });
    const { body } = await ask('PUT', path, { content: 'one' });
    assert.equal([body.ok, readFileSync(join(directory, 'CLAUDE.md'), 'utf8')], [true, 'one']);
    writeFileSync(join(directory, 'CLAUDE.md'), 'by the agent');
    assert.is((await ask('PUT', path, { content: 'two', version: body.version })).body.code, 'changed');
    assert.is((await ask('PUT', path, { content: 'x'.repeat(300_000) })).status, 400);
    writeFiles(directory, { 'other/x': '' });
    await agents.create({ name: 'B', directory: join(directory, 'other'), provider: 'codex' }, 'test');
    symlinkSync(join(directory, 'CLAUDE.md'), join(directory, 'other/AGENTS.md'));
    assert.is((await ask('PUT', '/api/agents/agent-2/claude-md', { content: 'x' })).body.code, 'instructions_unusable');
    assert.is(readFileSync(join(directory, 'CLAUDE.md'), 'utf8'), 'by the agent');
    assert.is((await ask('GET', '/api/agents/nobody/claude-md')).status, 404);
  }));

test('changes: listed, shown, committed, merged, downloaded; discarding needs to be asked for', () =>
  withHarness(async ({ ask, agents, workspace, directory, url }) => {
    const repo = makeRepository(join(directory, 'repo'));
    const { worktree } = await workspace.prepare({ agentId: 'x1234567', directory: repo, flags: {} });
    await agents.create({ name: 'A', directory: repo }, 'test');
    agents.set('agent-1', { worktree });
    const path = '/api/agents/agent-1/changes';
    writeFiles(worktree!.path, { 'a.txt': 'two\n', 'b.txt': 'b\n' });
    assert.equal((await ask('GET', path)).body.files.map((file: { path: string }) => file.path), ['a.txt', 'b.txt']);
    assert.equal((await ask('GET', `${path}/file?path=a.txt`)).body.hunks[0].lines, ['-one', '+two']);
    assert.is((await ask('POST', `${path}/discard`, {})).status, 400);
    assert.is((await ask('POST', `${path}/discard`, { paths: ['b.txt'] })).body.discarded, 1);
    assert.not.ok(existsSync(join(worktree!.path, 'b.txt')));
    const patch = await fetch(`${url}${path}/patch`);
    assert.match(patch.headers.get('content-disposition')!, /agent-x1234567\.patch/);
    assert.match(await patch.text(), /^\+two$/m);
    assert.is((await ask('POST', `${path}/merge`)).body.code, 'uncommitted');
    assert.ok((await ask('POST', `${path}/commit`, { message: 'Two' })).body.commit);
    const merged = await ask('POST', `${path}/merge`);
    assert.equal([merged.body.commits, merged.body.changes.unmerged], [1, []]);
    assert.is(runGit(repo, 'log', '-1', '--format=%s'), 'Two');
  }));

test('a pipeline that merges: the next step sees what the one before did', () =>
  withHarness(async ({ ask, agents, workspace, directory }) => {
    const repo = makeRepository(join(directory, 'repo'));
    await ask('PUT', '/api/tasks/meta/config', { mergeCompleted: true });
    const { body: { id } } = await ask('POST', '/api/tasks', { name: 'Write b', prompt: 'x', directory: repo });
    await ask('POST', '/api/tasks/meta/start');
    await reaches(ask, id, 'running');
    const { worktree } = await workspace.prepare({ agentId: 'x1234567', directory: repo, flags: {} });
    writeFiles(worktree!.path, { 'b.txt': 'b\n' });
    agents.set('agent-1', { worktree, state: 'idle', stateReason: 'done' });
    await reaches(ask, id, 'completed');
    assert.ok(existsSync(join(repo, 'b.txt')));
    assert.is(runGit(repo, 'log', '-1', '--format=%s'), 'Write b');
  }));

test.run();
