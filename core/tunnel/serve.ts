/** Serves what the relay opens with the one Handler of the machine: its own routes and nothing else. */
import type { Buffer } from 'node:buffer';
import { fail } from '../http/reply.ts';
import type { Handler } from '../http/types.ts';
import { TunnelRequest, TunnelResponse } from './message.ts';
import type { OpenHead } from './mux.ts';
import type { Stream, StreamEvents } from './stream.ts';

/** RFC 9110 section 9.1; CONNECT asks for a tunnel to elsewhere and is never served. */
const METHOD = /^(?!CONNECT$)[A-Z]{1,20}$/;
/** Origin-form only (RFC 9112 section 3.2.1): no absolute URL, no authority, nothing that a path cannot hold. */
const TARGET = /^\/[!-~]*$/;

/** @param onError is told of what the handler threw unexpectedly */
export function serveStream(
  stream: Stream,
  head: OpenHead,
  handler: Handler,
  onError: (error: unknown, head: OpenHead) => void,
): void {
  const req = new TunnelRequest(stream, head);
  const res = new TunnelResponse(stream, req, head.upgrade);
  stream.events = new Serving(req, res);
  // Nobody need listen: an aborted request is an ordinary thing.
  req.on('error', ignore);
  if (!METHOD.test(head.method) || !TARGET.test(head.target)) {
    res.writeHead(400, { 'content-length': 0 });
    return void res.end();
  }
  try {
    handler(req, res)?.catch((error) => failed(error, head, res, onError));
  } catch (error) {
    failed(error, head, res, onError);
  }
}

function failed(
  error: unknown,
  head: OpenHead,
  res: TunnelResponse,
  onError: (error: unknown, head: OpenHead) => void,
): void {
  // The client has left: what fails for that reason is no news.
  if (res.destroyed) return;
  fail(res, error, (unexpected) => onError(unexpected, head));
}

function ignore(): void {}

/** The stream's side of a request and its answer. */
class Serving implements StreamEvents {
  readonly #req: TunnelRequest;
  readonly #res: TunnelResponse;

  constructor(req: TunnelRequest, res: TunnelResponse) {
    this.#req = req;
    this.#res = res;
  }
  onData(chunk: Buffer): void {
    this.#req.deliver(chunk);
  }
  onTrailers(fields: string[]): void {
    this.#req.rawTrailers = fields;
  }
  onEnd(): void {
    this.#req.complete = true;
    this.#req.push(null);
  }
  onDrain(): void {
    this.#res.drained();
  }
  onSent(): void {
    this.#res.sent();
  }
  onReset(): void {
    this.#req.destroy(this.#req.complete ? undefined : new Error('the client closed the request'));
    this.#res.close();
  }
}
