/**
 * One order after another until there is a certificate for what can be proven (RFC 8555 section 7.4 and 7.5). A name that
 * fails by every challenge is left out and reported, so that it does not keep the others from theirs.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { type Certificate, readCertificate } from './certificate.ts';
import type { Challenges } from './challenges.ts';
import { type AcmeClient, type Answer, urlIn } from './client.ts';
import { type Identifier, listIdentifiers, MAX_IDENTIFIERS, sameIdentifiers } from './identifier.ts';
import { keyAuthorization } from './jws.ts';
import {
  AcmeError,
  type ChallengeType,
  identifierOf,
  isObject,
  parseProblem,
  type Problem,
  type ValidationFailure,
} from './problem.ts';
import { createRequest } from './x509.ts';

/** RFC 8738 says nothing of lifetimes, but authorities give addresses only certificates of some days. */
const ADDRESS_PROFILE = 'shortlived';
/** How long the authority may take to check one name, and to sign, ms. */
const VALIDATION_MS = 120_000;
const SIGNING_MS = 300_000;
/** A certificate that ends sooner would be renewed all the time. */
const MIN_LIFETIME_MS = 3600_000;

export interface Ordering {
  client: AcmeClient;
  clock: Clock;
  challenges: Challenges;
  /** In the order in which they are tried. */
  methods: readonly ChallengeType[];
  /** RFC 9773 section 5: the certificate that this one replaces, where the authority has renewalInfo. */
  replaces: string | null;
  /** Whether this set is worth a certificate, asked when a name had to be left out. */
  isWanted: (identifiers: readonly Identifier[]) => boolean;
  /** Failed checks that the authority still allows. */
  budget: CheckBudget;
}

export interface CheckBudget {
  /** ms until the next check may fail; 0: now. */
  wait(): number;
  /** A check has failed. */
  spend(): void;
}

export interface Ordered {
  /** null: nothing was left that is wanted, or that may be tried now. */
  certificate: Certificate | null;
  /** Names that are not in it, each with its first failure. */
  failures: ValidationFailure[];
  /** ms until the budget of failed checks allows the next; 0: it was not what ended this. */
  waitMs: number;
}

/** Throws AcmeError. */
export async function orderCertificate(wanted: readonly Identifier[], ordering: Ordering): Promise<Ordered> {
  const plan = new Plan(wanted, ordering.methods);
  while (plan.open.length > 0) {
    const whole = plan.open.length === wanted.length;
    if (!whole && !ordering.isWanted(plan.open)) break;
    const waitMs = ordering.budget.wait();
    if (waitMs > 0) return { certificate: null, failures: plan.failures(), waitMs };
    const order = await placeOrder(plan, ordering);
    if (order && await authorize(order, plan, ordering)) {
      const certificate = await finalize(order, plan.open, ordering);
      return { certificate, failures: plan.failures(certificate), waitMs: 0 };
    }
    ordering.budget.spend();
  }
  return { certificate: null, failures: plan.failures(), waitMs: 0 };
}

/** Which names are still in, and by what each is to be checked next. */
class Plan {
  /** Names that may still get a certificate. */
  open: Identifier[];
  /** The first failure of each name: what is tried first is what the owner is meant to mend. */
  readonly #failed = new Map<string, ValidationFailure>();
  readonly #left: Map<string, ChallengeType[]>;

  constructor(wanted: readonly Identifier[], methods: readonly ChallengeType[]) {
    this.open = [...wanted];
    this.#left = new Map(wanted.map(({ value }) => [value, [...methods]]));
  }

  /** @param offered what the authority takes for it */
  challengeFor(identifier: Identifier, offered: readonly ChallengeType[]): ChallengeType | null {
    return this.#left.get(identifier.value)?.find((type) => offered.includes(type)) ?? null;
  }

  /** Takes that way, or (null) the name, out. */
  fail(failure: ValidationFailure): void {
    const { identifier: { value }, challenge } = failure;
    const left = challenge === null ? [] : (this.#left.get(value) ?? []).filter((type) => type !== challenge);
    this.#left.set(value, left);
    if (!this.#failed.has(value)) this.#failed.set(value, failure);
    if (left.length === 0) this.open = this.open.filter((identifier) => identifier.value !== value);
  }

  /** @param certificate what it covers has failed by one way and not by another */
  failures(certificate?: Certificate): ValidationFailure[] {
    return [...this.#failed.values()].filter(({ identifier }) => !certificate?.covered([identifier]).length);
  }
}

interface Order {
  url: string;
  status: string;
  authorizations: string[];
  finalize: string;
  certificate: string | null;
}

/** @returns null when the authority refused names, which are out of the plan now */
async function placeOrder(plan: Plan, ordering: Ordering): Promise<Order | null> {
  const { client } = ordering;
  const { newOrder, profiles, renewalInfo } = await client.directory();
  const short = plan.open.some(({ type }) => type === 'ip') &&
    (profiles === null || profiles.includes(ADDRESS_PROFILE));
  const payload = { identifiers: plan.open, ...(short ? { profile: ADDRESS_PROFILE } : {}) };
  const replaces = renewalInfo ? ordering.replaces : null;
  try {
    return readOrder(await postOrder(client, newOrder, payload, replaces), null);
  } catch (error) {
    if (!(error instanceof AcmeError) || error.kind !== 'refused' || !error.problem) throw error;
    const refused = plan.open.filter(({ value }) => error.problem!.identifiers.some((entry) => entry.value === value));
    if (refused.length === 0) throw error;
    for (const identifier of refused) plan.fail({ identifier, challenge: null, problem: error.problem });
    return null;
  }
}

/** RFC 9773 section 5: an authority may refuse what is to be replaced; the order is good without. */
async function postOrder(client: AcmeClient, url: string, payload: object, replaces: string | null): Promise<Answer> {
  if (!replaces) return await client.post(url, payload);
  try {
    return await client.post(url, { ...payload, replaces });
  } catch (error) {
    if (!(error instanceof AcmeError) || error.kind !== 'refused' || error.problem?.identifiers.length) throw error;
    return await client.post(url, payload);
  }
}

/** @returns whether all names are proven; those that are not are out of the plan, or have one way less */
async function authorize(order: Order, plan: Plan, ordering: Ordering): Promise<boolean> {
  let proven = true;
  for (const url of order.authorizations) {
    const failure = await authorizeOne(url, plan, ordering);
    if (!failure) continue;
    proven = false;
    plan.fail(failure);
  }
  return proven;
}

async function authorizeOne(url: string, plan: Plan, ordering: Ordering): Promise<ValidationFailure | null> {
  const { client, clock, challenges } = ordering;
  const authorization = readAuthorization(await client.post(url));
  const { identifier, status } = authorization;
  if (!plan.open.some(({ value }) => value === identifier.value)) throw unexpected('an authorization nobody asked for');
  if (status === 'valid') return null;
  const type = plan.challengeFor(identifier, authorization.challenges.map(({ type }) => type));
  const challenge = authorization.challenges.find((entry) => entry.type === type);
  if (!challenge || status !== 'pending') return { identifier, challenge: null, problem: authorization.problem };
  const answer = keyAuthorization(challenge.token, client.key);
  const close = challenges.open({ ...challenge, identifier, keyAuthorization: answer }, clock.now());
  try {
    await client.post(challenge.url, {});
    const settled = ({ status }: Authorization) => status !== 'pending' && status !== 'processing';
    const result = await client.poll(url, readAuthorization, settled, VALIDATION_MS);
    return result.status === 'valid' ? null : { identifier, challenge: challenge.type, problem: result.problem };
  } finally {
    close();
  }
}

async function finalize(order: Order, identifiers: readonly Identifier[], ordering: Ordering): Promise<Certificate> {
  const { client, clock } = ordering;
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const read = (answer: Answer) => readOrder(answer, order.url);
  const ready = await client.poll(order.url, read, ({ status }) => status !== 'pending', SIGNING_MS);
  if (ready.status === 'ready') {
    await client.post(ready.finalize, { csr: createRequest(identifiers, key).toString('base64url') });
  }
  const done = await client.poll(
    order.url,
    read,
    ({ status }) => status !== 'processing' && status !== 'ready',
    SIGNING_MS,
  );
  if (done.status !== 'valid' || !done.certificate) throw unexpected(`the order is ${done.status}`);
  const { body } = await client.post(done.certificate);
  return acceptCertificate(body, key, identifiers, clock.now());
}

/** Throws an AcmeError of the kind `refused`: what is signed counts with the authority, so it is not asked again soon. */
function acceptCertificate(
  chain: string,
  key: KeyObject,
  identifiers: readonly Identifier[],
  now: number,
): Certificate {
  const unusable = (what: string) => new AcmeError('refused', `The authority's certificate cannot be used: ${what}.`);
  let certificate;
  try {
    certificate = readCertificate(chain, key.export({ type: 'pkcs8', format: 'pem' }) as string);
  } catch (error) {
    throw unusable((error as Error).message);
  }
  if (!sameIdentifiers(certificate.covered(identifiers), identifiers)) {
    throw unusable(`it is not for ${listIdentifiers(identifiers)}`);
  }
  if (certificate.notAfter >= now + MIN_LIFETIME_MS) return certificate;
  throw unusable(`it ends ${new Date(certificate.notAfter).toISOString()}; see that this server's clock is right`);
}

const unexpected = (what: string): AcmeError =>
  new AcmeError('unreachable', `The authority's answer cannot be used: ${what}.`);

/** @param url null: the answer's Location says it */
function readOrder({ json, location }: Answer, url: string | null): Order {
  const { status, authorizations, finalize, certificate } = json;
  const isList = Array.isArray(authorizations) && authorizations.length <= 2 * MAX_IDENTIFIERS;
  if (typeof status !== 'string' || !isList) throw unexpected('an order without status');
  return {
    url: url ?? urlIn(location),
    status,
    authorizations: authorizations.map(urlIn),
    finalize: urlIn(finalize),
    certificate: certificate === undefined ? null : urlIn(certificate),
  };
}

interface Authorization {
  identifier: Identifier;
  status: string;
  challenges: { type: ChallengeType; url: string; token: string }[];
  /** Of the challenge that failed. */
  problem: Problem;
}

const MAX_CHALLENGES = 20;

function readAuthorization({ json }: Answer): Authorization {
  const identifier = identifierOf(json.identifier);
  if (!identifier || typeof json.status !== 'string') throw unexpected('an authorization without name or status');
  const list = (Array.isArray(json.challenges) ? json.challenges.slice(0, MAX_CHALLENGES) : []).filter(isObject);
  const failed = list.find(({ error }) => isObject(error))?.error;
  const challenges = list.flatMap(({ type, url, token }) =>
    (type === 'tls-alpn-01' || type === 'http-01') && typeof token === 'string'
      ? [{ type: type as ChallengeType, url: urlIn(url), token }]
      : []
  );
  return { identifier, status: json.status, challenges, problem: parseProblem(failed) };
}
