/**
 * Keeps the relay in certificates: serves what there is, asks for the next in time, tries again when that fails. It owns the
 * one timer and the one run that go on; everything else under relay/acme is a function or a table to it.
 */
import type { Clock, Timer } from '../../core/clock.ts';
import type { TlsFiles } from '../../core/http/tls.ts';
import type { Log } from '../../core/log.ts';
import { AccountFile, type AcmeRecord } from './account-file.ts';
import type { Certificate } from './certificate.ts';
import { Challenges } from './challenges.ts';
import { AcmeClient } from './client.ts';
import { type Identifier, listIdentifiers } from './identifier.ts';
import { orderCertificate, type Ordered } from './order.ts';
import { AcmeError, type ChallengeType, describeValidation } from './problem.ts';
import {
  budgetDelay,
  earliestRenewal,
  parseWindow,
  recentFailures,
  renewalTime,
  retryDelay,
  windowCheckDelay,
  windowTime,
} from './renewal.ts';
import { createStandIn } from './stand-in.ts';
import type { Transport } from './transport.ts';

export interface AcmeSettings {
  identifiers: Identifier[];
  /** Address of the authority's directory. */
  directory: string;
  /** '' for none. */
  email: string;
  /** Where account and certificate are kept. */
  file: string;
}

export interface AcmeDependencies {
  log: Log;
  clock: Clock;
  transport: Transport;
  /** 0 ≤ x < 1 */
  random: () => number;
  /** By what the authority may check us, best first; asked at each run. */
  methods: () => ChallengeType[];
  /** Takes a certificate into use for new connections. */
  use: (files: TlsFiles) => void;
}

export interface AcmeStatus {
  /** null: only the stand-in is served, which no browser trusts. */
  certificate: { names: string[]; notAfter: number } | null;
  /** One sentence about what went wrong last and how to mend it; null while all is well. */
  problem: string | null;
}

/** A timer is set for this long at most: the wall clock may be set, a suspended machine wakes late. */
const MAX_SLEEP_MS = 6 * 3600_000;

export class AcmeManager {
  readonly challenges = new Challenges();
  /** Served from the start: the kept certificate, or one of its own until there is one. */
  readonly initial: TlsFiles;
  readonly #settings: AcmeSettings;
  readonly #dependencies: AcmeDependencies;
  readonly #file: AccountFile;
  readonly #record: AcmeRecord;
  readonly #stop = new AbortController();
  #timer: Timer | null = null;
  #running: Promise<void> = Promise.resolve();
  /** Failed runs in a row. */
  #failures = 0;
  /** When to try again after a failure, on the monotonic clock; null: the last run had none. */
  #retryAt: number | null = null;
  /** When to renew what is served, ms since the epoch; not before #earliest. */
  #renewAt = 0;
  #earliest = 0;
  /** When to ask for the renewal window, on the monotonic clock. */
  #windowAt = 0;
  /** Where in the window: chosen once a certificate, or asking often would mean renewing early. */
  #share = 0;
  #problem: string | null = null;

  /** Throws a sentence when the kept file cannot be read. */
  constructor(settings: AcmeSettings, dependencies: AcmeDependencies) {
    const { clock, log } = dependencies;
    this.#settings = settings;
    this.#dependencies = dependencies;
    this.#file = new AccountFile(settings.file, log);
    this.#record = this.#file.load(settings.directory, clock.now());
    const { certificate } = this.#record;
    this.initial = certificate ? filesOf(certificate) : createStandIn(settings.identifiers, clock.now());
    this.#planRenewal();
  }

  /** Once, when the relay listens. @returns when the first run is over, whatever came of it; at once if none is due */
  start(): Promise<void> {
    if (this.#wait() <= 0) this.#run();
    else this.#arm();
    return this.#running;
  }

  /** Ends what runs; the authority is told nothing. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the relay ends'));
    this.#dependencies.clock.clearTimeout(this.#timer);
    await this.#running;
  }

  status(): AcmeStatus {
    const { certificate } = this.#record;
    const names = certificate?.covered(this.#settings.identifiers).map(({ value }) => value);
    return {
      certificate: certificate && { names: names!, notAfter: certificate.notAfter },
      problem: this.#problem,
    };
  }

  // ---- time

  /** ms until something is due; 0 or less: now. */
  #wait(): number {
    const { clock } = this.#dependencies;
    if (this.#retryAt !== null) return this.#retryAt - clock.monotonic();
    if (this.#isDue()) return 0;
    return Math.min(this.#renewAt - clock.now(), this.#windowAt - clock.monotonic());
  }

  #arm(): void {
    const { clock } = this.#dependencies;
    clock.clearTimeout(this.#timer);
    if (this.#stop.signal.aborted) return;
    this.#timer = clock.setTimeout(() => {
      this.#timer = null;
      if (this.#wait() <= 0) this.#run();
      else this.#arm();
    }, Math.min(Math.max(this.#wait(), 0), MAX_SLEEP_MS));
  }

  /** Whether the certificate is missing, not for all names, another authority's, or at its time. */
  #isDue(): boolean {
    return this.#isDueFor(this.#settings.identifiers) || this.#dependencies.clock.now() >= this.#renewAt;
  }
  #isDueFor(identifiers: readonly Identifier[]): boolean {
    const { certificate, issuer } = this.#record;
    if (!certificate || issuer !== this.#settings.directory) return true;
    return certificate.covered(identifiers).length < identifiers.length;
  }

  /** After a new certificate, and at the start. */
  #planRenewal(): void {
    const { clock, random } = this.#dependencies;
    const { certificate } = this.#record;
    this.#share = random();
    this.#renewAt = certificate ? Math.max(renewalTime(certificate, this.#share), this.#earliest) : 0;
    this.#windowAt = clock.monotonic();
  }

  // ---- work

  #run(): void {
    this.#running = this.#attempt().finally(() => this.#arm());
  }

  /** Never rejects. */
  async #attempt(): Promise<void> {
    try {
      const client = this.#newClient();
      if (!this.#isDue()) await this.#askWindow(client);
      if (this.#isDue()) return this.#settle(await this.#order(client));
      if (this.#retryAt !== null) this.#file.save(this.#record); // That was what had failed.
      this.#succeed();
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#fail(error);
    }
  }

  #newClient(): AcmeClient {
    const { clock, transport } = this.#dependencies;
    const { directory } = this.#settings;
    return new AcmeClient({
      directoryUrl: directory,
      key: this.#record.key,
      transport,
      clock,
      signal: this.#stop.signal,
    });
  }

  /** Once more when the authority has forgotten the account. */
  async #order(client: AcmeClient): Promise<Ordered> {
    try {
      return await this.#orderOnce(client);
    } catch (error) {
      if (!isUnknownAccount(error) || !this.#record.account) throw error;
      this.#record.account = null;
      return await this.#orderOnce(client);
    }
  }

  async #orderOnce(client: AcmeClient): Promise<Ordered> {
    const { clock, methods } = this.#dependencies;
    const record = this.#record;
    // First: an account or certificate that cannot be kept would be asked for at each start, which authorities limit.
    this.#file.save(record);
    await this.#openAccount(client);
    return await orderCertificate(this.#settings.identifiers, {
      client,
      clock,
      challenges: this.challenges,
      methods: methods(),
      replaces: record.issuer === record.directory ? record.certificate?.renewalId ?? null : null,
      isWanted: (identifiers) => this.#isDueFor(identifiers) || clock.now() >= this.#renewAt,
      budget: {
        wait: () => budgetDelay(record.failedAt, clock.now()),
        spend: () => {
          record.failedAt = recentFailures([...record.failedAt, clock.now()], clock.now());
          this.#file.save(record);
        },
      },
    });
  }

  async #openAccount(client: AcmeClient): Promise<void> {
    const record = this.#record;
    record.account = await client.openAccount(record.account, this.#settings.email);
    this.#file.save(record);
  }

  /** What came of a run that the authority answered. */
  #settle({ certificate, failures, waitMs }: Ordered): void {
    if (certificate) this.#take(certificate);
    if (failures.length === 0 && waitMs === 0) return this.#succeed();
    const budget = 'The authority allows few failed checks an hour, and they are used up.';
    const text = failures.map(describeValidation).join(' ') || this.#problem || budget;
    this.#retry('refused', text, waitMs || null);
  }

  #succeed(): void {
    this.#problem = null;
    this.#retryAt = null;
    this.#failures = 0;
  }

  #take(certificate: Certificate): void {
    const { log, use, clock } = this.#dependencies;
    const record = this.#record;
    Object.assign(record, { certificate, issuer: record.directory, failedAt: [] });
    this.#earliest = earliestRenewal(certificate, clock.now());
    this.#planRenewal();
    use(filesOf(certificate));
    log.info('A new certificate is in use.', {
      names: listIdentifiers(certificate.covered(this.#settings.identifiers)),
      until: new Date(certificate.notAfter).toISOString(),
    });
    this.#file.save(record);
  }

  #fail(error: unknown): void {
    if (error instanceof AcmeError) return this.#retry(error.kind, error.message, error.retryAfterMs);
    this.#retry('unreachable', error instanceof Error ? error.message : String(error), null);
  }

  #retry(kind: AcmeError['kind'], text: string, askedMs: number | null): void {
    const { clock, random, log } = this.#dependencies;
    const delay = retryDelay(kind, ++this.#failures, askedMs, random());
    this.#retryAt = clock.monotonic() + delay;
    this.#problem = text;
    log.warn(text, {
      served: this.#record.certificate ? 'the certificate that there is' : 'none yet',
      nextTry: new Date(clock.now() + delay).toISOString(),
    });
  }

  // ---- renewalInfo (RFC 9773)

  /** Moves the time of renewal to what the authority suggests. What goes wrong here changes nothing. */
  async #askWindow(client: AcmeClient): Promise<void> {
    const { clock, log } = this.#dependencies;
    const { certificate } = this.#record;
    this.#windowAt = clock.monotonic() + windowCheckDelay(null);
    try {
      const { renewalInfo } = await client.directory();
      if (!renewalInfo || !certificate?.renewalId) return;
      const { json, retryAfterMs } = await client.get(`${renewalInfo.replace(/\/$/, '')}/${certificate.renewalId}`);
      this.#windowAt = clock.monotonic() + windowCheckDelay(retryAfterMs);
      const window = parseWindow(json);
      if (window) this.#renewAt = Math.max(windowTime(window, certificate, this.#share), this.#earliest);
    } catch (error) {
      log.debug('The time to renew could not be asked for.', { error: (error as Error).message });
    }
  }
}

const filesOf = ({ chain, key }: Certificate): TlsFiles => ({ cert: chain, key });

const isUnknownAccount = (error: unknown): boolean =>
  error instanceof AcmeError && error.problem?.type === 'accountDoesNotExist';
