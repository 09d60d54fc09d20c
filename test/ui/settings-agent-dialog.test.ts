/** What is typed about an agent program of one's own, as the settings get it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { agentOf } from '../../ui/pages/settings-agent-dialog.ts';

const FORM = {
  id: ' mine ',
  name: 'Mine',
  command: '/opt/mine',
  args: '--acp\n\n --flag with space ',
  env: '',
  icon: '',
};

test('arguments and variables are lines; what is left empty is left out', () => {
  assert.equal(agentOf(FORM), { id: 'mine', name: 'Mine', command: '/opt/mine', args: ['--acp', '--flag with space'] });
  assert.equal(agentOf({ ...FORM, args: '', env: 'A=1\nB=x=y\nC=', icon: ' ★ ' }), {
    id: 'mine',
    name: 'Mine',
    command: '/opt/mine',
    args: [],
    env: { A: '1', B: 'x=y', C: '' },
    icon: '★',
  });
});

test('a line that is no variable is named', () => {
  for (const env of ['nonsense', 'A=1\nno value', '=x', 'A B=1']) {
    assert.match(agentOf({ ...FORM, env }) as string, /is not NAME=value/, env);
  }
});

test.run();
