import type { ErrorCode, ErrorParams } from '../../../core/api/errors.ts';

/**
 * The server's code, or why there is none: it was not reached, did not answer in time, the caller gave up, or the answer is
 * not one of this version (no JSON, a code that is not known here).
 */
export type ApiErrorCode = ErrorCode | 'offline' | 'timeout' | 'aborted' | 'bad_reply';

/** What the server says, in another language than its own. */
export interface ServerWords {
  /** A refusal, by its code; undefined: its sentence is shown. */
  error(code: string, params: ErrorParams): string | undefined;
  /** A sentence that is on disk as it was said: of a conversation, of a state; as it is when it is none of the server's own. */
  sentence(text: string): string;
  /** What the server calls a browser. */
  device(name: string): string;
}
