import { Component } from 'preact';
import type { Token, Tokens } from 'marked';
import { html, useRef } from '../html.ts';
import type { VNode } from '../html.ts';
import { CopyButton } from './copy.ts';
import { InlineCode } from './file-link.ts';
import { headingLevels, Markdown, MAX_DEPTH, withAddresses } from './markdown.ts';
import type { Block } from './markdown.ts';

interface Props {
  /** May grow: finished blocks are not drawn again. */
  text: string;
  streaming?: boolean;
  /** Links are shown as they are written, with their addresses. */
  isWhole?: boolean;
}

/** Markdown text as elements. */
export function MarkdownView({ text, streaming = false, isWhole = false }: Props) {
  const parser = useRef<Markdown | null>(null);
  parser.current ??= new Markdown();
  const parsed = parser.current.parse(text);
  const shown = isWhole ? parsed.map(({ key, token }) => ({ key, token: withAddresses(token) })) : parsed;
  const levels = headingLevels(shown);
  const blocks = shown.map((block) =>
    html`<${BlockView} key=${block.key} block=${block} level=${levels.get(block.key)} />`
  );
  return html`<div class=${`markdown ${streaming ? 'streaming' : ''}`}>${blocks}</div>`;
}

interface BlockProps {
  block: Block;
  /** Of a heading. */
  level?: number;
}

class BlockView extends Component<BlockProps> {
  override shouldComponentUpdate(next: BlockProps) {
    return next.block.token !== this.props.block.token || next.level !== this.props.level;
  }
  override render() {
    const { block: { token }, level } = this.props;
    if (level !== undefined) return html`<${`h${level}`} dir="auto">${all((token as Tokens.Heading).tokens, 0)}<//>`;
    return draw(token, 0);
  }
}

type Drawn = VNode | VNode[] | string | null;

const all = (tokens: Token[] | undefined, depth: number): Drawn[] =>
  (tokens ?? []).map((token) => draw(token, depth + 1));

/** Of the outermost elements, as of their first strong letter; what is inside of one follows it. */
const direction = (depth: number) => (depth === 0 ? 'auto' : undefined);

/** One token. A closed list of kinds: what is not known is shown as its text. */
function draw(token: Token, depth: number): Drawn {
  if (depth > MAX_DEPTH) return token.raw;
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'heading': // Inside of a quote or a list it is no heading of the conversation.
      return html`<p class="heading">${all(token.tokens, depth)}</p>` as VNode;
    case 'paragraph':
      return html`<p dir=${direction(depth)}>${all(token.tokens, depth)}</p>` as VNode;
    case 'code':
      return html`<${CodeBlock} text=${token.text} lang=${(token as Tokens.Code).lang} />` as VNode;
    case 'blockquote':
      return html`<blockquote dir=${direction(depth)}>${all(token.tokens, depth)}</blockquote>` as VNode;
    case 'list':
      return list(token as Tokens.List, depth);
    case 'table':
      return table(token as Tokens.Table, depth);
    case 'hr':
      return html`<hr />` as VNode;
    case 'strong':
      return html`<strong>${all(token.tokens, depth)}</strong>` as VNode;
    case 'em':
      return html`<em>${all(token.tokens, depth)}</em>` as VNode;
    case 'del':
      return html`<del>${all(token.tokens, depth)}</del>` as VNode;
    case 'codespan':
      return html`<${InlineCode} text=${unescape(token.text)} />` as VNode;
    case 'br':
      return html`<br />` as VNode;
    case 'link':
      return link(token as Tokens.Link, depth);
    case 'image':
      return link(asLink(token as Tokens.Image), depth);
    case 'text':
      return token.tokens ? html`<span>${all(token.tokens, depth)}</span>` as VNode : unescape(token.text);
    case 'escape':
      return unescape(token.text);
    case 'plain':
      return html`<pre class="plain" dir=${direction(depth)}>${token.raw}</pre>` as VNode;
    default:
      return token.raw; // html and everything newer: as it was written
  }
}

function list(token: Tokens.List, depth: number): VNode {
  const items = token.items.map((item) => listItem(item, depth));
  return (token.ordered
    ? html`<ol dir=${direction(depth)} start=${token.start || 1}>${items}</ol>`
    : html`<ul dir=${direction(depth)}>${items}</ul>`) as VNode;
}

function listItem({ task, checked, tokens }: Tokens.ListItem, depth: number): VNode {
  const content = all(tokens.filter((part) => part.type !== 'checkbox'), depth);
  return html`
    <li class=${task ? 'checkable' : ''}>
      ${task && html`<input type="checkbox" checked=${checked} disabled />`}
      ${content}
    </li>
  ` as VNode;
}

function table(token: Tokens.Table, depth: number): VNode {
  const draw = (tag: string) => (part: Tokens.TableCell) =>
    html`<${tag} class=${part.align ? `align-${part.align}` : ''}>${all(part.tokens, depth)}<//>`;
  const rows = token.rows.map((row) => html`<tr>${row.map(draw('td'))}</tr>`);
  return html`
    <div class="table-scroll" tabindex="0">
      <table dir=${direction(depth)}>
        <thead>
          <tr>${token.header.map(draw('th'))}</tr>
        </thead>
        <tbody>${rows}</tbody>
      </table>
    </div>
  ` as VNode;
}

/** Only addresses of the web and of mail lead anywhere; every other one is shown as text. */
export function safeHref(address: string): string | null {
  return /^(?:https?:\/\/|mailto:)[^\s\u0000-\u001f]+$/i.test(address) ? address : null;
}

function link(token: Tokens.Link, depth: number): VNode {
  const href = safeHref(token.href);
  const content = all(token.tokens, depth);
  if (!href) return html`<span class="dead-link" title=${token.href}>${content}</span>` as VNode;
  return html`<a href=${href} title=${href} target="_blank" rel="noopener noreferrer nofollow">${content}</a>` as VNode;
}

/** Pictures are not loaded: they would tell their server who reads this. */
function asLink(image: Tokens.Image): Tokens.Link {
  const { text, href } = image;
  return { ...image, type: 'link', tokens: [{ type: 'text', raw: text, text: text || href }] };
}

const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };
/** marked escapes some texts for use in HTML; elements take them as they are. */
const unescape = (text: string): string => text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity]!);

function CodeBlock({ text, lang }: { text: string; lang?: string }) {
  const language = lang?.split(/\s/)[0] ?? '';
  return html`
    <figure class="code">
      <figcaption>
        <span>${language}</span>
        <${CopyButton} text=${text} />
      </figcaption>
      <pre tabindex="0"><code>${text}</code></pre>
    </figure>
  `;
}
