/** What each event of a provider does to an agent's messages, usage and state. */
import { randomUUID } from 'node:crypto';
import type { QueuedMessage, ToolResult, UserMessage } from '../../core/wire/types.ts';
import type { ProviderEvent, ProviderRequest } from '../provider/provider.ts';
import type { InfoKeeper } from './info.ts';
import type { MessageLog } from './messages.ts';
import type { StateEvent } from './state.ts';

/** What an event may touch. */
export interface Scene {
  log: MessageLog;
  keeper: InfoKeeper;
  now(): number;
  apply(event: StateEvent): void;
  refreshPending(): void;
  /** A message is on its way to the CLI. */
  isBusy(): boolean;
}

/** Characters of a tool's result that are kept. */
export const RESULT_LIMIT = 64 * 1024;
/** Characters of a finished text; of a tool's input as JSON. */
export const TEXT_LIMIT = 2 * 1024 * 1024;
export const INPUT_LIMIT = 512 * 1024;
/** How far back open messages are looked for: what is older was closed by an earlier turn. */
const OPEN_SEARCH = 2000;

type Of<T extends ProviderEvent['type']> = Extract<ProviderEvent, { type: T }>;

export function applyEvent(scene: Scene, event: Exclude<ProviderEvent, { type: 'exit' }>): void {
  const { log, keeper } = scene;
  switch (event.type) {
    case 'ready':
      keeper.patch({ cli: { ...keeper.info.cli, version: event.version || keeper.info.cli.version } });
      if (event.sessionId) keeper.patch({ sessionId: event.sessionId });
      return scene.apply({ type: 'ready', busy: scene.isBusy() });
    case 'session':
      return onSession(scene, event);
    case 'turn.start':
      return scene.apply({ type: 'turn.start' });
    case 'turn.end':
      return onTurnEnd(scene, event);
    case 'text.start':
      return void (log.get(event.id) ?? log.add({
        kind: event.thinking ? 'thinking' : 'text',
        id: event.id,
        text: '',
        done: false,
        ...parent(event),
      }));
    case 'text.delta':
      return onTextDelta(scene, event);
    case 'text.end':
      return onTextEnd(scene, event);
    case 'tool.start':
      return onTool(scene, event.id, { tool: event.tool, title: '', input: null, ...parent(event) });
    case 'tool.input.delta':
      return log.stream(event.id, 'inputText', event.text);
    case 'tool.input':
      keeper.preview(`${event.tool}: ${event.title}`);
      return onTool(scene, event.id, {
        tool: event.tool,
        title: event.title.slice(0, 2000),
        input: boundInput(event.input),
        ...parent(event),
      });
    case 'tool.output.delta':
      return log.stream(event.id, 'output', event.text);
    case 'tool.end':
      log.patch(event.id, { status: event.status, result: boundResult(event.result), endedAt: scene.now() });
      return;
    case 'todos':
      return onTodos(scene, event);
    case 'request':
      return onRequest(scene, event.request);
    case 'request.cancelled':
      return onRequestEnd(scene, event.requestId, 'cancelled');
    case 'request.resolved':
      return onRequestEnd(scene, event.requestId, 'answered');
    case 'message.status':
      return onMessageStatus(scene, event);
    case 'usage':
      return keeper.patch({ usage: { ...keeper.info.usage, ...event.usage } });
    case 'notice':
      return onNotice(scene, event);
    case 'title':
      if (keeper.record.isAutoNamed && event.title.trim()) keeper.patch({ name: event.title.trim().slice(0, 200) });
      return;
    case 'cleared':
      return onNotice(scene, {
        type: 'notice',
        level: 'info',
        code: 'cleared',
        text: 'The conversation was cleared: the agent no longer sees what is above.',
        passing: false,
      });
    case 'activity':
      return;
  }
}

const parent = (event: { parent?: string }) => (event.parent ? { parent: event.parent } : {});

function onSession({ keeper }: Scene, event: Of<'session'>): void {
  keeper.patch({
    sessionId: event.sessionId,
    ...(event.model ? { model: event.model } : {}),
    ...(event.mode ? { mode: event.mode } : {}),
    ...(event.effort ? { effort: event.effort } : {}),
  });
}

function onTurnEnd(scene: Scene, event: Of<'turn.end'>): void {
  const { log, keeper } = scene;
  keeper.patch({ usage: { ...keeper.info.usage, turns: keeper.info.usage.turns + 1 } });
  const { usage } = keeper.info;
  // A turn waits for its own requests: what is open at its good end was asked by work in the background, and that waits on.
  const over = event.outcome === 'done' ? [] : keeper.info.pending;
  for (const id of over) log.patch(id, { status: 'cancelled' });
  scene.refreshPending();
  closeStreams(scene);
  log.add({
    kind: 'turn',
    id: randomUUID(),
    outcome: event.outcome,
    text: event.text.slice(0, TEXT_LIMIT),
    durationMs: event.durationMs,
    costUsd: usage.costUsd,
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
  });
  if (event.outcome !== 'done') keeper.preview(event.text);
  scene.apply({ type: 'turn.end', outcome: event.outcome, text: event.text.slice(0, 2000) });
}

function onTextDelta({ log, keeper }: Scene, event: Of<'text.delta'>): void {
  log.stream(event.id, 'text', event.text);
  const message = log.get(event.id);
  if (message?.kind === 'text' && !message.parent) keeper.previewLater(() => message.text.slice(-600));
}

function onTextEnd({ log, keeper }: Scene, event: Of<'text.end'>): void {
  const text = event.text.length > TEXT_LIMIT ? `${event.text.slice(0, TEXT_LIMIT)}…` : event.text;
  if (!log.patch(event.id, { text, done: true })) {
    log.add({ kind: event.thinking ? 'thinking' : 'text', id: event.id, text, done: true, ...parent(event) });
  }
  if (!event.thinking && !event.parent) keeper.preview(text);
}

function onTool(
  { log }: Scene,
  id: string,
  fields: { tool: string; title: string; input: Record<string, unknown> | null; parent?: string },
): void {
  // The streamed JSON has served once the whole input is there.
  if (log.patch(id, { ...fields, inputText: '' })) return;
  log.add({ kind: 'tool', id, ...fields, inputText: '', output: '', status: 'running' });
}

function onTodos({ log }: Scene, event: Of<'todos'>): void {
  for (const message of log.newest()) {
    if (message.kind === 'user') break;
    if (message.kind === 'todos') return void log.patch(message.id, { todos: event.todos });
  }
  log.add({ kind: 'todos', id: randomUUID(), todos: event.todos });
}

function onRequest({ log, keeper, refreshPending }: Scene, request: ProviderRequest): void {
  const { requestId, ...rest } = request;
  if (log.get(requestId)) return;
  log.add({
    kind: 'request',
    id: requestId,
    ...rest,
    input: boundInput(rest.input) ?? {},
    status: 'pending',
    decision: null,
  });
  void log.commit().catch(() => {});
  keeper.preview(request.title || request.tool);
  keeper.patch({ pending: [...keeper.info.pending, requestId] });
  refreshPending();
}

function onRequestEnd({ log, refreshPending }: Scene, id: string, status: 'cancelled' | 'answered'): void {
  const message = log.get(id);
  if (message?.kind !== 'request') return;
  const isOpen = message.status === 'pending' || message.status === 'decided';
  // Answered without a decision of ours: the CLI settled it by itself.
  if (isOpen) log.patch(id, { status: status === 'answered' && !message.decision ? 'cancelled' : status });
  refreshPending();
}

function onMessageStatus(scene: Scene, event: Of<'message.status'>): void {
  const message = scene.log.get(event.id);
  if (message?.kind !== 'user' || message.status === 'cancelled') return;
  if (message.status === 'sent' && event.status !== 'failed') return;
  scene.log.patch(event.id, { status: event.status, ...(event.error ? { error: event.error } : {}) });
  refreshQueue(scene, message, event.status === 'queued');
}

function refreshQueue({ keeper }: Scene, message: UserMessage, isQueued: boolean): void {
  const rest = keeper.info.queue.filter((entry) => entry.id !== message.id);
  const entry: QueuedMessage = { id: message.id, text: message.text.slice(0, 1000), at: message.at };
  keeper.patch({ queue: isQueued ? [...rest, entry] : rest });
}

function onNotice({ log }: Scene, event: Of<'notice'>): void {
  const text = event.text.slice(0, RESULT_LIMIT);
  if (event.passing) {
    for (const message of log.newest()) {
      if (message.kind === 'turn' || message.kind === 'user') break;
      if (message.kind === 'notice' && message.passing && message.code === event.code) {
        return void log.patch(message.id, { text, level: event.level });
      }
    }
  }
  log.add({ kind: 'notice', id: randomUUID(), level: event.level, code: event.code, text, passing: event.passing });
}

/**
 * Texts and tools that the end of a turn leaves open are closed; those of background work go on by their own events. A tool
 * that waits for a decision stays open.
 */
function closeStreams({ log, keeper, now }: Scene): void {
  const asking = new Set(keeper.info.pending.map((id) => {
    const message = log.get(id);
    return message?.kind === 'request' ? message.toolId : null;
  }));
  let seen = 0;
  for (const message of log.newest()) {
    if (seen++ > OPEN_SEARCH || (message.kind === 'turn' && seen > 1)) break;
    if ((message.kind === 'text' || message.kind === 'thinking') && !message.done) {
      log.patch(message.id, { done: true });
    }
    if (message.kind === 'tool' && message.status === 'running' && !asking.has(message.id)) {
      log.patch(message.id, { status: 'cancelled', endedAt: now() });
    }
  }
}

/** What becomes of the messages that a process which is gone left open. */
export interface Fate {
  requests: 'cancelled' | 'expired';
  /** Error of the messages that it never took; empty: they were cancelled. */
  untaken: string;
  /** Messages that go to the next process. */
  waiting: ReadonlySet<string>;
}

/** The process is gone: nothing of it stays open. */
export function closeOpenMessages(scene: Scene, { requests, untaken, waiting }: Fate): void {
  const { log, keeper, now } = scene;
  let seen = 0;
  for (const message of log.newest()) {
    if (seen++ > OPEN_SEARCH) break;
    if ((message.kind === 'text' || message.kind === 'thinking') && !message.done) {
      log.patch(message.id, { done: true });
    }
    if (message.kind === 'tool' && message.status === 'running') {
      log.patch(message.id, { status: 'cancelled', endedAt: now() });
    }
    if (message.kind === 'request' && (message.status === 'pending' || message.status === 'decided')) {
      log.patch(message.id, { status: requests });
    }
    if (message.kind === 'user' && isUntaken(message) && !waiting.has(message.id)) {
      log.patch(message.id, untaken ? { status: 'failed', error: untaken } : { status: 'cancelled' });
    }
  }
  keeper.patch({ queue: [], pending: [] });
  void log.commit().catch(() => {});
}

const isUntaken = ({ status }: UserMessage): boolean => status === 'accepted' || status === 'queued';

function boundResult(result: ToolResult): ToolResult {
  const isLong = result.text.length > RESULT_LIMIT;
  return isLong ? { ...result, text: result.text.slice(0, RESULT_LIMIT), truncated: true } : result;
}

/** A huge input (a file's whole content) is kept with its long texts cut, so that the row can still be shown. */
function boundInput(input: Record<string, unknown> | null): Record<string, unknown> | null {
  if (!input || JSON.stringify(input).length <= INPUT_LIMIT) return input;
  return Object.fromEntries(
    Object.entries(input).map(([key, value]) => [
      key,
      typeof value === 'string' && value.length > 10_000
        ? `${value.slice(0, 10_000)}… (${value.length} characters)`
        : JSON.stringify(value ?? null).length > 50_000
        ? '…'
        : value,
    ]),
  );
}
