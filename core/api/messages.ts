import {
  bool,
  type Check,
  type Fields,
  fields,
  list,
  MAX_LIST,
  MAX_TEXT,
  need,
  oneOf,
  pick,
  text,
  uuid,
  ValidationError,
  wrong,
} from './schema.ts';
import { MODES, type PermissionMode } from './agents.ts';

/** One file's change as a list of unified hunks. */
export interface FileDiff {
  path: string;
  kind: 'add' | 'update' | 'delete';
  hunks: {
    /** Number of its first line; of both sides 0: where it is in the file is not known. */
    oldStart: number;
    oldLines: number;
    newStart: number;
    newLines: number;
    lines: string[];
    /** Of what it changes, where it can be undone or committed by itself: /api/agents/:id/changes/undo, …/commit */
    id?: string;
  }[];
  /** Hunks were left out because the diff is too large. */
  truncated?: boolean;
}

export type ToolStatus = 'running' | 'done' | 'error' | 'denied' | 'cancelled';

/**
 * A picture of a conversation. `hash` names its bytes: GET /api/agents/:id/pictures/:hash; without it they are not kept (an
 * older version, or a CLI's own past session).
 */
export interface Picture {
  mediaType: string;
  /** Bytes. */
  size: number;
  hash?: string;
}

/** A file that was sent, by the hash of its bytes: GET /api/agents/:id/attachments/:hash?name= */
export interface Attachment extends AttachmentName {
  /** Bytes. */
  size: number;
}

export interface AttachmentName {
  hash: string;
  /** As it was sent; without what cannot be in a name. */
  name: string;
}

/** What a tool returned. `text` is bounded (MAX_RESULT in the journal); `truncated` says that it was cut. */
export interface ToolResult {
  text: string;
  truncated: boolean;
  exitCode?: number;
  diffs?: FileDiff[];
  pictures?: Picture[];
}

export interface Todo {
  text: string;
  status: 'pending' | 'in_progress' | 'completed';
}

/** One way to answer a request. `allow` and `deny` always exist for a permission; rules add more. */
export interface Choice {
  /** `allow`, `deny`, `cancel`, `session`, or `rule:<n>` */
  id: string;
  label: string;
  /** What exactly it allows and where that is written. */
  detail: string;
  tone: 'allow' | 'rule' | 'deny';
}

export interface Question {
  id: string;
  header: string;
  question: string;
  options: { label: string; description: string }[];
  multiSelect: boolean;
  /** A free text answer is welcome. */
  other: boolean;
  secret: boolean;
}

export type RequestStatus = 'pending' | 'decided' | 'answered' | 'cancelled' | 'expired';

/** POST /api/agents/:id/permissions/:requestId. `decision` is a Choice id, or `answer` with `answers` for questions. */
export interface DecisionBody {
  decision: string;
  /** Made by the client; posting the same id again is harmless. */
  clientId: string;
  /** Deny: a message for the model. */
  message?: string;
  /** Deny: also interrupt the turn. */
  interrupt?: boolean;
  /** Allow: the edited tool input. */
  input?: Record<string, unknown>;
  /** Question id → chosen labels or free text. */
  answers?: Record<string, string[]>;
  /** Plan: the mode to go on with. */
  mode?: PermissionMode;
}

/** Who decided what and when; `by` names the session ("Safari on iPhone", "this machine"). */
export interface DecisionRecord extends DecisionBody {
  by: string;
  at: number;
}

export interface MessageBase {
  /** Stable and unique within the agent. */
  id: string;
  /** 1, 2, 3 … without gaps within the agent: the order of appearance. */
  seq: number;
  at: number;
  /** Id of the tool message of the subagent that this belongs to. */
  parent?: string;
}

export type Message =
  & MessageBase
  & (
    | {
      kind: 'user';
      text: string;
      images: Picture[];
      /** Other files. Missing: none. */
      files?: Attachment[];
      /** accepted: saved, not yet with the CLI; sent: the CLI has it; failed: see error. */
      status: 'accepted' | 'queued' | 'sent' | 'cancelled' | 'failed';
      by: string;
      error?: string;
      /** It waited: the newest message when the CLI was handed it. It is part of the conversation behind that. */
      after?: number;
    }
    | { kind: 'text'; text: string; done: boolean }
    | { kind: 'thinking'; text: string; done: boolean }
    | {
      kind: 'tool';
      tool: string;
      /** One line for the closed row: the command, the file, the pattern. */
      title: string;
      /** The complete input once known; `inputText` is the JSON as it streams in. */
      input: Record<string, unknown> | null;
      inputText: string;
      /** Live output, where the provider streams it. */
      output: string;
      status: ToolStatus;
      result?: ToolResult;
      endedAt?: number;
    }
    | {
      kind: 'request';
      /** permission: run a tool; question: answer a form; plan: approve a plan. */
      request: 'permission' | 'question' | 'plan';
      /** Id of the tool message that asks, where there is one. */
      toolId: string | null;
      tool: string;
      title: string;
      description: string;
      input: Record<string, unknown>;
      /** A part of what is asked for is not in this message, so only choices of the tone `deny` are accepted. */
      truncated?: boolean;
      diffs: FileDiff[];
      choices: Choice[];
      questions: Question[];
      plan: string;
      status: RequestStatus;
      decision: DecisionRecord | null;
    }
    | { kind: 'todos'; todos: Todo[] }
    | {
      kind: 'notice';
      level: 'info' | 'warning' | 'error';
      /** machine word: api_retry, rate_limit, stderr, compacted, background, interrupted, exit … */
      code: string;
      text: string;
      /** A passing notice is replaced by the next one of the same code. */
      passing: boolean;
      /** Of a notice about a usage limit (`rate_limit`). */
      limit?: LimitState;
    }
    | {
      kind: 'turn';
      outcome: 'done' | 'interrupted' | 'error' | 'max_turns' | 'max_budget';
      text: string;
      durationMs: number;
      /** Cumulative, as in Usage. */
      costUsd: number | null;
      inputTokens: number;
      outputTokens: number;
      /** Where the CLI's session stands after it. Missing: the CLI names no place, or an older version wrote it. */
      point?: ForkPoint;
    }
  );

/** A place in a session of a CLI, in its own words: what is said up to there can be gone on with as a copy. */
export interface ForkPoint {
  session: string;
  id: string;
}

/** A usage limit of the provider. */
export interface LimitState {
  /** Nothing goes on until it is reset. */
  isReached: boolean;
  /** ms since the Unix epoch; null: not told. */
  resetsAt: number | null;
}

export type MessageKind = Message['kind'];

export type RequestMessage = Extract<Message, { kind: 'request' }>;

export type ToolMessage = Extract<Message, { kind: 'tool' }>;

export type UserMessage = Extract<Message, { kind: 'user' }>;

/** POST /api/agents/:id/message */
export interface SendMessageBody {
  text: string;
  clientId?: string;
  images?: { mediaType: string; data: string }[];
  /** Uploads that are complete (POST /api/agents/:id/uploads with a `name`). */
  files?: AttachmentName[];
  /** Id of a message that failed before the agent took it: its text and its pictures are sent, not those of this body. */
  again?: string;
}

/** PUT /api/agents/:id/messages/:messageId, while it waits: what is left out stays as it is. */
export interface QueuedChange {
  text?: string;
  /** The waiting message that it comes before; one that does not wait, or '': it comes last. */
  before?: string;
}

/** Messages by their place in the conversation: one that waited stands where it was handed over. @param messages by seq */
export function inConversation(messages: readonly Message[]): readonly Message[] {
  const place = (message: Message) => message.kind === 'user' ? message.after ?? message.seq : message.seq;
  if (!messages.some((message) => place(message) !== message.seq)) return messages;
  // Behind the message that it was handed over after, in the order of handing over.
  return messages.map((message, i) => ({ message, i, at: place(message) }))
    .sort((a, b) => a.at - b.at || Number(a.at !== a.message.seq) - Number(b.at !== b.message.seq) || a.i - b.i)
    .map(({ message }) => message);
}

/** A page of history: GET /api/agents/:id/messages?after=SEQ | ?before=SEQ & limit=N */
export interface MessagePage {
  messages: Message[];
  /** Older messages exist before the first of this page. */
  more: boolean;
}

/** Images of one message, and base64 characters of one. The whole body is bounded by the server. */
export const MAX_IMAGES = 8;

export const MAX_IMAGE = 7 * 1024 * 1024;

export const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];

/** Files of one message, and characters of a name. */
export const MAX_FILES = 10;
const MAX_FILE_NAME = 255;

const attachment: Check<AttachmentName> = (value, name) => {
  const checks = { hash: text(64, true), name: text(MAX_FILE_NAME, true) };
  return need(pick<AttachmentName>(value, checks, name), 'hash', 'name');
};

const record: Check<Fields> = (value, name) => fields(value, name);

type Image = NonNullable<SendMessageBody['images']>[number];

const image: Check<Image> = (value, name) => {
  const input = need(
    pick<Image>(value, { mediaType: oneOf(IMAGE_TYPES), data: text(MAX_IMAGE, true) }, name),
    'mediaType',
    'data',
  );
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(input.data)) wrong(`${name}.data`, 'base64');
  const mediaType = imageType(input.data) ?? wrong(`${name}.data`, 'a PNG, JPEG, GIF or WebP image');
  return { ...input, mediaType };
};

/** Of base64, by its first bytes, whatever it was called: a CLI, or the model's API, refuses the whole conversation for a wrong type. */
export function imageType(data: string): string | undefined {
  const bytes = data.length < 16 ? '' : atob(data.slice(0, 16));
  if (bytes.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (bytes.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (/^GIF8[79]a/.test(bytes)) return 'image/gif';
  return /^RIFF[^]{4}WEBP/.test(bytes) ? 'image/webp' : undefined;
}

/** A message needs a text, an image or a file. */
export function parseSendMessage(value: unknown): SendMessageBody {
  const body = pick<SendMessageBody>(value, {
    text: text(MAX_TEXT),
    clientId: uuid,
    images: list(image, MAX_IMAGES),
    files: list(attachment, MAX_FILES),
    again: uuid,
  });
  if (!body.text?.trim() && !body.images?.length && !body.files?.length && !body.again) {
    throw new ValidationError('"text" is missing: write a message.');
  }
  return { ...body, text: body.text ?? '' };
}

/** Throws ValidationError. */
export function parseQueuedChange(value: unknown): QueuedChange {
  const change = pick<QueuedChange>(value, { text: text(MAX_TEXT), before: text(100) });
  if (change.text === undefined && change.before === undefined) {
    throw new ValidationError('"text" or "before" is missing: say what is to change.');
  }
  return change;
}

const answers: Check<Record<string, string[]>> = (value, name) =>
  Object.fromEntries(
    Object.entries(fields(value, name)).slice(0, MAX_LIST)
      .map(([question, input]) => [question, list(text(MAX_TEXT))(input, `${name}.${question}`)]),
  );

/** `clientId` may be left out by scripts: then repeating the request is not recognised as the same. */
export function parseDecision(value: unknown, makeId: () => string): DecisionBody {
  const body = need(
    pick<DecisionBody>(value, {
      decision: text(100, true),
      clientId: uuid,
      message: text(MAX_TEXT),
      interrupt: bool,
      input: record,
      answers,
      mode: oneOf(MODES),
    }),
    'decision',
  );
  return { ...body, clientId: body.clientId ?? makeId() };
}
