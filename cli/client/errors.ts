/** What can go wrong between this program and a server, and the exit code that it ends with. */
import type { DecisionRecord } from '../../core/api/messages.ts';
import { CommandError, EXIT, type ExitCode } from '../exit-codes.ts';

/**
 * A call that a server refused, or that got no answer. `code` is a word of core/api/errors.ts or one of this program:
 * `offline` (cut off, no network), `timeout`, `no_server` (nobody listens, no such name, a certificate that is not trusted),
 * `aborted`, `not_this_server`.
 */
export class ApiError extends CommandError {
  /** 0: there was no answer. */
  readonly status: number;
  readonly code: string;
  /** Seconds after which another try may succeed; 0: nothing was said. */
  readonly retryAfterS: number;
  /** 409 already_decided: the decision that won. */
  readonly decision: DecisionRecord | null;

  constructor(
    message: string,
    { status, code, retryAfterS = 0, decision = null }: {
      status: number;
      code: string;
      retryAfterS?: number;
      decision?: DecisionRecord | null;
    },
  ) {
    super(message, exitCodeOf(status, code));
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
    this.decision = decision;
  }

  /** True when the same call may well succeed later: nothing was said against its content. */
  get isPassing(): boolean {
    return this.code === 'offline' || this.code === 'timeout' || PASSING.has(this.status);
  }
}

const PASSING = new Set([408, 502, 503, 504]);
const UNREACHABLE = new Set(['tunnel_down', 'tunnel_lost', 'machine_slow', 'closing']);

function exitCodeOf(status: number, code: string): ExitCode {
  if (code === 'aborted') return EXIT.interrupted;
  if (code === 'not_this_server') return EXIT.failed;
  if (status === 0 || UNREACHABLE.has(code)) return EXIT.unreachable;
  if (status === 401 && code !== 'wrong_password') return EXIT.loginNeeded;
  return status === 404 || status === 410 ? EXIT.notFound : EXIT.failed;
}

/** The command was ended by SIGINT or SIGTERM. */
export const abortedError = (): ApiError => new ApiError('Given up.', { status: 0, code: 'aborted' });
