/**
 * A certificate authority (RFC 8555) in memory, as a Transport: it checks each signature, nonce and address, signs with
 * openssl at the time of an injected clock, and does what a test asks of it: refuse, limit, stay away.
 */
import { execFileSync } from 'node:child_process';
import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../core/clock.ts';
import type { Identifier } from '../../../relay/acme/identifier.ts';
import { AcmeError, type ChallengeType } from '../../../relay/acme/problem.ts';
import type { AcmeRequest, AcmeResponse, Transport } from '../../../relay/acme/transport.ts';

export const DIRECTORY = 'https://ca.example/dir';
const URN = 'urn:ietf:params:acme:error:';

interface Authorization {
  identifier: Identifier;
  status: 'pending' | 'valid' | 'invalid';
  tried: ChallengeType | null;
  error: unknown;
}
interface Order {
  status: string;
  identifiers: Identifier[];
  authorizations: number[];
  certificate: string | null;
}

export interface FakeAuthority {
  transport: Transport;
  /** PEM. */
  root: string;
  /** `METHOD path` of each request, with the error's type behind it. */
  requests: string[];
  /** Payloads of newOrder. */
  orders: Record<string, unknown>[];
  /** Chains that were given. */
  issued: string[];
  /** Life of certificates, ms. */
  lifeMs: number;
  /** Its clock is behind by this, ms. */
  behindMs: number;
  /** No answer at all. */
  isDown: boolean;
  /** How many good nonces in a row are refused, once for each. */
  badNonces: number;
  profiles: string[] | null;
  /** RFC 9773: the answer, or null: not offered. */
  renewalInfo: (() => { json: unknown; retryAfter?: string }) | null;
  /** Checks a name. @returns the type of the error, or null when it is proven */
  check: (identifier: Identifier, challenge: ChallengeType) => string | null;
  /** Answers instead of the authority. @returns null: it answers itself */
  intercept: (request: AcmeRequest, path: string) => AcmeResponse | null;
  /** All accounts and authorizations are forgotten. */
  forget(): void;
  close(): void;
}

export const problem = (
  type: string,
  status: number,
  headers: Record<string, string> = {},
  more = {},
): AcmeResponse => ({
  status,
  headers: { 'content-type': 'application/problem+json', ...headers },
  body: JSON.stringify({ type: URN + type, detail: `because of ${type}`, ...more }),
});

export function fakeAuthority(clock: Clock): FakeAuthority {
  const signer = new Signer();
  const nonces = new Set<string>();
  let accounts: KeyObject[] = [];
  let authorizations: Authorization[] = [];
  let orders: Order[] = [];
  let counter = 0;

  const authority: FakeAuthority = {
    root: signer.root,
    requests: [],
    orders: [],
    issued: [],
    lifeMs: 90 * 86_400_000,
    behindMs: 0,
    isDown: false,
    badNonces: 0,
    profiles: null,
    renewalInfo: null,
    check: () => null,
    intercept: () => null,
    async transport(request, signal) {
      signal.throwIfAborted();
      const path = new URL(request.url).pathname;
      if (authority.isDown) {
        authority.requests.push(`${request.method} ${path} -`);
        throw new AcmeError('unreachable', 'The certificate authority ca.example cannot be reached (ECONNREFUSED).');
      }
      const response = authority.intercept(request, path) ?? answer(request, path);
      const type = /error:(\w+)/.exec(response.body)?.[1];
      authority.requests.push(`${request.method} ${path}${type ? ` ${type}` : ''}`);
      const nonce = `n${++counter}`;
      nonces.add(nonce);
      return { ...response, headers: { 'replay-nonce': nonce, ...response.headers } };
    },
    forget() {
      accounts = [];
      authorizations = [];
      orders = [];
    },
    close: () => signer.close(),
  };

  function answer(request: AcmeRequest, path: string): AcmeResponse {
    if (path === '/dir') return ok(directory());
    if (path === '/nonce') return ok({});
    if (path.startsWith('/renewal/')) {
      const { json, retryAfter } = authority.renewalInfo!();
      return ok(json, retryAfter ? { 'retry-after': retryAfter } : {});
    }
    const { head, payload, key } = open(request);
    if (!nonces.delete(head.nonce)) return problem('badNonce', 400);
    if (authority.badNonces > 0) {
      authority.badNonces--;
      return problem('badNonce', 400);
    }
    if (head.url !== request.url) return problem('unauthorized', 401);
    if (path === '/new-account') return newAccount(key!);
    if (!key) return problem('accountDoesNotExist', 400);
    const [, kind, number] = path.split('/');
    if (kind === 'account') return ok({ status: 'valid', ...payload });
    if (kind === 'new-order') return newOrder(payload);
    if (kind === 'authorization') return ok(authorizationBody(Number(number)));
    if (kind === 'challenge') return challenge(Number(number), path.split('/')[3] as ChallengeType);
    if (kind === 'finalize') return finalize(Number(number), String(payload.csr));
    if (kind === 'order') return ok(orderBody(Number(number)));
    return { status: 200, headers: {}, body: orders[Number(number)]!.certificate! };
  }

  const directory = () => ({
    newNonce: 'https://ca.example/nonce',
    newAccount: 'https://ca.example/new-account',
    newOrder: 'https://ca.example/new-order',
    ...(authority.renewalInfo ? { renewalInfo: 'https://ca.example/renewal' } : {}),
    meta: authority.profiles ? { profiles: Object.fromEntries(authority.profiles.map((name) => [name, ''])) } : {},
  });

  /** Throws for a signature that is wrong: no client of ours may ever send one. */
  function open({ body }: AcmeRequest) {
    const jws = JSON.parse(body!);
    const head = JSON.parse(Buffer.from(jws.protected, 'base64url').toString());
    const index = head.kid ? Number(head.kid.split('/').at(-1)) : -1;
    const key = head.jwk ? createPublicKey({ format: 'jwk', key: head.jwk as JsonWebKey }) : accounts[index];
    const data = Buffer.from(`${jws.protected}.${jws.payload}`);
    const signature = Buffer.from(jws.signature, 'base64url');
    if (key && !verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)) throw new Error('bad signature');
    const payload = jws.payload ? JSON.parse(Buffer.from(jws.payload, 'base64url').toString()) : {};
    return { head, payload, key };
  }

  function newAccount(key: KeyObject): AcmeResponse {
    let index = accounts.findIndex((entry) => entry.equals(key));
    if (index < 0) index = accounts.push(key) - 1;
    return { ...ok({ status: 'valid' }, { location: `https://ca.example/account/${index}` }), status: 201 };
  }

  function newOrder(payload: Record<string, unknown>): AcmeResponse {
    authority.orders.push(payload);
    const identifiers = payload.identifiers as Identifier[];
    const list = identifiers.map((identifier) => {
      const valid = authorizations.findIndex((entry) =>
        entry.status === 'valid' && entry.identifier.value === identifier.value
      );
      return valid >= 0 ? valid : authorizations.push({ identifier, status: 'pending', tried: null, error: null }) - 1;
    });
    const index = orders.push({ status: 'pending', identifiers, authorizations: list, certificate: null }) - 1;
    return { ...ok(orderBody(index), { location: `https://ca.example/order/${index}` }), status: 201 };
  }

  function orderBody(index: number) {
    const order = orders[index]!;
    const states = order.authorizations.map((at) => authorizations[at]!.status);
    if (order.status === 'pending' && states.every((status) => status === 'valid')) order.status = 'ready';
    if (states.includes('invalid')) order.status = 'invalid';
    return {
      status: order.status,
      authorizations: order.authorizations.map((at) => `https://ca.example/authorization/${at}`),
      finalize: `https://ca.example/finalize/${index}`,
      ...(order.certificate ? { certificate: `https://ca.example/certificate/${index}` } : {}),
    };
  }

  function authorizationBody(index: number) {
    const { identifier, status, tried, error } = authorizations[index]!;
    const challenges = (['http-01', 'tls-alpn-01'] as const).map((type) => ({
      type,
      url: `https://ca.example/challenge/${index}/${type}`,
      token: `token-${index}-${type}`,
      ...(tried === type && error ? { error } : {}),
    }));
    return {
      identifier,
      status,
      challenges: [{ type: 'dns-01', url: 'https://ca.example/x', token: 'x' }, ...challenges],
    };
  }

  function challenge(index: number, type: ChallengeType): AcmeResponse {
    const authorization = authorizations[index]!;
    const failed = authority.check(authorization.identifier, type);
    const error = failed && { type: URN + failed, detail: `because of ${failed}` };
    Object.assign(authorization, { tried: type, error, status: failed ? 'invalid' : 'valid' });
    return ok({});
  }

  function finalize(index: number, csr: string): AcmeResponse {
    if (orderBody(index).status !== 'ready') return problem('orderNotReady', 403);
    const order = orders[index]!;
    const now = clock.now() - authority.behindMs;
    order.certificate = signer.sign(Buffer.from(csr, 'base64url'), now, now + authority.lifeMs);
    authority.issued.push(order.certificate);
    order.status = 'valid';
    return ok(orderBody(index));
  }

  return authority;
}

const ok = (json: unknown, headers: Record<string, string> = {}): AcmeResponse => ({
  status: 200,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(json),
});

/** `openssl ca` with a root of its own. */
class Signer {
  readonly root: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'authority-'));

  constructor() {
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '9000'];
    const files = ['-keyout', this.#file('ca.key'), '-out', this.#file('ca.pem')];
    execFileSync('openssl', ['req', ...kind, '-subj', '/CN=test root', ...files], { stdio: 'ignore' });
    this.root = readFileSync(this.#file('ca.pem'), 'utf8');
    writeFileSync(this.#file('index'), '');
    writeFileSync(this.#file('index.attr'), 'unique_subject = no\n');
    writeFileSync(
      this.#file('config'),
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${this.#file('index')}\nnew_certs_dir=${this.#directory}\npolicy=p\n` +
        `default_md=sha256\ncopy_extensions=copy\nx509_extensions=e\nrand_serial=yes\n[p]\ncommonName=optional\n` +
        `[e]\nauthorityKeyIdentifier=keyid\n`,
    );
  }

  sign(csr: Buffer, from: number, until: number): string {
    const [input, output] = [this.#file('csr.der'), this.#file('out.pem')];
    writeFileSync(input, csr);
    const time = (ms: number) => `${new Date(ms).toISOString().slice(0, 19).replace(/\D/g, '')}Z`;
    const life = ['-startdate', time(from), '-enddate', time(until)];
    const ca = ['-config', this.#file('config'), '-cert', this.#file('ca.pem'), '-keyfile', this.#file('ca.key')];
    const how = ['-batch', '-notext', '-inform', 'DER', '-subj', '/', '-in', input, '-out', output];
    execFileSync('openssl', ['ca', ...ca, ...life, ...how], { stdio: ['ignore', 'ignore', 'pipe'] });
    return `${readFileSync(output, 'utf8')}${this.root}`;
  }

  close(): void {
    rmSync(this.#directory, { recursive: true });
  }

  #file(name: string): string {
    return join(this.#directory, name);
  }
}
