/** Paths that an agent names, as links to its files. What only may be a path stays as it was written. */
import { html, useContext } from '../html.ts';
import { Icon } from '../components/mod.ts';
import { relativePath } from '../format.ts';
import { filePage, href } from '../route.ts';
import { AgentContext, DirectoryContext } from './agent-context.ts';

export interface FilePlace {
  /** Below the agent's folder. */
  file: string;
  /** From 1; undefined: none is named. */
  line?: number;
}

/** Longest text that is looked at: a path with a line. */
const MAX_PATH = 300;
/** A name without a slash is one of a file only with an ending of these: `console.log` is none. */
const ENDINGS =
  /\.(?:c|cc|cpp|cs|css|csv|go|h|hpp|html|java|js|json|jsx|kt|md|mjs|php|png|py|rb|rs|sh|sql|svg|swift|toml|ts|tsx|txt|vue|xml|ya?ml)$/i;
const SHAPE = /^((?:\.{0,2}\/)?[\p{L}\p{N}_@.+-]+(?:\/[\p{L}\p{N}_@.+() [\]-]+)*\/?)(?::(\d{1,7})(?:[:-]\d{1,7})?)?$/u;

/** The file that a text names, such as `src/a.ts:12`; null: it names none, or one outside of the folder. */
export function placeIn(directory: string, text: string): FilePlace | null {
  const match = text.length <= MAX_PATH ? SHAPE.exec(text) : null;
  if (!match) return null;
  const path = relativePath(directory, match[1]!.replace(/^\.\//, ''));
  const isInside = !path.startsWith('/') &&
    path.split('/').every((part) => part !== '..' && part.toLowerCase() !== '.git');
  const last = path.slice(path.lastIndexOf('/', path.length - 2) + 1);
  const isFile = path.includes('/') ? /[./]/.test(last) : ENDINGS.test(path);
  if (!isInside || !isFile) return null;
  return { file: path, ...(match[2] ? { line: Number(match[2]) } : {}) };
}

/** Code within a sentence. */
export function InlineCode({ text }: { text: string }) {
  const agent = useContext(AgentContext);
  const place = placeIn(useContext(DirectoryContext), text);
  if (!agent || !place) return html`<code>${text}</code>`;
  return html`<a class="file-link" href=${href(filePage(agent, place.file, place.line))}><code>${text}</code></a>`;
}

/** The file that a tool read or changed. @param path as the tool was told it */
export function ToolFile({ path }: { path: string }) {
  const agent = useContext(AgentContext);
  const file = relativePath(useContext(DirectoryContext), path);
  const isInside = file !== '' && !file.startsWith('/') && !file.split('/').includes('..');
  if (!agent || !isInside) return null;
  return html`
    <a class="tool-file" href=${href(filePage(agent, file))}>
      <${Icon} name="file" size=${16} />
      <bdi>${file}</bdi>
    </a>
  `;
}
