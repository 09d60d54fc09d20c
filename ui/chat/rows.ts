import { Component } from 'preact';
import { html, useState } from '../html.ts';
import type { VNode } from '../html.ts';
import type { Message, Todo, UserMessage } from '../../core/api/messages.ts';
import { exactTime, Icon, Spinner, TimeAgo } from '../components/mod.ts';
import { clockTime, money, plain, took } from '../format.ts';
import { t } from '../i18n/all.ts';
import { serverText } from '../i18n/t.ts';
import { CopyAnswer } from './copy-answer.ts';
import { DecidedRequest } from './decided-request.ts';
import { isRun } from './group-messages.ts';
import type { Chunk, Entry, Row, Run, TurnFacts } from './group-messages.ts';
import { PastMenu } from './past-menu.ts';
import { SentFiles } from './sent-files.ts';
import { Pictures } from './pictures.ts';
import { MarkdownView } from './markdown-view.ts';
import { RunRow } from './run-row.ts';
import { SendAgain } from './send-again.ts';
import { ToolRow } from './tool-row.ts';

/** About forty rows; drawn again only when one of them changed. */
export class ChunkView extends Component<{ chunk: Chunk }> {
  override shouldComponentUpdate(next: { chunk: Chunk }) {
    return next.chunk !== this.props.chunk;
  }
  override render() {
    return html`<div class="chunk">${this.props.chunk.entries.map(renderEntry)}</div>`;
  }
}

const renderEntry = (entry: Entry) =>
  isRun(entry) ? html`<${RunView} key=${entry.id} run=${entry} />` : renderRow(entry);

const renderRow = (row: Row) => html`<${RowView} key=${row.message.id} row=${row} />` as VNode;

class RunView extends Component<{ run: Run }> {
  override shouldComponentUpdate(next: { run: Run }) {
    return next.run !== this.props.run;
  }
  override render() {
    const { run } = this.props;
    return html`
      <div class="message is-run" data-id=${run.id}>
        <${RunRow} run=${run} renderRow=${renderRow} />
      </div>
    `;
  }
}

class RowView extends Component<{ row: Row }> {
  override shouldComponentUpdate(next: { row: Row }) {
    return next.row !== this.props.row;
  }
  override render() {
    const { message } = this.props.row;
    return html`<div class=${`message is-${message.kind}`} data-id=${message.id}>${body(this.props.row)}</div>`;
  }
}

function body(row: Row) {
  const { message } = row;
  switch (message.kind) {
    case 'user':
      return html`<${UserBubble} message=${message} />`;
    case 'text':
      return html`<${MarkdownView} text=${plain(message.text)} streaming=${!message.done} />`;
    case 'thinking':
      return html`<${Thinking} text=${message.text} done=${message.done} />`;
    case 'tool':
      return html`<${ToolRow} row=${row} renderRow=${renderRow} />`;
    case 'request':
      return html`<${DecidedRequest} message=${message} />`;
    case 'todos':
      return html`<${Todos} todos=${message.todos} />`;
    case 'notice':
      return html`<${Notice} level=${message.level}>${serverText(plain(message.text))}<//>`;
    case 'turn':
      return html`<${TurnEnd} message=${message} turn=${row.turn} />`;
  }
}

const NOTICE_ICON = { info: 'info', warning: 'warning', error: 'error' } as const;

/** A sentence of the program that runs the agent. */
export function Notice({ level, children }: { level: keyof typeof NOTICE_ICON; children?: string }) {
  return html`
    <p class=${`notice ${level}`}>
      <${Icon} name=${NOTICE_ICON[level]} size=${16} />
      <span>${children}</span>
    </p>
  `;
}

function UserBubble({ message }: { message: UserMessage }) {
  const { status, text, images, files = [], error = '', at } = message;
  const note = t.user[status];
  return html`
    <div class=${`bubble ${status}`}>
      ${text && html`<div class="bubble-text" dir="auto">${text}</div>`}
      <${Pictures} pictures=${images} />
      ${files.length > 0 && html`<${SentFiles} files=${files} />`}
    </div>
    <div class=${`bubble-note ${status === 'failed' ? 'bad' : ''}`}>
      ${note && `${note} ${serverText(error)} · `}<time onPointerEnter=${exactTime(at)}>${clockTime(at)}</time>
      ${status === 'sent' && html`<${PastMenu} message=${message} />`}
    </div>
    ${status === 'failed' && html`<${SendAgain} message=${message} />`}
  `;
}

function Thinking({ text, done }: { text: string; done: boolean }) {
  const [open, setOpen] = useState(false);
  const content = open && html`
    <div class="thinking-text">
      <${MarkdownView} text=${plain(text)} />
    </div>
  `;
  return html`
    <div class="thinking-box">
      <button type="button" class="fold" aria-expanded=${open} onClick=${() => setOpen(!open)}>
        ${done ? html`<${Icon} name="thought" size=${16} />` : html`<${Spinner} />`}
        <span>${done ? t.chat.thought : t.chat.thinking}</span>
        <${Icon} name="chevron" size=${14} />
      </button>
      ${content}
    </div>
  `;
}

const TODO_ICON = { pending: 'minus', in_progress: 'play', completed: 'check' } as const;

function Todos({ todos }: { todos: Todo[] }) {
  const done = todos.filter((todo) => todo.status === 'completed').length;
  const items = todos.map(({ text, status }, i) =>
    html`
      <li key=${i} class=${status}>
        <${Icon} name=${TODO_ICON[status]} size=${16} />
        <span>${text}</span>
        <span class="sr-only">${t.chat.todoStatus[status]}</span>
      </li>
    `
  );
  return html`
    <section class="todo-box" aria-label=${t.chat.todos}>
      <h2>${t.chat.todos} <span class="faint">${done}/${todos.length}</span></h2>
      <ul>${items}</ul>
    </section>
  `;
}

interface TurnEndProps {
  message: Extract<Message, { kind: 'turn' }>;
  turn: TurnFacts | null;
}

function TurnEnd({ message, turn }: TurnEndProps) {
  const { id, outcome, text, durationMs, at } = message;
  const facts = [took(turn?.workedMs ?? durationMs), money(turn?.costUsd ?? null)].filter(Boolean).join(' · ');
  const isBad = outcome !== 'done' && outcome !== 'interrupted';
  return html`
    <div class=${`turn-end ${isBad ? 'bad' : outcome}`}>
      <span>${t.chat.outcome[outcome]}</span>
      <span class="faint">${facts} · <${TimeAgo} at=${at} /></span>
      <${CopyAnswer} turn=${id} />
      <${PastMenu} message=${message} />
    </div>
    ${isBad && text && html`<${Notice} level="error">${serverText(plain(text))}<//>`}
  `;
}
