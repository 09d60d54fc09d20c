/** The whole of a certificate's life against an authority in memory, on a clock that the test turns. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../../core/log.ts';
import { type Identifier, parseIdentifier, serverName } from '../../../relay/acme/identifier.ts';
import { AcmeManager, type AcmeSettings } from '../../../relay/acme/manager.ts';
import { type ChallengeType } from '../../../relay/acme/problem.ts';
import { DIRECTORY, type FakeAuthority, fakeAuthority, problem } from '../../support/fakes/fake-authority.ts';
import { type FakeClock, fakeClock } from '../../support/fakes/fake-clock.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const directory = mkdtempSync(join(tmpdir(), 'acme-'));
test.after(() => rmSync(directory, { recursive: true }));
let files = 0;

interface Rig {
  clock: FakeClock;
  authority: FakeAuthority;
  file: string;
  lines: string[];
  manager: AcmeManager;
  /** Certificates that were taken into use. */
  used: string[];
  /** Lets everything run that can run now, and `ms` pass, minute by minute at most. */
  pass(ms: number): Promise<void>;
  /** The same file under a new manager, as after a restart. */
  restart(settings?: Partial<AcmeSettings>): Promise<void>;
  close(): Promise<void>;
}

/** @param before is called before the first manager is made */
async function rig(
  names: string[],
  options: { methods?: ChallengeType[]; random?: number; before?: (authority: FakeAuthority) => void } = {},
): Promise<Rig> {
  const clock = fakeClock(Date.UTC(2026, 5, 1));
  const authority = fakeAuthority(clock);
  const file = join(directory, `${++files}.json`);
  const lines: string[] = [];
  const used: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  const identifiers = names.map((text) => parseIdentifier(text)!);
  const make = (settings: Partial<AcmeSettings> = {}) =>
    new AcmeManager({ identifiers, directory: DIRECTORY, email: '', file, ...settings }, {
      log,
      clock,
      transport: authority.transport,
      random: () => options.random ?? 0,
      methods: () => options.methods ?? ['tls-alpn-01', 'http-01'],
      use: ({ cert }) => used.push(String(cert)),
    });
  options.before?.(authority);
  const value: Rig = {
    clock,
    authority,
    file,
    lines,
    used,
    manager: make(),
    async pass(ms) {
      await settle();
      for (let left = ms; left > 0;) {
        const step = Math.min(left, ms > 2 * DAY ? HOUR : MINUTE);
        clock.advance(step);
        left -= step;
        await settle();
      }
    },
    async restart(settings) {
      await value.manager.close();
      value.manager = make(settings);
      void value.manager.start();
      await settle();
    },
    async close() {
      await value.manager.close();
      assert.is(clock.pending, 0, 'a timer was left');
      authority.close();
    },
  };
  void value.manager.start();
  await value.pass(10_000);
  return value;
}

/** Runs whatever does not wait for time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const count = (rig: Rig, what: string) => rig.authority.requests.filter((line) => line.startsWith(what)).length;
const served = (rig: Rig) => new X509Certificate(rig.used.at(-1)!);
const paths = (rig: Rig) => JSON.parse(readFileSync(rig.file, 'utf8'));

for (const names of [['relay.example.org'], ['203.0.113.9'], ['a.example.org', 'b.example.org', '2001:db8::5']]) {
  test(`a certificate for ${names.join(', ')}, kept where nobody else can read it`, async () => {
    const r = await rig(names);
    assert.is(r.used.length, 1);
    assert.ok(served(r).verify(new X509Certificate(r.authority.root).publicKey));
    assert.equal(r.manager.status().certificate?.names, names);
    assert.is(r.manager.status().problem, null);
    assert.is(statSync(r.file).mode & 0o777, 0o600);
    const isAddress = names.some((name) => parseIdentifier(name)!.type === 'ip');
    assert.is(r.authority.orders[0]!.profile, isAddress ? 'shortlived' : undefined);
    await r.close();
  });
}

test('before the first one a stand-in is served that says so', async () => {
  const r = await rig(['relay.example.org', '203.0.113.9'], { before: (authority) => void (authority.isDown = true) });
  const standIn = new X509Certificate(r.manager.initial.cert);
  assert.match(standIn.subject, /waiting for its certificate/);
  assert.ok(standIn.checkHost('relay.example.org') && standIn.checkIP('203.0.113.9'));
  assert.is(r.manager.status().certificate, null);
  assert.match(r.manager.status().problem!, /cannot be reached/);
  await r.close();
});

test('a challenge is answered while it is open, and only then', async () => {
  const seen: [boolean, string | null][] = [];
  const name = parseIdentifier('203.0.113.9')!;
  const r = await rig(['relay.example.org'], { before: (authority) => void (authority.isDown = true) });
  const check = (identifier: Identifier, type: ChallengeType) => {
    const token = '/.well-known/acme-challenge/token-0-http-01';
    seen.push([
      r.manager.challenges.tlsAnswer(serverName(identifier)) !== null,
      r.manager.challenges.httpAnswer(token),
    ]);
    return type === 'tls-alpn-01' ? 'connection' : null;
  };
  r.authority.isDown = false;
  r.authority.check = check;
  await r.pass(2 * MINUTE);
  assert.is(r.used.length, 1);
  assert.is(seen.length, 2);
  assert.equal(seen[0], [true, null]);
  assert.is(seen[1]![0], false);
  assert.is(r.manager.challenges.tlsAnswer('relay.example.org'), null);
  assert.is(r.manager.challenges.tlsAnswer(serverName(name)), null);
  for (const type of ['http-01', 'tls-alpn-01']) {
    assert.is(r.manager.challenges.httpAnswer(`/.well-known/acme-challenge/token-1-${type}`), null);
  }
  await r.close();
});

test('renewed when a third of its life is left; an address with 160 hours after some 106', async () => {
  for (const [name, life] of [['relay.example.org', 90 * DAY], ['203.0.113.9', 160 * HOUR]] as const) {
    const r = await rig([name], { before: (authority) => void (authority.lifeMs = life) });
    await r.pass(life * 0.66);
    assert.is(r.used.length, 1, 'too early');
    await r.pass(life * 0.01 + 2 * HOUR);
    assert.is(r.used.length, 2, 'too late');
    assert.is.not(r.used[0], r.used[1]);
    const keys = r.used.map((text) => new X509Certificate(text).publicKey.export({ type: 'spki', format: 'pem' }));
    assert.is.not(keys[0], keys[1], 'the key is a new one');
    assert.is(count(r, 'POST /new-account'), 1);
    await r.close();
  }
});

test('badNonce: each request is tried again with the nonce of the answer', async () => {
  for (const bad of [1, 3, 8]) {
    const r = await rig(['relay.example.org'], { before: (authority) => void (authority.badNonces = bad) });
    assert.is(r.used.length, 1);
    assert.is(r.authority.requests.filter((line) => line.endsWith('badNonce')).length, bad);
    assert.is(count(r, 'HEAD /nonce'), 1, 'the answers brought the others');
    await r.close();
  }
  const endless = await rig(['relay.example.org'], { before: (authority) => void (authority.badNonces = 1e9) });
  assert.is(endless.used.length, 0);
  assert.ok(endless.authority.requests.length < 20, 'it gives up until later');
  await endless.close();
});

const LIMITS: [string, () => ReturnType<typeof problem>, number][] = [
  ['429 with seconds', () => problem('rateLimited', 429, { 'retry-after': '7200' }), 2 * HOUR],
  ['the type with another status', () => problem('rateLimited', 403, { 'retry-after': '10800' }), 3 * HOUR],
  [
    'a date',
    () => problem('rateLimited', 429, { 'retry-after': new Date(Date.UTC(2026, 5, 1, 5)).toUTCString() }),
    5 * HOUR,
  ],
  ['503 with seconds', () => problem('serverInternal', 503, { 'retry-after': '5400' }), 1.5 * HOUR],
  ['years', () => problem('rateLimited', 429, { 'retry-after': '999999999' }), DAY],
];
for (const [label, response, wait] of LIMITS) {
  test(`rate limit, ${label}: nothing is asked before that, and soon after it is`, async () => {
    const r = await rig(['relay.example.org'], {
      before: (authority) => authority.intercept = (_, path) => (path === '/new-order' ? response() : null),
    });
    assert.is(count(r, 'POST /new-order'), 1);
    const before = r.authority.requests.length;
    await r.pass(wait - 2 * MINUTE);
    assert.is(r.authority.requests.length, before, 'asked too early');
    r.authority.intercept = () => null;
    await r.pass(5 * MINUTE);
    assert.is(r.used.length, 1, 'not asked in time');
    assert.is(r.manager.status().problem, null);
    await r.close();
  });
}

test('a limit without a time is kept for an hour and longer each time', async () => {
  const r = await rig(['relay.example.org'], {
    random: 0.999,
    before: (authority) =>
      authority.intercept = (_, path) => (path === '/new-order' ? problem('rateLimited', 429) : null),
  });
  await r.pass(DAY);
  assert.ok(count(r, 'POST /new-order') <= 6, String(count(r, 'POST /new-order')));
  await r.close();
});

test('authority away for a day: the old one is served, it is asked again and again but gently, then renewed', async () => {
  const r = await rig(['203.0.113.9'], { before: (authority) => void (authority.lifeMs = 160 * HOUR) });
  await r.pass(105 * HOUR);
  const before = r.authority.requests.length;
  r.authority.isDown = true;
  await r.pass(DAY);
  const asked = r.authority.requests.length - before;
  assert.ok(asked >= 20 && asked <= 45, `${asked} requests in a day`);
  assert.is(r.used.length, 1);
  assert.equal(r.manager.status().certificate?.names, ['203.0.113.9']);
  assert.match(r.manager.status().problem!, /cannot be reached/);
  r.authority.isDown = false;
  await r.pass(62 * MINUTE);
  assert.is(r.used.length, 2);
  assert.is(r.manager.status().problem, null);
  assert.ok(served(r).validTo > '');
  await r.close();
});

const FAILURES: [string, string, RegExp][] = [
  ['relay.example.org', 'dns', /has no address in the DNS: make an A or AAAA record/],
  [
    'relay.example.org',
    'connection',
    /cannot connect to relay\.example\.org on port 443: open that port in the firewall/,
  ],
  [
    '203.0.113.9',
    'connection',
    /cannot connect to 203\.0\.113\.9 on port 443: open that port .* forward it to the relay/,
  ],
  ['relay.example.org', 'unauthorized', /leads to another server or a proxy.*let its A and AAAA records point here/],
  ['relay.example.org', 'caa', /CAA record of relay\.example\.org forbids/],
  ['203.0.113.9', 'tls', /leads to another server.*forward that port/],
  ['relay.example.org', 'strange', /could not check relay\.example\.org on port 443 \(strange\)/],
];
for (const [name, type, sentence] of FAILURES) {
  test(`wrong name, ${type} for ${name}: one sentence with the mend, within the authority's five an hour`, async () => {
    const r = await rig([name], { before: (authority) => authority.check = () => type });
    assert.match(r.manager.status().problem!, sentence);
    assert.ok(r.lines.some((line) => sentence.test(line)), r.lines.join('\n'));
    await r.pass(DAY);
    const failures = count(r, 'POST /challenge');
    assert.ok(failures >= 8 && failures <= 30, `${failures} failed checks in a day`);
    await r.close();
  });
}

test('no hour has more than four failed checks, restarts included', async () => {
  const times: number[] = [];
  const r = await rig(['relay.example.org'], { before: (authority) => authority.check = () => 'connection' });
  r.authority.check = () => (times.push(r.clock.monotonic()), 'connection');
  for (let minute = 0; minute < 300; minute += 10) {
    await r.restart();
    await r.pass(10 * MINUTE);
  }
  const first = 2; // of the rig, before the hook
  for (const at of times) {
    const hour = times.filter((time) => time > at - HOUR && time <= at).length + (at < HOUR ? first : 0);
    assert.ok(hour <= 4, `${hour} in an hour`);
  }
  assert.ok(times.length >= 10, 'it does try');
  await r.close();
});

test('one wrong name does not keep the others from theirs, and no more certificates than that are asked for', async () => {
  const names = ['good.example.org', 'bad.example.org', '203.0.113.9'];
  const bad = ({ value }: Identifier) => (value === 'bad.example.org' ? 'connection' : null);
  const r = await rig(names, { before: (authority) => authority.check = bad });
  assert.equal(r.manager.status().certificate?.names, ['good.example.org', '203.0.113.9']);
  assert.match(r.manager.status().problem!, /bad\.example\.org on port 443/);
  await r.pass(DAY);
  assert.is(r.authority.issued.length, 1, 'the same certificate again');
  r.authority.check = () => null;
  await r.pass(7 * HOUR);
  assert.equal(r.manager.status().certificate?.names, names);
  assert.is(r.manager.status().problem, null);
  await r.close();
});

test('a name that the authority refuses at once is left out, too', async () => {
  let refusals = 0;
  const r = await rig(['good.example.org', 'evil.example.org'], {
    before: (authority) =>
      authority.intercept = ({ body }, path) => {
        if (path !== '/new-order') return null;
        const { identifiers } = JSON.parse(Buffer.from(JSON.parse(body!).payload, 'base64url').toString());
        const evil = identifiers.find(({ value }: Identifier) => value.startsWith('evil'));
        if (!evil) return null;
        refusals++;
        const type = 'urn:ietf:params:acme:error:rejectedIdentifier';
        return problem('rejectedIdentifier', 400, {}, { subproblems: [{ type, detail: 'no', identifier: evil }] });
      },
  });
  assert.is(refusals, 1);
  assert.equal(r.manager.status().certificate?.names, ['good.example.org']);
  assert.match(r.manager.status().problem!, /evil\.example\.org: The authority gives no certificate/);
  await r.close();
});

test('http-01 is tried when tls-alpn-01 fails, and the other way round', async () => {
  for (const [first, second] of [['tls-alpn-01', 'http-01'], ['http-01', 'tls-alpn-01']] as ChallengeType[][]) {
    const r = await rig(['relay.example.org'], {
      methods: [first!, second!],
      before: (authority) => authority.check = (_, type) => (type === first ? 'connection' : null),
    });
    assert.is(r.used.length, 1);
    assert.is(r.manager.status().problem, null);
    assert.equal(
      r.authority.requests.filter((line) => line.startsWith('POST /challenge')).map((line) => line.split('/').at(-1)),
      [first, second],
    );
    await r.close();
  }
});

test('a restart asks for nothing while the certificate is good, and again when names or authority change', async () => {
  const r = await rig(['relay.example.org']);
  const before = r.authority.requests.length;
  await r.restart();
  await r.pass(HOUR);
  assert.not.ok(r.authority.requests.slice(before).some((line) => line.includes('order')), 'ordered again');
  assert.is(new X509Certificate(r.manager.initial.cert).serialNumber, served(r).serialNumber);

  const identifiers = ['relay.example.org', 'two.example.org'].map((text) => parseIdentifier(text)!);
  await r.restart({ identifiers });
  await r.pass(MINUTE);
  assert.equal(r.manager.status().certificate?.names, ['relay.example.org', 'two.example.org']);
  assert.is(count(r, 'POST /new-account'), 1);

  const issued = r.authority.issued.length;
  await r.restart({ identifiers, directory: 'https://ca.example/dir?other' });
  assert.is(
    new X509Certificate(r.manager.initial.cert).subjectAltName?.includes('two.example.org'),
    true,
    'served until then',
  );
  await r.pass(MINUTE);
  assert.is(r.authority.issued.length, issued + 1);
  assert.is(count(r, 'POST /new-account'), 2);
  await r.close();
});

test('an account that the authority has forgotten is made again', async () => {
  const r = await rig(['relay.example.org']);
  r.authority.forget();
  await r.pass(61 * DAY);
  assert.is(r.used.length, 2);
  assert.not.ok(r.lines.some((line) => line.includes('WARN')), r.lines.join('\n'));
  assert.is(count(r, 'POST /new-account'), 2);
  await r.close();
});

test('the address for the authority is told, and told again when it changes', async () => {
  const contacts: unknown[] = [];
  const r = await rig(['relay.example.org']);
  r.authority.intercept = ({ body }, path) => {
    if (path.startsWith('/account/')) {
      contacts.push(JSON.parse(Buffer.from(JSON.parse(body!).payload, 'base64url').toString()));
    }
    return null;
  };
  const identifiers = [parseIdentifier('two.example.org')!];
  await r.restart({ email: 'me@example.org', identifiers });
  await r.pass(MINUTE);
  assert.equal(contacts, [{ contact: ['mailto:me@example.org'] }]);
  assert.is(paths(r).account.contact, 'me@example.org');
  await r.close();
});

test('a damaged file is set aside and everything is made anew', async () => {
  for (
    const text of [
      '',
      '{',
      '{"version":1}',
      '{"version":1,"directory":"https://ca.example/dir","key":"x","account":null,"failedAt":[],"certificate":null}',
    ]
  ) {
    const r = await rig(['relay.example.org']);
    await r.manager.close();
    writeFileSync(r.file, text);
    await r.restart();
    await r.pass(MINUTE);
    assert.is(r.used.length, 2);
    assert.ok(readdirSync(directory).some((name) => name.startsWith(`${r.file.split('/').at(-1)}.corrupt-`)));
    await r.close();
  }
});

test('nothing is ordered when the key could not be kept', async () => {
  const clock = fakeClock(Date.UTC(2026, 5, 1));
  const authority = fakeAuthority(clock);
  const file = join(directory, 'missing', 'x.json');
  const dependencies = {
    log: createLog({ write: () => {} }),
    clock,
    transport: authority.transport,
    random: () => 0,
    methods: (): ChallengeType[] => ['http-01'],
    use: () => assert.unreachable(),
  };
  const identifiers = [parseIdentifier('relay.example.org')!];
  const manager = new AcmeManager({ identifiers, directory: DIRECTORY, email: '', file }, dependencies);
  await manager.start();
  assert.match(manager.status().problem!, /cannot be kept in .*RELAY_STATE must name/);
  assert.equal(authority.requests, []);
  await manager.close();
  authority.close();
});

test('a clock that is ahead: what comes is old already, and is not asked for without end', async () => {
  for (const [behind, most] of [[61 * DAY, 7], [89.5 * DAY, 7], [90 * DAY, 0], [200 * DAY, 0]] as const) {
    const r = await rig(['relay.example.org'], { before: (authority) => void (authority.behindMs = behind) });
    await r.pass(3 * DAY - MINUTE);
    assert.ok(r.used.length <= most, `${r.used.length} certificates in three days`);
    assert.ok(r.authority.issued.length <= 20, `${r.authority.issued.length} asked for`);
    if (most === 0) assert.match(r.manager.status().problem!, /see that this server's clock is right/);
    await r.close();
  }
});

// ---- renewalInfo (RFC 9773)

const windowAt = (start: number, end: number, retryAfter = '21600') => () => ({
  json: { suggestedWindow: { start: new Date(start).toISOString(), end: new Date(end).toISOString() } },
  retryAfter,
});

test('the window that the authority suggests is used, and the order names what it replaces', async () => {
  const start = Date.UTC(2026, 5, 1);
  const r = await rig(['relay.example.org'], {
    random: 0.5,
    before: (authority) => authority.renewalInfo = windowAt(start + 20 * DAY, start + 22 * DAY),
  });
  assert.ok(r.authority.requests.some((line) => /^GET \/renewal\/[\w-]+\.[\w-]+$/.test(line)), 'it was asked');
  await r.pass(20.9 * DAY);
  assert.is(r.used.length, 1);
  await r.pass(0.5 * DAY);
  assert.is(r.used.length, 2);
  assert.match(String(r.authority.orders[1]!.replaces), /^[\w-]+\.[\w-]+$/);
  assert.is(r.authority.orders[0]!.replaces, undefined);
  await r.close();
});

test('a window that moves to now (a revocation) is seen within a day', async () => {
  const start = Date.UTC(2026, 5, 1);
  const r = await rig(['relay.example.org'], {
    before: (authority) => authority.renewalInfo = windowAt(start + 60 * DAY, start + 61 * DAY),
  });
  await r.pass(5 * DAY);
  r.authority.renewalInfo = windowAt(start, start + HOUR);
  await r.pass(DAY);
  assert.is(r.used.length >= 2, true);
  await r.close();
});

test('a hostile window: always now, never, or nonsense', async () => {
  const start = Date.UTC(2026, 5, 1);
  const now = await rig(['relay.example.org'], { before: (a) => a.renewalInfo = windowAt(start - DAY, start - HOUR) });
  await now.pass(3 * DAY);
  assert.ok(now.used.length <= 7, `${now.used.length} certificates in three days`);
  await now.close();

  const never = await rig(['relay.example.org'], {
    before: (a) => a.renewalInfo = windowAt(start + 900 * DAY, start + 901 * DAY),
  });
  await never.pass(76 * DAY);
  assert.is(never.used.length, 2, 'renewed before it ends');
  await never.close();

  for (
    const json of [{}, { suggestedWindow: 'x' }, { suggestedWindow: { start: 'x', end: 'y' } }, {
      suggestedWindow: { start: '2026-06-05T00:00:00Z', end: '2026-06-04T00:00:00Z' },
    }]
  ) {
    const r = await rig(['relay.example.org'], { before: (a) => a.renewalInfo = () => ({ json }) });
    await r.pass(58 * DAY);
    assert.is(r.used.length, 1);
    await r.pass(3 * DAY);
    assert.is(r.used.length, 2);
    await r.close();
  }
});

test('an order that may not replace is made without', async () => {
  const start = Date.UTC(2026, 5, 1);
  const r = await rig(['relay.example.org'], {
    before: (a) => a.renewalInfo = windowAt(start + 20 * DAY, start + 21 * DAY),
  });
  r.authority.intercept = ({ body }, path) => {
    if (path !== '/new-order') return null;
    const { replaces } = JSON.parse(Buffer.from(JSON.parse(body!).payload, 'base64url').toString());
    const window = r.authority.renewalInfo;
    r.authority.renewalInfo = window && (() => (r.authority.issued.length > 1 ? { json: {} } : window()));
    return replaces ? problem('alreadyReplaced', 409) : null;
  };
  await r.pass(22 * DAY);
  assert.is(r.used.length, 2);
  assert.ok(r.authority.requests.includes('POST /new-order alreadyReplaced'));
  await r.close();
});

// ---- profiles

test('the profile for addresses is asked for unless the authority has others only', async () => {
  for (
    const [profiles, expected] of [[null, 'shortlived'], [['classic', 'shortlived'], 'shortlived'], [
      ['classic'],
      undefined,
    ]] as const
  ) {
    const r = await rig(['203.0.113.9'], { before: (a) => a.profiles = profiles && [...profiles] });
    assert.is(r.authority.orders[0]!.profile, expected);
    await r.close();
  }
});

test.run();
