import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createEmail } from '../../../agent/notify/email.ts';
import type { Notice, SendError } from '../../../agent/notify/sender.ts';
import { createSlack } from '../../../agent/notify/slack.ts';
import { createWhatsapp } from '../../../agent/notify/whatsapp.ts';
import { startStandIn } from '../../support/fakes/http-stand-in.ts';
import { startMailServer } from '../../support/stubs/smtp.ts';

const NOTICE: Notice = {
  event: 'needs_input',
  title: 'Fix the tests asks for permission',
  text: 'Bash: rm -rf build',
  link: 'https://relay.example/#/agents/a1',
};
const LOGIN = { user: 'agents@example.org', pass: 'correct horse' };

async function failure(action: Promise<unknown>): Promise<SendError> {
  try {
    await action;
  } catch (error) {
    return error as SendError;
  }
  throw new Error('it was sent');
}

const smtp = (port: number, more = {}) => ({
  host: 'localhost',
  port,
  secure: false,
  ...LOGIN,
  from: 'Agents <agents@example.org>',
  ...more,
});

test('mail goes over STARTTLS with a login and says what is asked and where', async () => {
  const server = await startMailServer(LOGIN);
  await createEmail(smtp(server.port), server.ca).send('me@example.org', NOTICE, 'id');
  const [mail] = server.mails;
  assert.equal([mail!.from, mail!.to, mail!.secure, mail!.user], [
    'agents@example.org',
    ['me@example.org'],
    true,
    LOGIN.user,
  ]);
  assert.match(mail!.source, /^Subject: Fix the tests asks for permission\r$/m);
  assert.ok(mail!.source.includes('Bash: rm -rf build') && mail!.source.includes(NOTICE.link));
  await server.close();
});

test('a certificate that is not trusted, a wrong login and a server that is away are told apart, without the password', async () => {
  const server = await startMailServer(LOGIN);
  const untrusted = await failure(createEmail(smtp(server.port)).send('me@example.org', NOTICE, 'id'));
  assert.ok(/secure connection|did not take/.test(untrusted.message), untrusted.message);
  const wrong = await failure(
    createEmail(smtp(server.port, { pass: 'wrong secret' }), server.ca).send('me@example.org', NOTICE, 'id'),
  );
  assert.equal([wrong.isFinal, /refused the login/.test(wrong.message), wrong.message.includes('wrong secret')], [
    true,
    true,
    false,
  ]);
  await server.close();
  const away = await failure(createEmail(smtp(server.port), server.ca).send('me@example.org', NOTICE, 'id'));
  assert.is(away.isFinal, false);
});

test('the password is not sent in the clear to another machine that has no TLS', async () => {
  const server = await startMailServer(LOGIN, { disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
  // A name that is not loopback by its spelling, so that it counts as another machine.
  const error = await failure(createEmail(smtp(server.port, { host: '127.1' })).send('me@example.org', NOTICE, 'id'));
  assert.match(error.message, /secure connection/);
  assert.equal([server.mails.length, server.clearLogins], [0, 0]);
  await server.close();
});

test('hostile names cannot add recipients or headers to a mail', async () => {
  const server = await startMailServer(LOGIN);
  const title = 'x\r\nBcc: evil@example.org\r\n\r\nbody';
  await createEmail(smtp(server.port), server.ca).send('me@example.org', { ...NOTICE, title }, 'id');
  assert.equal(server.mails[0]!.to, ['me@example.org']);
  assert.not.match(server.mails[0]!.source.split('\r\n\r\n')[0]!, /^Bcc:/m);
  await server.close();
});

test('WhatsApp: the exact request of Twilio', async () => {
  const twilio = await startStandIn({ status: 201, body: '{"sid":"SM1"}' });
  const sender = createWhatsapp({ accountSid: 'AC1', authToken: 'tok', whatsappFrom: '+14155238886' }, twilio.url);
  await sender.send('+4915112345678', NOTICE, 'id');
  const [request] = twilio.asked;
  assert.equal([request!.method, request!.url], ['POST', '/2010-04-01/Accounts/AC1/Messages.json']);
  assert.is(request!.headers.authorization, `Basic ${Buffer.from('AC1:tok').toString('base64')}`);
  assert.is(request!.headers['content-type'], 'application/x-www-form-urlencoded');
  assert.equal(Object.fromEntries(new URLSearchParams(request!.body)), {
    From: 'whatsapp:+14155238886',
    To: 'whatsapp:+4915112345678',
    Body: `${NOTICE.title}\n\n${NOTICE.text}\n\n${NOTICE.link}`,
  });
  await twilio.close();
});

test('WhatsApp: a body is cut at what Twilio takes; errors name the code, not the number', async () => {
  const twilio = await startStandIn({ status: 201 }, {
    status: 400,
    body: '{"code":21211,"message":"+4915112345678 is not valid"}',
  });
  const sender = createWhatsapp({ accountSid: 'AC1', authToken: 'tok', whatsappFrom: 'whatsapp:+1' }, twilio.url);
  await sender.send('+4915112345678', { ...NOTICE, text: 'é😀'.repeat(2000) }, 'id');
  const body = new URLSearchParams(twilio.asked[0]!.body).get('Body')!;
  assert.ok(body.length <= 1600 && !/[\ud800-\udbff](?![\udc00-\udfff])/.test(body));
  const error = await failure(sender.send('+4915112345678', NOTICE, 'id'));
  assert.ok(error.isFinal && error.message.includes('21211') && !error.message.includes('49151'), error.message);
  await twilio.close();
});

test('Slack: the exact request; nothing an agent says can mention, link or format', async () => {
  const slack = await startStandIn({ status: 200, body: 'ok' });
  await createSlack(true).send(
    `${slack.url}/services/T0/B0/x`,
    { ...NOTICE, text: 'a <!channel> & <https://evil|b>' },
    'id',
  );
  const [request] = slack.asked;
  assert.equal([request!.method, request!.url, request!.headers['content-type']], [
    'POST',
    '/services/T0/B0/x',
    'application/json',
  ]);
  assert.equal(JSON.parse(request!.body), {
    text: `*${NOTICE.title}*\na &lt;!channel&gt; &amp; &lt;https://evil|b&gt;\n<${NOTICE.link}>`,
  });
  await slack.close();
});

test('Slack: only https, no redirect is followed, and the address is never told', async () => {
  for (const url of ['http://hooks.slack.com/x', 'http://127.0.0.1/x', 'file:///etc/passwd', 'ftp://x', '//x', '']) {
    const error = await failure(createSlack(false).send(url, NOTICE, 'id'));
    assert.ok(error.isFinal, url);
  }
  for (const url of ['https://127.0.0.1/x', 'https://[::1]/x', 'https://10.0.0.1/x', 'https://localhost/x']) {
    const error = await failure(createSlack(false).send(url, NOTICE, 'id'));
    assert.ok(error.isFinal && error.message.includes('no public address'), `${url}: ${error.message}`);
  }
  const inner = await startStandIn({ status: 200 });
  const slack = await startStandIn({ status: 302, headers: { location: `${inner.url}/secret` } });
  const error = await failure(createSlack(true).send(`${slack.url}/services/SECRET`, NOTICE, 'id'));
  assert.equal([inner.asked.length, error.message.includes('SECRET')], [0, false]);
  await Promise.all([slack.close(), inner.close()]);
  assert.not.match(
    (await failure(createSlack(true).send(`${slack.url}/services/SECRET`, NOTICE, 'id'))).message,
    /SECRET/,
  );
});

test('a full service is tried again when it says so', async () => {
  const slack = await startStandIn({ status: 429, headers: { 'retry-after': '30' } });
  const error = await failure(createSlack(true).send(slack.url, NOTICE, 'id'));
  assert.equal([error.isFinal, error.retryAfterMs], [false, 30_000]);
  await slack.close();
});

test.run();
