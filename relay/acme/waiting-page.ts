/** What a browser sees while the relay has no certificate that it would trust: why, and nothing to type a password into. */
import { Buffer } from 'node:buffer';
import { HttpError } from '../../core/http/reply.ts';
import type { HttpRequest, HttpResponse } from '../../core/http/types.ts';

/** Seconds after which the page asks again. */
const RELOAD_S = 10;

const HTML: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (c) => HTML[c]!);

/** Answers with 503: a page, or for a program the error's JSON. @param reason one sentence for people */
export function answerWaiting(req: HttpRequest, res: HttpResponse, reason: string): void {
  const headers = { 'retry-after': RELOAD_S, 'cache-control': 'no-store' };
  if (req.url.startsWith('/api/')) throw new HttpError(503, 'certificate_pending', reason, headers);
  const body = Buffer.from(page(escapeHtml(reason)));
  const type = { 'content-type': 'text/html; charset=utf-8', 'content-length': body.length };
  res.writeHead(503, { ...headers, ...type });
  res.end(req.method === 'HEAD' ? undefined : body);
}

const page = (reason: string): string =>
  `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${RELOAD_S}">
<title>Agent Monitor: waiting for https</title>
<h1>Waiting for https</h1>
<p>This relay has no certificate yet, so nobody can log in: a password could be read on the way.</p>
<p>${reason}</p>
<p>The page looks again every ${RELOAD_S} seconds.</p>
</html>
`;
