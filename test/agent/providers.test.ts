/** Which agent programs there are: own drivers, known agents of the protocol, and those of the settings. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AcpAgentSettings, MAX_ACP_AGENT, parseSettings } from '../../core/api/settings.ts';
import { parseCreateAgent } from '../../core/api/agents.ts';
import { PRESETS } from '../../agent/provider/acp/presets.ts';
import { absentProvider } from '../../agent/provider/provider-set.ts';
import { OWN_PROVIDERS, providerData } from '../../core/api/providers.ts';
import { createOwnProviders, createProviders, merged } from '../../agent/providers.ts';
import { systemClock } from '../../core/clock.ts';
import { FAKE_ACP } from '../support/harness/acp-session.ts';
import { record } from '../support/fakes/provider-recorder.ts';
import { temporaryDirectory } from '../support/harness/git.ts';
import { testContext } from '../support/fakes/test-context.ts';
import { scriptedProvider } from '../support/fakes/scripted-provider.ts';

const custom = (changes: Partial<AcpAgentSettings> = {}): AcpAgentSettings => ({
  id: 'mine',
  name: 'Mine',
  command: '/opt/mine',
  args: ['--acp'],
  ...changes,
});

function providers(list: AcpAgentSettings[]) {
  const claude = scriptedProvider('claude');
  return {
    claude,
    set: createProviders({ own: [claude], custom: () => list, env: { PATH: '/nonexistent' }, clock: systemClock }),
  };
}

test('what the page is told of a CLI is what its driver can do', () => {
  const { path, remove } = temporaryDirectory();
  const own = createOwnProviders(testContext({ dataDir: path }), { PATH: '/nonexistent' });
  assert.equal(own.map(({ name }) => name), [...OWN_PROVIDERS]);
  for (const provider of own) {
    const { sessions, terminal } = providerData(provider.name).features;
    assert.equal([sessions, terminal], [!!provider.storedSessions, !!provider.terminalArgs], provider.name);
  }
  const { features } = providerData('mine');
  assert.equal([features.sessions, providers([custom()]).set.get('mine')!.storedSessions], [false, undefined]);
  remove();
});

test('own drivers, presets and the agents of the settings; what is taken out is gone', () => {
  const list = [custom()];
  const { claude, set } = providers(list);
  assert.is(set.get('claude'), claude);
  for (const name of ['gemini', 'opencode', 'qwen', 'copilot', 'kimi', 'mine']) assert.is(set.get(name)?.name, name);
  assert.is(set.get('mine'), set.get('mine'), 'one provider as long as nothing changes');
  list[0] = custom({ args: [] });
  const changed = set.get('mine');
  list.pop();
  assert.is(set.get('mine'), null);
  assert.is(changed?.name, 'mine');
  for (const name of ['none', '__proto__', 'constructor']) assert.is(set.get(name), null);
});

test('nobody takes the name of an own driver, in the settings or past them', () => {
  const { claude, set } = providers([custom({ id: 'claude' })]);
  assert.is(set.get('claude'), claude);
  for (const id of ['claude', 'codex', 'Mine', 'a b', '', '-x', '../x', 'x'.repeat(33), '__proto__']) {
    assert.throws(() => parseSettings({ acpAgents: [custom({ id })] }), /must be/, id);
  }
});

test('agents of the settings: every wrong field is named, nothing unknown is kept', () => {
  const parse = (...agents: unknown[]) => parseSettings({ acpAgents: agents }).acpAgents;
  assert.equal(parse({ ...custom(), env: { A_B: 'x' }, extra: 1 }), [{ ...custom(), env: { A_B: 'x' } }]);
  assert.equal(parse({ id: 'x', name: 'X', command: 'x' }), [{ id: 'x', name: 'X', command: 'x', args: [] }]);
  for (
    const wrong of [
      { command: '' },
      { command: 'a\0b' },
      { args: 'x' },
      { args: [1] },
      { env: { 'A=B': 'x' } },
      { env: { A: 1 } },
      { env: [] },
      { name: 1 },
    ]
  ) {
    assert.throws(
      () => parse({ ...custom(), ...wrong }),
      Object.keys(wrong)[0]!.length ? /must be/ : /x/,
      JSON.stringify(wrong),
    );
  }
  assert.throws(() => parse({ id: 'x', name: 'X' }), /"command" is missing/);
  assert.throws(() => parse(custom(), custom()), /every id is there once/);
  assert.throws(
    () => parse(...Array.from({ length: MAX_ACP_AGENT + 1 }, (_, i) => custom({ id: `a${i}` }))),
    /at most 20/,
  );
});

test('an agent is made with any name that a program can have', () => {
  assert.is(parseCreateAgent({ directory: '/x', provider: 'gemini' }).provider, 'gemini');
  for (const provider of ['Gemini', '', 'a/b', 1, 'x'.repeat(33)]) {
    assert.throws(() => parseCreateAgent({ directory: '/x', provider }), /"provider" must be/);
  }
});

test('an agent whose program was taken out says so, and starts nothing else', async () => {
  const seen = record();
  const session = absentProvider('gone').open({} as never, seen.emit);
  assert.match((await seen.type('exit')).text, /no agent program "gone" any more/);
  assert.not.ok(session.decide('r', { decision: 'allow', clientId: 'c' }));
  assert.is((await absentProvider('gone').probe()).available, false);
});

test('an agent that asks because of a variable is not said to ask when the settings change that variable', () => {
  const opencode = PRESETS.find(({ id }) => id === 'opencode')!;
  const own = (env: Record<string, string>) =>
    merged({ id: 'opencode', name: 'O', command: 'o', args: [], env }, opencode);
  assert.is(own({ X: '1' }).asksByConfiguration, true);
  assert.equal(own({ X: '1' }).env, { ...opencode.env, X: '1' });
  assert.is(own({ OPENCODE_CONFIG_CONTENT: '{}' }).asksByConfiguration, false);
  assert.is(merged({ id: 'new', name: 'N', command: 'n', args: [] }, undefined).asksByConfiguration, false);
});

test('what the settings page shows: installed with its version, missing with what to type, own ones as such', async () => {
  const { set } = providers([custom({ command: FAKE_ACP, icon: '★' }), custom({ id: 'gone', command: '/no/such' })]);
  const list = await set.acp!();
  const of = (id: string) => list.find((info) => info.id === id)!;
  assert.equal([of('mine').available, of('mine').version, of('mine').icon, of('mine').custom], [
    true,
    '1.2.3',
    '★',
    true,
  ]);
  assert.equal([of('gone').available, of('gone').custom, of('gone').command], [false, true, '/no/such --acp']);
  assert.match(of('gone').text, /Mine was not found \(\/no\/such\)/);
  const { available, custom: isOwn, install, label } = of('gemini');
  assert.equal([available, isOwn, install, label], [false, false, 'npm install -g @google/gemini-cli', 'Gemini CLI']);
});

test('an agent that nobody knows can do no more than the protocol has', () => {
  for (const name of ['gemini', 'mine', '__proto__', 'constructor', '']) {
    assert.ok(Object.values(providerData(name).features).every((can) => !can), name);
  }
  assert.is(providerData('claude').features.words, true);
});

test.run();
