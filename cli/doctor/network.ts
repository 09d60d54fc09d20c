/** What doctor looks at on the way to the relay. */
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Config } from '../../agent/config.ts';
import type { LocalHealth } from '../local-health.ts';
import { dashboardOrigin } from '../relay-address.ts';
import { failed, type Finding, ok, warning } from './finding.ts';

/** How long the relay may take to answer, ms. */
const ANSWER_MS = 10_000;
const MAX_ANSWER = 64 * 1024;
/** Difference of the clocks that is a problem, ms: certificates, tokens and times in the dashboard depend on them. */
const MAX_SKEW_MS = 60_000;
const DAY_MS = 24 * 3600 * 1000;

export interface RelayAnswer {
  status: number;
  body: string;
  /** Wall-clock time of the relay; null when it did not say. */
  date: number | null;
  /** End of the certificate's validity; null over plain http. */
  validTo: number | null;
  issuer: string;
  ms: number;
}

/** Asks the relay how it is. Rejects with what hinders it. */
export function askRelay({ url, ca }: NonNullable<Config['relay']>): Promise<RelayAnswer> {
  const started = performance.now();
  const address = `${dashboardOrigin(url)}/api/relay/status`;
  const options = { timeout: ANSWER_MS, ...(ca ? { ca: readFileSync(ca) } : {}) };
  return new Promise((resolve, reject) => {
    const req = (address.startsWith('https:') ? httpsRequest : httpRequest)(address, options, (res) => {
      const certificate = (res.socket as Partial<TLSSocket>).getPeerCertificate?.();
      let body = '';
      res.setEncoding('utf8').on('data', (chunk: string) => body = (body + chunk).slice(0, MAX_ANSWER));
      res.on('error', reject);
      res.on('end', () =>
        resolve({
          status: res.statusCode ?? 0,
          body,
          date: res.headers.date ? Date.parse(res.headers.date) : null,
          validTo: certificate?.valid_to ? Date.parse(certificate.valid_to) : null,
          issuer: String(certificate?.issuer?.O ?? certificate?.issuer?.CN ?? ''),
          ms: performance.now() - started,
        }));
    });
    req.on('timeout', () => req.destroy(new Error(`no answer in ${ANSWER_MS / 1000} s`)));
    req.on('error', reject);
    req.end();
  });
}

/** @param answer or the error that hindered it */
export function checkRelay(
  relay: NonNullable<Config['relay']>,
  answer: RelayAnswer | Error,
  local: LocalHealth | null,
): Finding[] {
  const origin = dashboardOrigin(relay.url);
  if (answer instanceof Error) return [failed('relay', `${origin}: ${answer.message}`, mendOf(answer, origin))];
  const status = statusOf(answer.body);
  if (!status) {
    const text = `${origin} answers with ${answer.status}, and not as a relay does.`;
    return [
      failed('relay', text, 'Is the address right? A proxy in front must pass everything on: docs/remote-access.md.'),
    ];
  }
  if (status.error) return [failed('relay', `${origin}: ${status.error}`, "The relay's log says more.")];
  return [
    ok('relay', `${origin} answers in ${Math.round(answer.ms)} ms`),
    checkMachine(status, local),
    checkCertificate(answer),
    checkClock(answer.date),
    checkPush(origin),
  ];
}

interface RelayStatus {
  tunnelConnected?: boolean;
  error?: string;
}

function statusOf(body: string): RelayStatus | null {
  try {
    const status = JSON.parse(body) as RelayStatus;
    return typeof status.tunnelConnected === 'boolean' || typeof status.error === 'string' ? status : null;
  } catch {
    return null;
  }
}

function checkMachine({ tunnelConnected }: RelayStatus, local: LocalHealth | null): Finding {
  const tunnel = local?.tunnel;
  if (tunnel?.kind === 'connected') return ok('machine', 'is connected');
  if (tunnel) return failed('machine', tunnel.text ?? tunnel.kind, 'The log says more: agent-monitor service logs.');
  if (tunnelConnected) {
    return warning('machine', 'A machine is connected, but not by the server of this user.', 'Is it another one?');
  }
  return failed('machine', 'is not connected.', 'Start it: agent-monitor, or agent-monitor service install.');
}

export function checkCertificate({ validTo, issuer }: RelayAnswer, now = Date.now()): Finding {
  const mend = 'RELAY_TLS=auto gets one by itself: agent-monitor deploy, or docs/remote-access.md.';
  if (validTo === null) return warning('certificate', 'plain http: passwords can be read on the way.', mend);
  const days = Math.floor((validTo - now) / DAY_MS);
  const text = `${issuer ? `of ${issuer}, ` : ''}valid for ${days} more days`;
  // Certificates for addresses live for six days and are renewed halfway.
  return days < 1
    ? warning('certificate', text, "It should have been renewed: see the relay's log.")
    : ok('certificate', text);
}

export function checkClock(date: number | null, now = Date.now()): Finding {
  if (date === null) return ok('clock', 'the relay does not say its time');
  const skew = Math.abs(now - date);
  if (skew <= MAX_SKEW_MS) return ok('clock', "agrees with the relay's");
  const mend = 'Switch on time synchronisation on both: timedatectl set-ntp true.';
  return warning('clock', `differs from the relay's by ${Math.round(skew / 1000)} s.`, mend);
}

const checkPush = (origin: string): Finding =>
  origin.startsWith('https:')
    ? ok('push', 'the dashboard can notify phones')
    : warning('push', 'Phones get no notifications over plain http.', 'Give the relay https.');

/** Sentences for what is met most. */
function mendOf(error: Error, origin: string): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (/ENOTFOUND|EAI_AGAIN/.test(code)) return 'The name is not known: is RELAY_URL right, and is there a network?';
  if (code === 'ECONNREFUSED') {
    return 'Nothing listens there: does the relay run? ssh to the server and look at its log.';
  }
  if (/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/.test(code) || /no answer/.test(message)) {
    return `A firewall may be in the way: open port ${portOf(origin)} on the server.`;
  }
  if (/CERT|SELF_SIGNED|ALTNAME|LEAF_SIGNATURE/.test(code)) {
    return 'The certificate is not for this name, or of an unknown authority: RELAY_CA takes the file of its root.';
  }
  if (/EPROTO|ECONNRESET/.test(code)) return 'Is it https:// there, and not http://, or the reverse?';
  return 'Is RELAY_URL right?';
}

const portOf = (origin: string): string => new URL(origin).port || (origin.startsWith('https:') ? '443' : '80');

/** The port of the local server: this program has it, or nobody. */
export async function checkPort(
  { port, host }: Pick<Config, 'port' | 'host'>,
  local: LocalHealth | null,
): Promise<Finding> {
  if (local) return ok('server', `runs on port ${local.port}, version ${local.version}`);
  const problem = await new Promise<string>((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host || '127.0.0.1', () => server.close(() => resolve('')));
  });
  if (!problem) {
    return warning('server', `does not run; port ${port} is free.`, 'agent-monitor, or agent-monitor service install.');
  }
  return failed('server', `Port ${port} cannot be used (${problem}).`, 'Stop the other program, or set PORT.');
}
