import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseSettings, splitWords } from '../../../core/api/settings.ts';
import { ValidationError } from '../../../core/api/schema.ts';

const refused = (value: unknown, pattern: RegExp) => {
  const isRefusal = (error: Error) => error instanceof ValidationError && pattern.test(error.message);
  assert.throws(() => parseSettings(value), isRefusal, JSON.stringify(value));
};

test('the sentence names the field with its place', () => {
  refused([], /"body" must be an object/);
  refused({ notify: { adminEmail: 'a,b@c' } }, /"notify\.adminEmail" must be one mail address/);
  refused({ notify: { events: { stuck: 'yes' } } }, /"notify\.events\.stuck" must be true or false/);
  refused({ defaults: { flags: { permissionMode: 'x' } } }, /"defaults\.flags\.permissionMode" must be one of/);
  refused({ copyFiles: ['a', 7] }, /"copyFiles\[1\]" must be a text/);
  refused({ retentionHours: 1e9 }, /"retentionHours" must be a number from 0 to/);
});

test('addresses of ntfy, Telegram and the webhook, and quiet hours', () => {
  const good = {
    ntfyUrl: 'https://ntfy.sh/my-topic',
    telegramChat: '-1001234567890',
    webhookUrl: 'http://10.0.0.7:8080/hook?x=1',
    quietHours: { on: true, from: '22:00', to: '06:30', timeZone: 'Europe/Berlin' },
  };
  assert.equal(parseSettings({ notify: good }), { notify: good });
  for (const url of ['https://ntfy.sh/', 'https://ntfy.sh/a b', 'ftp://x/t', 'https://u:p@ntfy.sh/t', 't']) {
    refused({ notify: { ntfyUrl: url } }, /"notify\.ntfyUrl" must be/);
  }
  for (const chat of ['@name', '0', '1.5', '1'.repeat(30)]) refused({ notify: { telegramChat: chat } }, /telegramChat/);
  for (const url of ['file:///x', 'file://u:p@h/', 'https://u:p@h/', 'https://u@h/', 'https://:p@h/', 'x']) {
    refused({ notify: { webhookUrl: url } }, /webhookUrl/);
  }
  for (const part of [{ from: '24:00' }, { to: '7:00' }, { timeZone: 'Mars/Base' }, { timeZone: '' }, { on: 1 }]) {
    refused({ notify: { quietHours: { ...good.quietHours, ...part } } }, /"notify\.quietHours\./);
  }
  refused({ notify: { quietHours: { on: true } } }, /"from" is missing/);
});

test('skipping permissions is never a default; what belongs to one agent is left out', () => {
  refused({ defaults: { flags: { dangerouslySkipPermissions: true } } }, /without skipping permissions/);
  refused({ defaults: { flags: { permissionMode: 'bypassPermissions' } } }, /without skipping permissions/);
  assert.equal(parseSettings({ defaults: { flags: { resume: 'x', forkSession: true, model: 'opus' } } }), {
    defaults: { flags: { model: 'opus' } },
  });
});

test('lists are trimmed; the line that is wrong is named', () => {
  assert.equal(parseSettings({ roots: [' /a ', '', ' '] }), { roots: ['/a'] });
  refused({ roots: ['/a', 'b'] }, /"roots" must be .* \(not "b"\)/);
  refused({ copyFiles: ['a/../../x'] }, /below the repository/);
  refused({ copyFiles: ['*a*b*c*d*e'] }, /below the repository/);
  refused({ setupCommands: ['npm ci', 'echo "x'] }, /\(not "echo \\"x"\)/);
});

test('a command is split as a shell would, without being one', () => {
  assert.equal(splitWords('a "b c" \'d "e\' f\\ g ""'), ['a', 'b c', 'd "e', 'f g', '']);
  assert.equal(splitWords('a "x\\"y" $(z)'), ['a', 'x"y', '$(z)']);
  for (const command of ['', ' ', '""', '"x', "it's", 'a\0b']) assert.is(splitWords(command), null, command);
});

test.run();
