/** Port 80: answers http-01 challenges and sends browsers to https. Nothing else is served without TLS. */
import type { Clock } from '../../core/clock.ts';
import { HttpError } from '../../core/http/reply.ts';
import { createHttpServer, type HttpServer, type LocalHandler } from '../../core/http/server.ts';
import type { Log } from '../../core/log.ts';
import type { Challenges } from './challenges.ts';
import { parseIdentifier } from './identifier.ts';
import { answerWaiting } from './waiting-page.ts';

export interface PlainHttpSettings {
  challenges: Challenges;
  /** Host names and addresses that are ours; there is no redirect to another. */
  names: readonly string[];
  /** Where https is served. */
  httpsPort: () => number;
  /** Why https would show a warning now; null when it would not. */
  waiting: () => string | null;
  log: Log;
  clock: Clock;
}

export const createPlainHttp = (settings: PlainHttpSettings): HttpServer =>
  createHttpServer({ handler: plainHandler(settings), log: settings.log, clock: settings.clock });

export function plainHandler({ challenges, names, httpsPort, waiting }: PlainHttpSettings): LocalHandler {
  const own = new Set(names);
  return (req, res) => {
    const { method, url } = req;
    const isRead = method === 'GET' || method === 'HEAD';
    const answer = isRead ? challenges.httpAnswer(url) : null;
    if (answer !== null) {
      res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': answer.length });
      return void res.end(method === 'HEAD' ? undefined : answer);
    }
    const host = hostOf(req.headers.host ?? '');
    if (host === null || !own.has(host)) {
      throw new HttpError(421, 'host_unknown', 'This relay is not known by that name: list it in RELAY_DOMAIN.');
    }
    if (!isRead || req.headers.upgrade !== undefined) {
      throw new HttpError(403, 'https_required', 'Only https is served here: ask again with https.');
    }
    const reason = waiting();
    if (reason !== null) return answerWaiting(req, res, reason);
    res.writeHead(308, { location: secureAddress(host, httpsPort(), url), 'content-length': 0 });
    res.end();
  };
}

/** A Host header without its port. @returns null for what is neither a name nor an address */
const hostOf = (host: string): string | null => parseIdentifier(host.replace(/:\d+$/, ''))?.value ?? null;

function secureAddress(host: string, port: number, target: string): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `https://${name}${port === 443 ? '' : `:${port}`}${target}`;
}
