/** What the relay keeps of its dealings with a certificate authority: one small file, replaced as a whole, closed to others. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync, renameSync } from 'node:fs';
import type { Log } from '../../core/log.ts';
import { writeAtomic } from '../atomic-file.ts';
import { type Certificate, readCertificate } from './certificate.ts';
import type { Account } from './client.ts';
import { isObject } from './problem.ts';

export interface AcmeRecord {
  /** Address of the authority that knows the account. */
  directory: string;
  key: KeyObject;
  /** null: not made yet. */
  account: Account | null;
  /** May be another authority's, from before the setting was changed: served until there is one of this. */
  certificate: Certificate | null;
  /** Address of the authority that gave it. */
  issuer: string | null;
  /** Times of failed checks that still count with the authority, ms since the epoch. */
  failedAt: number[];
}

const VERSION = 1;

export class AccountFile {
  readonly #file: string;
  readonly #log: Log;

  constructor(file: string, log: Log) {
    this.#file = file;
    this.#log = log;
  }

  /** @returns a fresh record when there is no file. One that cannot be understood is set aside, never overwritten. */
  load(directory: string, now: number): AcmeRecord {
    let text;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return freshRecord(directory);
      throw new Error(
        `${this.#file} cannot be read (${(error as Error).message}): it must belong to the relay's user.`,
      );
    }
    try {
      return parseRecord(JSON.parse(text), directory);
    } catch {
      const aside = `${this.#file}.corrupt-${now}`;
      renameSync(this.#file, aside);
      this.#log.warn('The file of the certificate is damaged and was set aside; another one is asked for.', {
        file: aside,
      });
      return freshRecord(directory);
    }
  }

  /** Throws a sentence when it cannot be written. */
  save({ key, certificate, ...rest }: AcmeRecord): void {
    const retained = certificate && { chain: certificate.chain, key: certificate.key };
    const record = { version: VERSION, ...rest, key: pemOf(key), certificate: retained };
    try {
      writeAtomic(this.#file, JSON.stringify(record));
    } catch (error) {
      throw new Error(
        `The certificate's key cannot be kept in ${this.#file} (${(error as Error).message}): ` +
          'RELAY_STATE must name a file in a folder that can be written.',
      );
    }
  }
}

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;

const freshRecord = (directory: string): AcmeRecord => ({
  directory,
  key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  account: null,
  certificate: null,
  issuer: null,
  failedAt: [],
});

/** Throws unless every field is of its kind. Of another authority only the certificate is taken. */
function parseRecord(value: unknown, directory: string): AcmeRecord {
  if (!isObject(value) || value.version !== VERSION) throw new Error('unknown version');
  if (typeof value.directory !== 'string') throw new Error('no authority');
  const { account, failedAt } = value;
  const certificate = isObject(value.certificate)
    ? readCertificate(String(value.certificate.chain), String(value.certificate.key))
    : null;
  const issuer = certificate && String(value.issuer);
  if (value.directory !== directory) return { ...freshRecord(directory), certificate, issuer };
  const isAccount = isObject(account) && typeof account.url === 'string' && typeof account.contact === 'string';
  if (account !== null && !isAccount) throw new Error('no account');
  if (!Array.isArray(failedAt) || !failedAt.every((at) => typeof at === 'number')) throw new Error('no times');
  const key = createPrivateKey(String(value.key));
  return { directory, key, account: account as Account | null, certificate, issuer, failedAt };
}
