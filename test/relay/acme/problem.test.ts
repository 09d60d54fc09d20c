/** Errors of an authority as sentences: each names what to do, none lets its words forge anything. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseIdentifier } from '../../../relay/acme/identifier.ts';
import { describeProblem, describeValidation, parseProblem } from '../../../relay/acme/problem.ts';

const problem = (type: string, detail = '') => parseProblem({ type: `urn:ietf:params:acme:error:${type}`, detail });
const failed = (name: string, type: string, detail = '', challenge: 'tls-alpn-01' | 'http-01' = 'tls-alpn-01') =>
  describeValidation({ identifier: parseIdentifier(name)!, challenge, problem: problem(type, detail) });

test('a closed port is told by its port, whatever type the authority gives it', () => {
  const words = 'Failed to connect to 203.0.113.9:443 for the tls-alpn-01 challenge';
  const cases: [string, string][] = [
    ['connection', ''],
    ['unauthorized', words],
    ['connection', '203.0.113.9: Connection refused'],
    ['tls', 'dial: connection timed out'],
  ];
  for (const [type, detail] of cases) {
    assert.match(failed('203.0.113.9', type, detail), /cannot connect to 203\.0\.113\.9 on port 443: open that port/);
    assert.match(failed('a.example.org', type, detail, 'http-01'), /on port 80: open .* or let the name's A and AAAA/);
  }
});

test('another server is told apart from none', () => {
  for (const type of ['unauthorized', 'incorrectResponse', 'tls']) {
    const text = failed('a.example.org', type, 'Invalid response from http://a.example.org/: 404', 'http-01');
    assert.match(text, /a\.example\.org leads to another server or a proxy, for port 80/);
    assert.match(text, /It says: "Invalid response/);
  }
});

test('each refusal of a request names its mend', () => {
  const mends: [string, RegExp][] = [
    ['externalAccountRequired', /set RELAY_ACME_DIRECTORY to another authority/],
    ['invalidContact', /RELAY_ACME_EMAIL: set one that receives mail, or none/],
    ['unsupportedContact', /RELAY_ACME_EMAIL/],
    ['userActionRequired', /agreed to by hand/],
    ['rejectedIdentifier', /list another in RELAY_DOMAIN/],
    ['unsupportedIdentifier', /set RELAY_DOMAIN to a name/],
    ['invalidProfile', /set RELAY_DOMAIN to a name/],
    ['rateLimited', /no more certificates for now/],
  ];
  for (const [type, expected] of mends) {
    assert.match(describeProblem(problem(type, 'their words'), 400), expected);
    assert.match(describeProblem(problem(type, 'their words'), 400), /It says: "their words"$/);
  }
  assert.is(describeProblem(problem('newThing'), 400), 'The authority refuses the request (newThing).');
  assert.is(describeProblem(parseProblem('<html>'), 502), 'The authority refuses the request (status 502).');
});

test.run();
