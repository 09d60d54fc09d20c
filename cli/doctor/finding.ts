/** What doctor finds out. */

export type Verdict = 'ok' | 'warning' | 'failed';

export interface Finding {
  /** `node`, `git`, `relay` … */
  name: string;
  verdict: Verdict;
  /** What was seen. */
  text: string;
  /** What to do; empty when it is well. */
  mend: string;
}

export const ok = (name: string, text: string): Finding => ({ name, verdict: 'ok', text, mend: '' });
/** Something does not work, all else does. */
export const warning = (name: string, text: string, mend: string): Finding => ({
  name,
  verdict: 'warning',
  text,
  mend,
});
/** Without this the program is of no use. */
export const failed = (name: string, text: string, mend: string): Finding => ({ name, verdict: 'failed', text, mend });
