/** Serves what the relay opens with the one Handler of the machine: its own routes and nothing else. */
import { fail } from '../http/reply.ts';
import type { Handler } from '../http/types.ts';
import { TunnelRequest, TunnelResponse } from './message.ts';
import type { OpenHead } from './mux.ts';
import type { Stream } from './stream.ts';

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
  stream.events = {
    onData: (chunk) => req.deliver(chunk),
    onTrailers: (fields) => void (req.rawTrailers = fields),
    onEnd: () => {
      req.complete = true;
      req.push(null);
    },
    onDrain: () => res.drained(),
    onReset: () => {
      req.destroy(req.complete ? undefined : new Error('the client closed the request'));
      res.close();
    },
  };
  // Nobody need listen: an aborted request is an ordinary thing.
  req.on('error', ignore);
  if (!METHOD.test(head.method) || !TARGET.test(head.target)) {
    res.writeHead(400, { 'content-length': 0 });
    return void res.end();
  }
  const failed = (error: unknown) => fail(res, error, (unexpected) => onError(unexpected, head));
  try {
    const running = handler(req, res);
    if (running) running.catch(failed);
  } catch (error) {
    failed(error);
  }
}

const ignore = () => {};
