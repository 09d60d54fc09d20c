/**
 * Everything the dashboard knows, and the one pure function that changes it. `apply` takes a message of the live feed;
 * applying one twice changes nothing (events at or below `seq` are dropped, patches are absolute, deltas carry offsets).
 */
import type { DeskSession } from '../../core/api/handoff.ts';
import type { LiveChange, LiveMessage, MachineInfo } from '../../core/api/live.ts';
import type { AgentCounts } from '../../core/api/agent-order.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message } from '../../core/api/messages.ts';
import type { PipelineStatus, Task } from '../../core/api/tasks.ts';
import type { Template } from '../../core/api/templates.ts';
import type { TerminalInfo } from '../../core/api/terminals.ts';
import { signal } from './signal.ts';
import type { Signal } from './signal.ts';

type Table<T> = Readonly<Record<string, T>>;

/** The messages of one watched agent that were loaded so far, without gaps, by `seq`. */
export interface Chat {
  readonly messages: readonly Message[];
  /** Older messages exist before the first one. */
  readonly more: boolean;
  /** False until the first page came, and after the journal was cleared: watch again. */
  readonly ready: boolean;
  /** Events were missed, or nobody looks at it: the next page replaces everything. */
  readonly stale: boolean;
}

export interface State {
  /** What to say in `hello` to get the rest; null: nothing here is whole, so that only a snapshot helps. */
  readonly epoch: string | null;
  readonly seq: number;
  /** The epoch of the server that has promised a snapshot. */
  readonly promisedEpoch: string | null;
  /** A snapshot was applied: empty tables mean that there is nothing. */
  readonly loaded: boolean;
  /** The agents are those that were last known then, of an earlier visit; null: they are not. */
  readonly knownAt: number | null;
  readonly machine: MachineInfo | null;
  readonly agents: Table<AgentInfo>;
  /** Agents of the machine that are not among those yet; null: all are. */
  readonly rest: AgentCounts | null;
  readonly terminals: Table<TerminalInfo>;
  /** Sessions that run in a terminal of the machine. */
  readonly handoff: Table<DeskSession>;
  readonly templates: Table<Template>;
  readonly tasks: Table<Task>;
  readonly pipeline: PipelineStatus | null;
  readonly warnings: readonly { code: string; text: string }[];
  readonly chats: Table<Chat>;
  /** Counts up when settings changed on the server. */
  readonly settingsVersion: number;
}

export const EMPTY_CHAT: Chat = { messages: [], more: false, ready: false, stale: false };

/** Its messages go on with the next event: nothing was missed. */
export const isCurrent = (chat: Chat | undefined): boolean => !!chat && chat.ready && !chat.stale;

export const EMPTY: State = {
  epoch: null,
  seq: 0,
  promisedEpoch: null,
  loaded: false,
  knownAt: null,
  machine: null,
  agents: {},
  rest: null,
  terminals: {},
  handoff: {},
  templates: {},
  tasks: {},
  pipeline: null,
  warnings: [],
  chats: {},
  settingsVersion: 0,
};

/** Holds the state of this page. */
export interface Store extends Signal<State> {
  /** Shows a change that the reply of a command brought, before the live feed brings it. */
  change(to: LiveChange): void;
}

/** @param initial what is known before the server is asked */
export function createStore(initial: State = EMPTY): Store {
  const state = signal(initial);
  return Object.assign(state, {
    change(to: LiveChange) {
      state.value = change(state.value, to);
    },
  });
}

/** The state after one message of the live feed. */
export function apply(state: State, message: LiveMessage): State {
  switch (message.type) {
    case 'welcome':
      return welcome(state, message);
    case 'snapshot': {
      const { agents, terminals, handoff = [], templates, tasks, pipeline, warnings } = message.snapshot;
      // An agent machine of an earlier version says its epoch only in the welcome.
      const epoch: string | undefined = message.epoch;
      return {
        ...state,
        epoch: epoch ?? state.promisedEpoch,
        seq: message.seq,
        loaded: true,
        knownAt: null,
        agents: table(agents),
        rest: message.rest ?? null,
        terminals: table(terminals),
        handoff: table(handoff),
        templates: table(templates),
        tasks: table(tasks),
        pipeline,
        warnings,
        // What was asked for before the first snapshot is of the same server; after a later one anything may have changed.
        settingsVersion: state.settingsVersion + (state.loaded ? 1 : 0),
      };
    }
    case 'agents':
      if (state.epoch === null) return state;
      return { ...state, agents: { ...state.agents, ...table(message.agents) }, rest: message.rest ?? null };
    case 'messages':
      return withChat(state, message.agent, (chat) => newest(chat ?? EMPTY_CHAT, message.messages, message.more));
    case 'event':
      if (state.epoch === null || message.seq <= state.seq) return state;
      return change({ ...state, seq: message.seq }, message.change);
    case 'pong':
      return state.epoch !== null && (message.seq ?? 0) > state.seq ? { ...state, seq: message.seq! } : state;
    case 'error':
      return state;
  }
}

function welcome(state: State, message: Extract<LiveMessage, { type: 'welcome' }>): State {
  const next = { ...state, machine: message.machine };
  if (message.resumed) return next;
  const chats = Object.fromEntries(Object.entries(state.chats).map(([id, chat]) => [id, { ...chat, stale: true }]));
  // A connection that is cut before the snapshot must not go on from a state that the server never sent.
  return { ...next, epoch: null, seq: 0, promisedEpoch: message.epoch, chats };
}

/** The state after one change, whatever its sequence number: also used for the replies of commands. */
export function change(state: State, to: LiveChange): State {
  switch (to.type) {
    case 'agent':
      return { ...state, agents: put(state.agents, to.agent.id, to.agent) };
    case 'agent.patch': {
      const agent = find(state.agents, to.id);
      return agent ? { ...state, agents: put(state.agents, to.id, { ...agent, ...to.patch }) } : state;
    }
    case 'agent.removed':
      return { ...state, agents: without(state.agents, to.id), chats: without(state.chats, to.id) };
    case 'message':
      return withChat(state, to.agent, (chat) => chat && upsert(chat, to.message));
    case 'message.patch':
      return withMessage(state, to.agent, to.id, (message) => ({ ...message, ...to.patch }) as Message);
    case 'delta':
      return withMessage(state, to.agent, to.id, (message) => append(message, to.field, to.offset, to.text));
    case 'messages.cleared':
      return withChat(state, to.agent, (chat) => chat && EMPTY_CHAT);
    case 'terminal':
      return { ...state, terminals: put(state.terminals, to.terminal.id, to.terminal) };
    case 'terminal.removed':
      return { ...state, terminals: without(state.terminals, to.id) };
    case 'handoff':
      return { ...state, handoff: put(state.handoff, to.session.id, to.session) };
    case 'handoff.removed':
      return { ...state, handoff: without(state.handoff, to.id) };
    case 'template':
      return { ...state, templates: put(state.templates, to.template.id, to.template) };
    case 'template.removed':
      return { ...state, templates: without(state.templates, to.id) };
    case 'task':
      return { ...state, tasks: put(state.tasks, to.task.id, to.task) };
    case 'task.removed':
      return { ...state, tasks: without(state.tasks, to.id) };
    case 'pipeline':
      return { ...state, pipeline: to.pipeline };
    case 'settings':
      return { ...state, settingsVersion: state.settingsVersion + 1 };
    case 'warning':
      return { ...state, warnings: warn(state.warnings, to) };
    default:
      return state; // a newer server's change
  }
}

/** Puts a page of older messages in front. Those that are known already are kept as they are. */
export function addOlder(state: State, agent: string, messages: readonly Message[], more: boolean): State {
  return withChat(state, agent, (chat) => {
    if (!chat || chat.stale) return chat;
    const first = chat.messages[0]?.seq ?? Infinity;
    const older = messages.filter((message) => message.seq < first);
    return { ...chat, messages: [...older, ...chat.messages], more };
  });
}

/** Lets go of all but the newest `keep` messages of an agent. */
export function trim(state: State, agent: string, keep: number): State {
  return withChat(state, agent, (chat) => {
    if (!chat || chat.messages.length <= keep) return chat;
    return { ...chat, messages: chat.messages.slice(-keep), more: true };
  });
}

/** Nobody looks at an agent's messages any more: the newest stay for who comes back, as they were. */
export const leave = (state: State, agent: string, keep: number): State =>
  withChat(trim(state, agent, keep), agent, (chat) => chat && { ...chat, stale: true });

/** Drops an agent's messages. */
export const forget = (state: State, agent: string): State => ({ ...state, chats: without(state.chats, agent) });

/** An entry by its id; never what every object inherits. */
export const find = <T>(
  items: Table<T>,
  id: string,
): T | undefined => (Object.hasOwn(items, id) ? items[id] : undefined);

const table = <T extends { id: string }>(list: readonly T[]): Table<T> =>
  Object.fromEntries(list.map((item) => [item.id, item]));

const put = <T>(items: Table<T>, id: string, item: T): Table<T> => ({ ...items, [id]: item });

function without<T>(items: Table<T>, id: string): Table<T> {
  if (!Object.hasOwn(items, id)) return items;
  const { [id]: _gone, ...rest } = items;
  return rest;
}

/** An empty text clears the warning of that code. */
function warn(warnings: State['warnings'], { code, text }: { code: string; text: string }): State['warnings'] {
  const others = warnings.filter((warning) => warning.code !== code);
  return text ? [...others, { code, text }] : others;
}

function withChat(state: State, agent: string, make: (chat: Chat | undefined) => Chat | undefined): State {
  const old = find(state.chats, agent);
  const next = make(old);
  return next === old || !next ? state : { ...state, chats: put(state.chats, agent, next) };
}

function withMessage(state: State, agent: string, id: string, make: (message: Message) => Message): State {
  return withChat(state, agent, (chat) => {
    if (!chat) return chat;
    const at = findFromEnd(chat.messages, (message) => message.id === id);
    if (at < 0) return chat;
    const next = make(chat.messages[at]!);
    return next === chat.messages[at] ? chat : { ...chat, messages: replaced(chat.messages, at, next) };
  });
}

/** The newest page: joined to what is there when it touches it, in place of it when there would be a gap. */
function newest(chat: Chat, page: readonly Message[], more: boolean): Chat {
  const first = page[0]?.seq ?? Infinity;
  const last = chat.messages.at(-1)?.seq ?? 0;
  const joins = !chat.stale && chat.ready && page.length > 0 && first <= last + 1;
  const older = joins ? chat.messages.filter((message) => message.seq < first) : [];
  const messages = [...older, ...unchanged(chat.messages, page)];
  return { messages, more: older.length ? chat.more : more, ready: true, stale: false };
}

/** The page with the objects of before where nothing changed: what draws them draws nothing anew. */
function unchanged(before: readonly Message[], page: readonly Message[]): readonly Message[] {
  const known = new Map(before.map((message) => [message.id, message]));
  return page.map((message) => {
    const old = known.get(message.id);
    return old && JSON.stringify(old) === JSON.stringify(message) ? old : message;
  });
}

function upsert(chat: Chat, message: Message): Chat {
  const at = findFromEnd(chat.messages, (known) => known.id === message.id);
  if (at >= 0) return { ...chat, messages: replaced(chat.messages, at, message) };
  const before = findFromEnd(chat.messages, (known) => known.seq < message.seq);
  // Older than all that is loaded while more exists: it will come with its page.
  if (before < 0 && chat.more) return chat;
  return { ...chat, messages: [...chat.messages.slice(0, before + 1), message, ...chat.messages.slice(before + 1)] };
}

function replaced(messages: readonly Message[], at: number, message: Message): Message[] {
  const next = messages.slice();
  next[at] = message;
  return next;
}

function findFromEnd(messages: readonly Message[], wanted: (message: Message) => boolean): number {
  for (let i = messages.length - 1; i >= 0; i--) if (wanted(messages[i]!)) return i;
  return -1;
}

/** Text that is there already stays; text behind a gap is left out (the complete message replaces it at its end). */
function append(message: Message, field: 'text' | 'inputText' | 'output', offset: number, text: string): Message {
  const present = (message as unknown as Record<string, unknown>)[field];
  if (typeof present !== 'string' || present.length < offset || present.length >= offset + text.length) return message;
  return { ...message, [field]: present.slice(0, offset) + text } as Message;
}
