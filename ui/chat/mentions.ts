/** Files of the agent that an `@` at the end of the text may become. */
import { useEffect, useState } from '../html.ts';
import type { Capabilities } from '../../core/api/agents.ts';
import type { FileSearch } from '../../core/api/files.ts';
import { useApp } from '../app.ts';
import { path } from '../route.ts';

type Option = Capabilities['commands'][number];

/** Files that are offered. */
const MAX_OFFERED = 8;
/** Typing pauses for so long before the machine is asked, ms. */
const PAUSE_MS = 60;
const NONE: readonly Option[] = [];

/** What is typed behind the `@`; null: no file is being named. */
export const mentionIn = (text: string): string | null => /(?:^|[\s(])@(\S{0,200})$/.exec(text)?.[1] ?? null;

/** The text with the file in the place of what was typed; a path with spaces in quotes. */
export const withMention = (text: string, file: string): string =>
  text.replace(/@\S*$/, () => /\s/.test(file) ? `@"${file}" ` : `@${file} `);

/** The files that fit, the best first; none until the machine has answered for what is typed now. */
export function useMentions(agent: string, text: string): readonly Option[] {
  const { api } = useApp();
  const typed = mentionIn(text);
  const [found, setFound] = useState<{ typed: string | null; options: readonly Option[] }>({
    typed: null,
    options: NONE,
  });
  useEffect(() => {
    if (typed === null) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      const url = `${path`/api/agents/${agent}/files/search`}?${new URLSearchParams({ q: typed })}`;
      api.get<FileSearch>(url, { signal: abort.signal }).then(
        ({ paths }) => {
          const options = paths.slice(0, MAX_OFFERED).map((name) => ({ name, description: '', argumentHint: '' }));
          if (!abort.signal.aborted) setFound({ typed, options });
        },
        () => {}, // Without an answer nothing is offered; the text can be sent all the same.
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [agent, typed]);
  return typed !== null && found.typed === typed ? found.options : NONE;
}
