/** Agents without a CLI: the test says what state each is in. */
import { Failure } from '../../../core/api/errors.ts';
import type { LiveChange } from '../../../core/api/live.ts';
import type { AgentInfo, AgentMarks, CreateAgentBody } from '../../../core/api/agents.ts';
import type { Message, RequestMessage, SendMessageBody } from '../../../core/api/messages.ts';
import type { DirectoryUse } from '../../../agent/session/directory-uses.ts';
import type { Agents } from '../../../agent/session/agents.ts';

export interface FakeAgents extends Agents {
  readonly created: (CreateAgentBody & { taskId?: string })[];
  readonly sent: { id: string; body: SendMessageBody }[];
  readonly removed: string[];
  /** Agent → what its messages() holds: what it was sent, which the CLI took, and what it did for it. */
  readonly journals: Map<string, Message[]>;
  /** The CLI of the agent does something. */
  work(id: string): void;
  /** Changes an agent and publishes the change. */
  set(id: string, patch: Partial<AgentInfo>): void;
  /** The agent asks; gives the id of the request. */
  ask(id: string, request: Partial<RequestMessage>): string;
  /** create() fails with this sentence. */
  failure: string;
  /** remove() refuses these without discardWork. */
  unmerged: Set<string>;
  /** Sessions that terminals have. */
  lent: { id: string; terminal: string }[];
  /** Who works where. */
  readonly uses: Set<DirectoryUse>;
}

/** @param publish hears of every change, as from the registry */
export function fakeAgents(now: () => number, publish: (change: LiveChange) => void): FakeAgents {
  const infos = new Map<string, AgentInfo>();
  const messages = new Map<string, Message>();
  const journals: FakeAgents['journals'] = new Map();
  const addTo = (id: string, message: Partial<Message>) => {
    const journal = journals.get(id) ?? [];
    const seq = (journal.at(-1)?.seq ?? 0) + 1;
    journals.set(id, [...journal, { id: `${id}-${seq}`, seq, ...message } as Message]);
    infos.set(id, { ...infos.get(id)!, lastSeq: seq });
  };
  const info = (id: string) => {
    const found = infos.get(id);
    if (!found) throw new Failure('not_found', 'There is no such agent.');
    return found;
  };
  const fake = {
    created: [] as FakeAgents['created'],
    sent: [] as FakeAgents['sent'],
    removed: [] as string[],
    failure: '',
    unmerged: new Set<string>(),
    lent: [] as FakeAgents['lent'],
    uses: new Set<DirectoryUse>(),
    list: () => [...infos.values()],
    info,
    message: (_: string, messageId: string) => messages.get(messageId),
    messages: (id: string, { after = 0 }) => ({
      messages: (journals.get(id) ?? []).filter((message) => message.seq > after),
      more: false,
    }),
    work: (id: string) => addTo(id, { kind: 'text', text: 'Working.', done: true }),
    journals,
    create: async (body: CreateAgentBody & { taskId?: string }, by: string) => {
      await Promise.resolve();
      if (fake.failure) throw new Failure('worktree_failed', fake.failure);
      const known = [...infos.values()].find((entry) => (entry as { clientId?: string }).clientId === body.clientId);
      if (known && body.clientId) return known;
      fake.created.push(body);
      const id = `agent-${fake.created.length}`;
      const result = {
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
      infos.set(id, result);
      addTo(id, { kind: 'user', status: 'sent', by });
      publish({ type: 'agent', agent: result });
      return result;
    },
    send: async (id: string, body: SendMessageBody, by: string) => {
      if (body.clientId && fake.sent.some((entry) => entry.body.clientId === body.clientId)) {
        return { message: {} as never, duplicate: true };
      }
      fake.sent.push({ id, body });
      addTo(id, { kind: 'user', status: 'sent', by });
      fake.set(id, { state: 'running', stateReason: 'turn' });
      return { message: {} as never, duplicate: false };
    },
    mark: async (id: string, { archived }: AgentMarks) => {
      await Promise.resolve();
      // A mark is no use of the agent.
      if (archived !== undefined) infos.set(id, { ...info(id), archivedAt: archived ? now() : 0 });
      return info(id);
    },
    noteMerge: (id: string) => Promise.resolve(info(id)),
    remove: async (id: string, { discardWork }: { discardWork: boolean }) => {
      if (fake.unmerged.has(id) && !discardWork) {
        throw new Failure('unmerged_work', '1 new file is not in git: x');
      }
      infos.delete(id);
      fake.removed.push(id);
      publish({ type: 'agent.removed', id });
    },
    agentOf: (provider: string, sessionId: string) =>
      [...infos.values()].find((info) => info.provider === provider && info.sessionId === sessionId)?.id ?? null,
    handOverSession: (id: string, terminal: { id: string }) => {
      const { state, sessionId } = info(id);
      if (state !== 'idle' && state !== 'stopped') return Promise.reject(new Failure('agent_busy', 'It is at work.'));
      fake.lent.push({ id, terminal: terminal.id });
      const release = () => void (fake.lent = fake.lent.filter((entry) => entry.terminal !== terminal.id));
      return Promise.resolve({ args: [`--resume=${sessionId}`], release });
    },
    enterDirectory: (use: DirectoryUse) => {
      fake.uses.add(use);
      return () => void fake.uses.delete(use);
    },
    set: (id: string, patch: Partial<AgentInfo>) => {
      const changed = { ...info(id), stateSince: now(), activeAt: now(), ...patch };
      infos.set(id, changed);
      publish({ type: 'agent.patch', id, patch });
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
        input: {},
        diffs: [],
        choices: [],
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
  };
  return fake as unknown as FakeAgents;
}
