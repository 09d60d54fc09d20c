/**
 * A scripted stand-in for two APIs of models: OpenAI's chat completions (OpenCode, Qwen, Copilot) and Gemini's generateContent.
 * What it says depends on nothing but the request: the first rule that fits the last words of the user, and in it the step
 * whose number is that of the tools' results after those words; past the last one it repeats the last.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { randomBytes } from 'node:crypto';
import { Buffer } from 'node:buffer';

export interface ChatStep {
  text?: string;
  /** Characters of one piece, and the pause after each, ms. */
  chunk?: number;
  delayMs?: number;
  tool?: { name: string; input: Record<string, unknown> };
}

export interface ChatRule {
  match: RegExp;
  steps: ChatStep[];
}

export interface ChatStub {
  /** Without a path. */
  url: string;
  /** The last words of the user in each request, with the rule's step, and the pictures of the whole conversation as base64. */
  seen: { words: string; step: number; tools: string[]; images: string[] }[];
  close(): Promise<void>;
}

/** One request of either API, in one form. */
interface Asked {
  words: string;
  /** Results of tools since those words. */
  results: number;
  tools: string[];
  images: string[];
}

type Json = Record<string, any>;

const FALLBACK: ChatStep = { text: 'Stub answer.' };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export async function startChatStub(rules: ChatRule[]): Promise<ChatStub> {
  const seen: ChatStub['seen'] = [];
  const choose = ({ words, results, tools, images }: Asked): ChatStep => {
    // Without tools it is a side question of the CLI: a title, a summary.
    const steps = (tools.length ? rules.find(({ match }) => match.test(words))?.steps : undefined) ?? [FALLBACK];
    const step = Math.min(results, steps.length - 1);
    seen.push({ words: words.slice(0, 200), step, tools, images });
    return steps[step]!;
  };
  const server = createServer((request, response) => {
    void answer(request, response, choose).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, choose: (asked: Asked) => ChatStep) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = (chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : {}) as Json;
  const { pathname } = new URL(request.url!, 'http://stub');
  if (pathname.endsWith('/chat/completions')) return await completions(body, response, choose(askedOfChat(body)));
  if (/:(stream)?generateContent$/i.test(pathname)) {
    return await gemini(pathname.includes(':stream'), response, choose(askedOfGemini(body)));
  }
  if (pathname.endsWith(':countTokens')) return json(response, { totalTokens: 10 });
  if (pathname.endsWith('/models')) {
    return json(response, { object: 'list', data: [{ id: 'stub-model', object: 'model' }] });
  }
  response.statusCode = 404;
  json(response, { error: { message: `no ${pathname}` } });
}

const json = (response: ServerResponse, value: unknown) =>
  response.setHeader('content-type', 'application/json').end(JSON.stringify(value));

/** The words of the user: CLIs add words of their own, in tags, under that role. */
const textOf = (content: unknown): string =>
  (typeof content === 'string' ? content : ((content ?? []) as Json[]).map(({ text }) => text ?? '').join('\n'))
    .replace(/<([\w-]+)>[^]*?<\/\1>/g, '').trim();

function askedOfChat({ messages = [], tools = [] }: Json): Asked {
  const list = messages as Json[];
  const at = list.findLastIndex(({ role, content }) => role === 'user' && textOf(content) !== '');
  return {
    words: at < 0 ? '' : textOf(list[at]!.content),
    results: list.slice(at + 1).filter(({ role }) => role === 'tool').length,
    tools: (tools as Json[]).map((tool) => tool.function?.name ?? tool.name),
    images: list.flatMap(({ content }) => Array.isArray(content) ? content as Json[] : [])
      .flatMap(({ image_url: image }) => image ? [String(image.url).replace(/^data:[^,]*,/, '')] : []),
  };
}

/** Its own, and those within a tool's response. */
const picturesOfPart = (part: Json): string[] => [
  ...(part.inlineData?.data ? [String(part.inlineData.data)] : []),
  ...((part.functionResponse?.parts ?? []) as Json[]).flatMap(picturesOfPart),
];

function askedOfGemini({ contents = [], tools = [] }: Json): Asked {
  const list = contents as Json[];
  const at = list.findLastIndex(({ role, parts }) => role === 'user' && textOf(parts) !== '');
  const declared = (tools as Json[]).flatMap((tool) => tool.functionDeclarations ?? []) as Json[];
  return {
    words: at < 0 ? '' : textOf(list[at]!.parts),
    results: list.slice(at + 1).flatMap(({ parts }) => parts as Json[]).filter((part) => part.functionResponse).length,
    tools: declared.map(({ name }) => name),
    images: list.flatMap(({ parts }) => parts as Json[]).flatMap(picturesOfPart),
  };
}

const piecesOf = ({ text = '', chunk = 6 }: ChatStep): string[] => text.match(new RegExp(`[^]{1,${chunk}}`, 'g')) ?? [];
const USAGE = { prompt_tokens: 100, completion_tokens: 7, total_tokens: 107 };

async function completions(body: Json, response: ServerResponse, step: ChatStep): Promise<void> {
  const head = { id: `chat-${randomBytes(6).toString('hex')}`, created: 1, model: body.model };
  const call = step.tool;
  const calls = call && [{
    index: 0,
    id: `call_${randomBytes(6).toString('hex')}`,
    type: 'function',
    function: { name: call.name, arguments: JSON.stringify(call.input) },
  }];
  const finish = calls ? 'tool_calls' : 'stop';
  if (!body.stream) {
    const message = { role: 'assistant', content: step.text ?? '', ...(calls ? { tool_calls: calls } : {}) };
    return void json(response, {
      ...head,
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason: finish }],
      usage: USAGE,
    });
  }
  const send = (delta: Json, finish_reason: string | null = null) =>
    event(response, { ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] });
  stream(response);
  send({ role: 'assistant', content: '' });
  for (const content of piecesOf(step)) {
    if (response.destroyed) return;
    send({ content });
    await pause(step.delayMs ?? 0);
  }
  if (calls) send({ tool_calls: calls });
  send({}, finish);
  event(response, { ...head, object: 'chat.completion.chunk', choices: [], usage: USAGE });
  response.end('data: [DONE]\n\n');
}

async function gemini(isStream: boolean, response: ServerResponse, step: ChatStep): Promise<void> {
  const call = step.tool;
  const usageMetadata = { promptTokenCount: 100, candidatesTokenCount: 7, totalTokenCount: 107 };
  const body = (parts: Json[], finishReason?: string) => ({
    candidates: [{ index: 0, content: { role: 'model', parts }, ...(finishReason ? { finishReason } : {}) }],
    usageMetadata,
    modelVersion: 'stub-model',
  });
  const calls = call ? [{ functionCall: { name: call.name, args: call.input } }] : [];
  if (!isStream) return void json(response, body([{ text: step.text ?? '' }, ...calls], 'STOP'));
  stream(response);
  for (const text of piecesOf(step)) {
    if (response.destroyed) return;
    event(response, body([{ text }]));
    await pause(step.delayMs ?? 0);
  }
  event(response, body(calls.length ? calls : [{ text: '' }], 'STOP'));
  response.end();
}

const stream = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' });
const event = (response: ServerResponse, value: unknown) => response.write(`data: ${JSON.stringify(value)}\n\n`);
