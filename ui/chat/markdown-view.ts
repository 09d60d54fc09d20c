import { Component } from 'preact';
import type { Token, Tokens } from 'marked';
import { html, useRef } from '../html.ts';
import type { VNode } from '../html.ts';
import { CopyButton } from './copy.ts';
import { Markdown, MAX_DEPTH } from './markdown.ts';
import type { Block } from './markdown.ts';

/** Markdown text as elements. `text` may grow: finished blocks are not drawn again. */
export function MarkdownView({ text, streaming = false }: { text: string; streaming?: boolean }) {
  const parser = useRef<Markdown | null>(null);
  parser.current ??= new Markdown();
  return html`<div class=${`markdown ${streaming ? 'streaming' : ''}`}>${
    parser.current.parse(text).map((block) => html`<${BlockView} key=${block.key} block=${block} />`)
  }</div>`;
}

class BlockView extends Component<{ block: Block }> {
  override shouldComponentUpdate(next: { block: Block }) {
    return next.block.token !== this.props.block.token;
  }
  override render() {
    return draw(this.props.block.token, 0);
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
    case 'heading':
      return html`<${`h${Math.min(6, (token as Tokens.Heading).depth + 1)}`} dir=${direction(depth)}>${
        all(token.tokens, depth)
      }<//>` as VNode;
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
      return html`<code>${unescape(token.text)}</code>` as VNode;
    case 'br':
      return html`<br />` as VNode;
    case 'link':
      return link(token as Tokens.Link, depth);
    case 'image':
      return link(
        { ...token, tokens: [{ type: 'text', raw: token.text, text: token.text || token.href }] } as Tokens.Link,
        depth,
      );
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
  const items = token.items.map((item) =>
    html`<li class=${item.task ? 'checkable' : ''}>
    ${item.task && html`<input type="checkbox" checked=${item.checked} disabled />`}${
      all(item.tokens.filter((part) => part.type !== 'checkbox'), depth)
    }</li>`
  );
  return (token.ordered
    ? html`<ol dir=${direction(depth)} start=${token.start || 1}>${items}</ol>`
    : html`<ul dir=${direction(depth)}>${items}</ul>`) as VNode;
}

function table(token: Tokens.Table, depth: number): VNode {
  const cell = (tag: string) => (part: Tokens.TableCell) =>
    html`<${tag} class=${part.align ? `align-${part.align}` : ''}>${all(part.tokens, depth)}<//>`;
  return html`
    <div class="table-scroll" tabindex="0">
      <table dir=${direction(depth)}>
        <thead>
          <tr>${token.header.map(cell('th'))}</tr>
        </thead>
        <tbody>${token.rows.map((row) => html`<tr>${row.map(cell('td'))}</tr>`)}</tbody>
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
  if (!href) return html`<span class="dead-link" title=${token.href}>${all(token.tokens, depth)}</span>` as VNode;
  return html`<a href=${href} title=${href} target="_blank" rel="noopener noreferrer nofollow">${
    all(token.tokens, depth)
  }</a>` as VNode;
}

const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };
/** marked escapes some texts for use in HTML; elements take them as they are. */
const unescape = (text: string): string => text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity]!);

function CodeBlock({ text, lang }: { text: string; lang?: string }) {
  return html`
    <figure class="code">
      <figcaption><span>${lang?.split(/\s/)[0] ?? ''}</span><${CopyButton} text=${text} /></figcaption>
      <pre tabindex="0"><code>${text}</code></pre>
    </figure>
  `;
}
