/**
 * With what a session was opened that an earlier server had begun to open: the same is asked again, word for word, so that the answers that
 * are there already are its answers. What was changed since then is set afterwards.
 */
import type { OpenOptions } from './provider.ts';

type Opening = Omit<OpenOptions, 'agentId' | 'cwd' | 'flags' | 'attachments' | 'holder'>;

/** For the holder's record. */
export function openingOf(options: OpenOptions): Opening {
  const { agentId: _agent, cwd: _cwd, flags: _flags, attachments: _attachments, holder: _holder, ...opening } = options;
  return opening;
}

/** The options as they were when the CLI was started, as far as it has not been opened yet. */
export function optionsAtStart(options: OpenOptions): OpenOptions {
  const { survivor = null } = options.holder ?? {};
  const opening = survivor?.record.meta.opening;
  return survivor && typeof opening === 'object' ? { ...options, ...opening as Opening } : options;
}
