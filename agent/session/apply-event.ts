/** What each event of a provider does to an agent's messages, usage and state. */
import { cut, cutStart } from '../../core/api/cut.ts';
import type { QueuedMessage } from '../../core/api/agents.ts';
import type { Picture, UserMessage } from '../../core/api/messages.ts';
import type { ProviderEvent, ProviderRequest } from '../provider/provider.ts';
import { boundInput, boundRequest, boundResult, MAX_PENDING, MAX_RESULT, MAX_TEXT } from './bounds.ts';
import { noteLimit, noteTurnAtLimit } from './reached-limit.ts';
import { closeStreams } from './close-messages.ts';
import type { EventContext } from './event-context.ts';
import type { NewMessage } from './message-log.ts';

/** Characters of a queued message on a card. */
const MAX_QUEUE_TEXT = 1000;
/** Pictures of a message from elsewhere, of which only the number is known. */
const MAX_TYPED_PICTURES = 20;

type Of<T extends ProviderEvent['type']> = Extract<ProviderEvent, { type: T }>;

export function applyEvent(context: EventContext, event: Exclude<ProviderEvent, { type: 'exit' }>): void {
  const { log, store } = context;
  switch (event.type) {
    case 'ready':
      store.patch({ cli: { ...store.info.cli, version: event.version || store.info.cli.version } });
      if (event.sessionId) store.patch({ sessionId: event.sessionId });
      return context.apply({ type: 'ready', busy: context.isBusy() });
    case 'session':
      return onSession(context, event);
    case 'turn.start':
      return context.apply({ type: 'turn.start' });
    case 'turn.end':
      return onTurnEnd(context, event);
    case 'text.start':
      if (log.get(event.id)) return restart(context, event.id, { text: '', done: false });
      return void log.add({
        kind: event.thinking ? 'thinking' : 'text',
        id: event.id,
        text: '',
        done: false,
        ...parent(event),
      });
    case 'text.delta':
      return onTextDelta(context, event);
    case 'text.end':
      return onTextEnd(context, event);
    case 'tool.start':
      restart(context, event.id, { status: 'running', output: '' });
      return onTool(context, event.id, { tool: event.tool, title: '', input: null, ...parent(event) });
    case 'tool.input.delta':
      return log.stream(event.id, 'inputText', event.text);
    case 'tool.input':
      store.preview(`${event.tool}: ${event.title}`);
      return onTool(context, event.id, {
        tool: event.tool,
        title: cut(event.title, 2000),
        input: boundInput(event.input),
        ...parent(event),
      });
    case 'tool.output.delta':
      return log.stream(event.id, 'output', event.text);
    case 'tool.end':
      return onToolEnd(context, event);
    case 'todos':
      return onTodos(context, event);
    case 'request':
      return onRequest(context, event.request);
    case 'request.cancelled':
      return onRequestEnd(context, event.requestId, 'cancelled');
    case 'request.resolved':
      return onRequestEnd(context, event.requestId, 'answered');
    case 'typed':
      return onTyped(context, event);
    case 'message.status':
      return onMessageStatus(context, event);
    case 'usage':
      return store.patch({ usage: { ...store.info.usage, ...event.usage } });
    case 'notice':
      return onNotice(context, event);
    case 'title':
      if (store.record.isAutoNamed && event.title.trim()) store.patch({ name: cut(event.title.trim(), 200) });
      return;
    case 'cleared':
      return onNotice(context, {
        type: 'notice',
        level: 'info',
        code: 'cleared',
        text: 'The conversation was cleared: the agent no longer sees what is above.',
        passing: false,
      });
    case 'limits':
    case 'process':
    case 'caught.up':
    case 'activity':
      return;
  }
}

/** Output that is applied again makes the same message, not a second one. */
function addOnce({ log }: EventContext, message: NewMessage): void {
  if (!log.patch(message.id, { ...message })) log.add(message);
}

/** A message of an earlier server begins again, and will be as it was. */
function restart({ log, isReplay }: EventContext, id: string, beginning: Record<string, unknown>): void {
  if (isReplay()) log.patch(id, beginning);
}

const parent = (event: { parent?: string }) => (event.parent ? { parent: event.parent } : {});

function onSession({ store }: EventContext, event: Of<'session'>): void {
  store.patch({
    sessionId: event.sessionId,
    ...(event.model ? { model: event.model } : {}),
    ...(event.mode ? { mode: event.mode } : {}),
    ...(event.effort ? { effort: event.effort } : {}),
  });
}

function onTurnEnd(context: EventContext, event: Of<'turn.end'>): void {
  const { log, store } = context;
  store.patch({ usage: { ...store.info.usage, turns: store.info.usage.turns + 1 } });
  const { usage } = store.info;
  // A turn waits for its own requests: those open at its good end come from background work, which goes on waiting.
  const closed = event.outcome === 'done' ? [] : log.pendingRequests(Infinity);
  for (const { id } of closed) log.patch(id, { status: 'cancelled' });
  context.refreshPending();
  closeStreams(context);
  addOnce(context, {
    kind: 'turn',
    id: context.newId(),
    outcome: event.outcome,
    text: cut(event.text, MAX_TEXT),
    durationMs: event.durationMs,
    costUsd: usage.costUsd,
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    ...(event.point && store.info.sessionId ? { point: { session: store.info.sessionId, id: event.point } } : {}),
  });
  if (event.outcome !== 'done') store.preview(event.text);
  const isLimit = noteTurnAtLimit(context, event.outcome);
  context.apply({ type: 'turn.end', outcome: isLimit ? 'limit' : event.outcome, text: cut(event.text, 2000) });
}

function onTextDelta({ log, store }: EventContext, event: Of<'text.delta'>): void {
  log.stream(event.id, 'text', event.text);
  const message = log.get(event.id);
  if (message?.kind === 'text' && !message.parent) store.previewLater(() => cutStart(message.text, 600));
}

function onTextEnd({ log, store }: EventContext, event: Of<'text.end'>): void {
  const text = cut(event.text, MAX_TEXT, '…');
  if (!log.patch(event.id, { text, done: true })) {
    log.add({ kind: event.thinking ? 'thinking' : 'text', id: event.id, text, done: true, ...parent(event) });
  }
  if (!event.thinking && !event.parent) store.preview(text);
}

function onTool(
  { log }: EventContext,
  id: string,
  fields: { tool: string; title: string; input: Record<string, unknown> | null; parent?: string },
): void {
  // The streamed JSON is not needed once the whole input is there.
  if (log.patch(id, { ...fields, inputText: '' })) return;
  log.add({ kind: 'tool', id, ...fields, inputText: '', output: '', status: 'running' });
}

function onToolEnd(context: EventContext, event: Of<'tool.end'>): void {
  const { log } = context;
  const known = retainedPictures(context, event.id);
  const result = { ...boundResult(event.result), ...(known ? { pictures: known } : {}) };
  log.patch(event.id, { status: event.status, result, endedAt: endOf(context, event) });
  if (known || !event.pictures?.length) return;
  void context.pictures.retainAll(event.pictures).then((pictures) => {
    if (pictures.length) log.patch(event.id, { result: { ...result, pictures } });
  });
}

/** Those that an earlier server has found: the file that they were read from may be another one by now, or none. */
function retainedPictures({ log, isReplay }: EventContext, id: string): readonly Picture[] | undefined {
  const message = isReplay() ? log.get(id) : undefined;
  return message?.kind === 'tool' ? message.result?.pictures : undefined;
}

/** Rewinding takes what was written after it for another's: what is read again did not end now, but at the latest when it says. */
function endOf({ log, now, isReplay }: EventContext, { id, at }: Of<'tool.end'>): number {
  if (!isReplay()) return now();
  const known = log.get(id);
  return at ?? (known?.kind === 'tool' ? known.endedAt ?? known.at : now());
}

function onTodos(context: EventContext, event: Of<'todos'>): void {
  const { log } = context;
  for (const message of log.newest()) {
    if (message.kind === 'user') break;
    if (message.kind === 'todos') return void log.patch(message.id, { todos: event.todos });
  }
  addOnce(context, { kind: 'todos', id: context.newId(), todos: event.todos });
}

function onRequest(context: EventContext, request: ProviderRequest): void {
  const { log, store, refreshPending } = context;
  const known = log.get(request.requestId);
  // The end of an earlier turn that was applied again has closed it.
  if (known?.kind === 'request' && known.status === 'cancelled' && !known.decision) {
    restart(context, known.id, { status: 'pending' });
    refreshPending();
  }
  if (known) return;
  const { requestId, ...bounded } = boundRequest(request);
  log.add({ kind: 'request', id: requestId, ...bounded, status: 'pending', decision: null });
  void log.commit().catch(() => {});
  store.previewLater(() => request.title || request.tool);
  // The list on the cards is full: nothing on them changes.
  if (store.info.pending.length < MAX_PENDING) refreshPending();
}

function onRequestEnd({ log, refreshPending }: EventContext, id: string, status: 'cancelled' | 'answered'): void {
  const message = log.get(id);
  if (message?.kind !== 'request') return;
  const isOpen = message.status === 'pending' || message.status === 'decided';
  // Answered without a decision of ours: the CLI settled it by itself.
  if (isOpen) log.patch(id, { status: status === 'answered' && !message.decision ? 'cancelled' : status });
  refreshPending();
}

function onTyped(context: EventContext, { id, clientId = '', text, images, by }: Of<'typed'>): void {
  const own = context.log.get(clientId);
  // Its fate was not known when the link was lost: it arrived.
  if (own?.kind === 'user') return void context.log.patch(clientId, { status: 'sent', error: undefined });
  if (context.log.wasRemoved(clientId)) return;
  const picture = { mediaType: 'image/*', size: 0 };
  const pictures = Array.from({ length: Math.min(images, MAX_TYPED_PICTURES) }, () => picture);
  addOnce(context, { kind: 'user', id, text: cut(text, MAX_TEXT, '…'), images: pictures, status: 'sent', by });
}

function onMessageStatus(context: EventContext, event: Of<'message.status'>): void {
  const message = context.log.get(event.id);
  if (message?.kind !== 'user' || message.status === 'cancelled') return;
  if (message.status === 'sent' && event.status !== 'failed') return;
  context.log.patch(event.id, { status: event.status, ...(event.error ? { error: event.error } : {}) });
  refreshQueue(context, message, event.status === 'queued');
}

function refreshQueue({ store }: EventContext, message: UserMessage, isQueued: boolean): void {
  const rest = store.info.queue.filter((entry) => entry.id !== message.id);
  if (!isQueued) return store.patch({ queue: rest });
  // Before those that wait for the CLI to take them.
  const [handed, waiting] = [rest.filter((entry) => entry.handed), rest.filter((entry) => !entry.handed)];
  store.patch({ queue: [...handed, { ...queueEntry(message), handed: true }, ...waiting] });
}

/** A message in the queue of a card. */
export const queueEntry = ({ id, text, at }: UserMessage): QueuedMessage => ({
  id,
  text: cut(text, MAX_QUEUE_TEXT),
  at,
});

function onNotice(context: EventContext, event: Of<'notice'>): void {
  const { log } = context;
  const text = cut(event.text, MAX_RESULT);
  const limit = event.limit ? { limit: event.limit } : {};
  if (event.limit) noteLimit(context, event.limit);
  if (event.passing) {
    for (const message of log.newest()) {
      if (message.kind === 'turn' || message.kind === 'user') break;
      if (message.kind === 'notice' && message.passing && message.code === event.code) {
        return void log.patch(message.id, { text, level: event.level, ...limit });
      }
    }
  }
  const { level, code, passing } = event;
  addOnce(context, { kind: 'notice', id: context.newId(), level, code, text, passing, ...limit });
}
