/** Serves each stream that the relay opens with the machine's Handler: its own routes and nothing else. */
import type { Buffer } from 'node:buffer';
import { fail } from '../http/reply.ts';
import type { Handler } from '../http/types.ts';
import { TunnelRequest, TunnelResponse } from './http.ts';
import type { OpenHead } from './mux.ts';
import type { Stream, StreamEvents } from './stream.ts';

/** RFC 9110 section 9.1; CONNECT asks for a tunnel to another host and is never served. */
const METHOD = /^(?!CONNECT$)[A-Z]{1,20}$/;
/** Origin-form only (RFC 9112 section 3.2.1): no absolute URL, no authority, only characters of a path. */
const TARGET = /^\/[!-~]*$/;

/** @param onError receives what the handler threw unexpectedly */
export function serveStream(
  stream: Stream,
  head: OpenHead,
  handler: Handler,
  onError: (error: unknown, head: OpenHead) => void,
): void {
  const req = new TunnelRequest(stream, head);
  const res = new TunnelResponse(stream, req, head.upgrade);
  stream.events = new ServedStream(req, res);
  // An aborted request is ordinary: nobody needs to listen for it.
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
  // The client has disconnected: a failure for that reason is expected.
  if (res.destroyed) return;
  fail(res, error, (unexpected) => onError(unexpected, head));
}

function ignore(): void {}

/** Passes the stream's events to the request and its answer. */
class ServedStream implements StreamEvents {
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
