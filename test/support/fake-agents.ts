/** Agents without a CLI: the test says what state each is in. */
import { HttpError } from '../../core/http/reply.ts';
import type { LiveChange } from '../../core/wire/live.ts';
import type {
  AgentInfo,
  CreateAgentBody,
  Message,
  RequestMessage,
  SendMessageBody,
  UserMessage,
} from '../../core/wire/types.ts';
import type { Agents } from '../../agent/rooms.ts';

export interface FakeAgents extends Agents {
  readonly made: (CreateAgentBody & { taskId?: string })[];
  readonly sent: { id: string; body: SendMessageBody }[];
  readonly removed: string[];
  /** Agent → what its messages() holds: its first prompt, which the CLI took. */
  readonly prompts: Map<string, UserMessage[]>;
  /** Changes an agent and tells the subscribers. */
  set(id: string, patch: Partial<AgentInfo>): void;
  /** The agent asks; gives the id of the request. */
  ask(id: string, request: Partial<RequestMessage>): string;
  /** create() fails with this sentence. */
  failure: string;
  /** remove() refuses these without discardWork. */
  unmerged: Set<string>;
}

export function fakeAgents(now: () => number): FakeAgents {
  const infos = new Map<string, AgentInfo>();
  const messages = new Map<string, Message>();
  const prompts: FakeAgents['prompts'] = new Map();
  const listeners = new Set<(change: LiveChange) => void>();
  const tell = (change: LiveChange) => listeners.forEach((listener) => listener(change));
  const info = (id: string) => {
    const found = infos.get(id);
    if (!found) throw new HttpError(404, 'no_agent', 'There is no such agent.');
    return found;
  };
  const fake = {
    made: [] as FakeAgents['made'],
    sent: [] as FakeAgents['sent'],
    removed: [] as string[],
    failure: '',
    unmerged: new Set<string>(),
    list: () => [...infos.values()],
    info,
    message: (_: string, messageId: string) => messages.get(messageId),
    messages: (id: string, { after = 0 }) => ({
      messages: (prompts.get(id) ?? []).filter((message) => message.seq > after),
      more: false,
    }),
    prompts,
    create: async (body: CreateAgentBody & { taskId?: string }, by: string) => {
      await Promise.resolve();
      if (fake.failure) throw new HttpError(409, 'failed', fake.failure);
      const known = [...infos.values()].find((one) => (one as { clientId?: string }).clientId === body.clientId);
      if (known && body.clientId) return known;
      fake.made.push(body);
      const id = `agent-${fake.made.length}`;
      const made = {
        id,
        name: body.name ?? '',
        provider: body.provider ?? 'claude',
        directory: body.directory,
        worktree: null,
        state: 'running',
        stateReason: 'turn',
        stateText: '',
        stateSince: now(),
        activeAt: now(),
        createdAt: now(),
        queue: [],
        pending: [],
        sessionId: `session-${id}`,
        taskId: body.taskId ?? null,
        adminEmail: body.adminEmail ?? '',
        whatsappPhone: body.whatsappPhone ?? '',
        slackWebhookUrl: body.slackWebhookUrl ?? '',
        preview: '',
        clientId: body.clientId,
      } as unknown as AgentInfo;
      infos.set(id, made);
      prompts.set(id, [{ id: `prompt-${id}`, kind: 'user', seq: 1, status: 'sent', by } as UserMessage]);
      tell({ type: 'agent', agent: made });
      return made;
    },
    send: async (id: string, body: SendMessageBody) => {
      fake.sent.push({ id, body });
      fake.set(id, { state: 'running', stateReason: 'turn' });
      return { message: {} as never, duplicate: false };
    },
    remove: async (id: string, { discardWork }: { discardWork: boolean }) => {
      if (fake.unmerged.has(id) && !discardWork) {
        throw new HttpError(409, 'unmerged_work', '1 new file is not in git: x');
      }
      infos.delete(id);
      fake.removed.push(id);
      tell({ type: 'agent.removed', id });
    },
    set: (id: string, patch: Partial<AgentInfo>) => {
      const changed = { ...info(id), stateSince: now(), activeAt: now(), ...patch };
      infos.set(id, changed);
      tell({ type: 'agent.patch', id, patch });
    },
    ask: (id: string, request: Partial<RequestMessage>) => {
      const messageId = `request-${messages.size + 1}`;
      const message = {
        id: messageId,
        kind: 'request',
        request: 'permission',
        status: 'pending',
        title: '',
        tool: '',
        description: '',
        questions: [],
        plan: '',
        ...request,
      };
      messages.set(messageId, message as Message);
      fake.set(id, {
        state: 'waiting_input',
        stateReason: request.request ?? 'permission',
        pending: [...info(id).pending, messageId],
      });
      return messageId;
    },
    subscribe: (listener: (change: LiveChange) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return fake as unknown as FakeAgents;
}
