import { Component } from 'preact';
import { html, useState } from '../html.ts';
import type { Message, Todo, UserMessage } from '../../core/wire/types.ts';
import { Icon, Spinner, TimeAgo } from '../components/mod.ts';
import { bytes, money, plain, took } from '../format.ts';
import { t } from '../i18n/en.ts';
import type { Chunk, Row } from './arrange.ts';
import { MarkdownView } from './markdown-view.ts';
import { DecidedRequest } from './request-card.ts';
import { ToolRow } from './tool-row.ts';

/** Forty rows; drawn again only when one of them changed. */
export class ChunkView extends Component<{ chunk: Chunk }> {
  override shouldComponentUpdate(next: { chunk: Chunk }) {
    return next.chunk !== this.props.chunk;
  }
  override render() {
    return html`<div class="chunk">${
      this.props.chunk.rows.map((row) => html`<${RowView} key=${row.message.id} row=${row} />`)
    }</div>`;
  }
}

export class RowView extends Component<{ row: Row }> {
  override shouldComponentUpdate(next: { row: Row }) {
    return next.row !== this.props.row;
  }
  override render() {
    const { message } = this.props.row;
    return html`<div class=${`message is-${message.kind}`} data-id=${message.id}>${body(this.props.row)}</div>`;
  }
}

function body({ message, children, asks }: Row) {
  switch (message.kind) {
    case 'user':
      return html`<${UserBubble} message=${message} />`;
    case 'text':
      return html`<${MarkdownView} text=${plain(message.text)} streaming=${!message.done} />`;
    case 'thinking':
      return html`<${Thinking} text=${message.text} done=${message.done} />`;
    case 'tool':
      return html`<${ToolRow} message=${message} children=${children} asks=${asks} />`;
    case 'request':
      return html`<${DecidedRequest} message=${message} />`;
    case 'todos':
      return html`<${Todos} todos=${message.todos} />`;
    case 'notice':
      return html`<p class=${`notice ${message.level}`}><${Icon} name=${
        message.level === 'info' ? 'info' : 'warning'
      } size=${16} /><span>${plain(message.text)}</span></p>`;
    case 'turn':
      return html`<${TurnEnd} message=${message} />`;
  }
}

function UserBubble({ message }: { message: UserMessage }) {
  const note = t.user[message.status];
  return html`<div class=${`bubble ${message.status}`}><div class="bubble-text" dir="auto">${message.text}</div>
    ${
    message.images.map((image, i) =>
      html`<div key=${i} class="bubble-image"><${Icon} name="image" size=${16} />${
        t.user.image(bytes(image.size))
      }</div>`
    )
  }
  </div>
  ${
    note &&
    html`<p class=${`bubble-note ${message.status === 'failed' ? 'bad' : ''}`}>${note} ${message.error ?? ''}</p>`
  }`;
}

function Thinking({ text, done }: { text: string; done: boolean }) {
  const [open, setOpen] = useState(false);
  return html`<div class="thinking-box"><button type="button" class="fold" aria-expanded=${open} onClick=${() =>
    setOpen(!open)}>
      ${done ? html`<${Icon} name="thought" size=${16} />` : html`<${Spinner} />`}<span>${
    done ? t.chat.thought : t.chat.thinking
  }</span><${Icon} name="chevron" size=${14} /></button>
    ${
    open && html`
      <div class="thinking-text">
        <${MarkdownView} text=${plain(text)} />
      </div>
    `
  }</div>`;
}

const TODO_ICON = { pending: 'minus', in_progress: 'play', completed: 'check' } as const;

function Todos({ todos }: { todos: Todo[] }) {
  const done = todos.filter((todo) => todo.status === 'completed').length;
  return html`
    <section class="todo-box" aria-label=${t.chat.todos}>
      <h3>${t.chat.todos} <span class="faint">${done}/${todos.length}</span></h3>
      <ul>${todos.map((todo, i) =>
        html`<li key=${i} class=${todo.status}><${Icon} name=${
          TODO_ICON[todo.status]
        } size=${16} /><span>${todo.text}</span>
      <span class="sr-only">${t.chat.todoStatus[todo.status]}</span></li>`
      )}</ul>
    </section>
  `;
}

function TurnEnd({ message }: { message: Extract<Message, { kind: 'turn' }> }) {
  const facts = [took(message.durationMs), money(message.costUsd)].filter(Boolean).join(' · ');
  const bad = message.outcome !== 'done' && message.outcome !== 'interrupted';
  return html`
    <div
      class=${`turn-end ${bad ? 'bad' : message.outcome}`}><span>${t.chat
        .outcome[message.outcome]}</span><span class="faint">${facts} · <${TimeAgo} at=${message.at} /></span></div>
        ${bad && message.text &&
          html`<p class="notice error"><${Icon} name="error" size=${16} /><span>${plain(message.text)}</span></p>`}
  `;
}
