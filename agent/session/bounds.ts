/** Bounds of a tool's input and result: the rest is cut, so that the row can still be shown. */
import { isWholeRequest } from '../../core/api/approval.ts';
import { cut } from '../../core/api/cut.ts';
import type { Choice, RequestMessage, ToolResult } from '../../core/api/messages.ts';
import type { ProviderRequest } from '../provider/provider.ts';

/** Characters of a tool's result. */
export const MAX_RESULT = 64 * 1024;
/** Characters of a finished text. */
export const MAX_TEXT = 2 * 1024 * 1024;
/** Characters of a tool's input as JSON, and of each other part of a request; beyond it long values are cut. */
export const MAX_INPUT = 512 * 1024;
/** Choices of a request; what offers more can only be refused. */
export const MAX_CHOICES = 100;
/** Characters of one text, and of one other value as JSON, in an input over MAX_INPUT. */
const MAX_INPUT_TEXT = 10_000;
const MAX_INPUT_VALUE = 50_000;

export function boundResult(result: ToolResult): ToolResult {
  const isLong = result.text.length > MAX_RESULT;
  return isLong ? { ...result, text: cut(result.text, MAX_RESULT), truncated: true } : result;
}

/** @returns the input itself, or a copy with its long values cut, and with as many fields as there is room for */
export function boundInput(input: Record<string, unknown> | null): Record<string, unknown> | null {
  if (!input || JSON.stringify(input).length <= MAX_INPUT) return input;
  let room = MAX_INPUT;
  const entries = Object.entries(input).map(([name, value]) => [name, boundValue(value)] as const);
  return Object.fromEntries(entries.filter((entry) => (room -= JSON.stringify(entry).length) >= 0));
}

function boundValue(value: unknown): unknown {
  if (typeof value === 'string') return value.length > MAX_INPUT_TEXT ? shorten(value) : value;
  return JSON.stringify(value ?? null).length > MAX_INPUT_VALUE ? '…' : value;
}

type Asked = Omit<ProviderRequest, 'requestId'>;

/**
 * A request as it is kept and shown. What is too large is cut, and `truncated` says that not all of it can be seen: it must
 * not be allowed.
 */
export function boundRequest<T extends Asked>(request: T): T & Pick<RequestMessage, 'truncated'> {
  const input = boundInput(request.input) ?? {};
  const { diffs, questions, plan, description, choices } = request;
  const shortened: Partial<Asked> = {
    ...(input === request.input ? {} : { input }),
    ...(isTooLarge(diffs) ? { diffs: [] } : {}),
    ...(isTooLarge(questions) ? { questions: [] } : {}),
    ...(isTooLarge(plan) ? { plan: shorten(plan) } : {}),
    ...(isTooLarge(description) ? { description: shorten(description) } : {}),
    ...(areTooMany(choices) ? { choices: refusals(choices) } : {}),
  };
  // Nothing is copied of what is small, as nearly all are: thousands may come at once.
  if (!Object.keys(shortened).length) return isWholeRequest(request) ? request : { ...request, truncated: true };
  return { ...request, ...shortened, truncated: true };
}

function areTooMany(choices: readonly Choice[]): boolean {
  const size = choices.reduce((sum, { label, detail }) => sum + label.length + detail.length, 0);
  return choices.length > MAX_CHOICES || size > MAX_INPUT;
}

/** Of choices that cannot be shown: those that refuse. */
const refusals = (choices: readonly Choice[]): Choice[] =>
  choices.filter(({ tone }) => tone === 'deny').slice(0, MAX_CHOICES).map((choice) => ({
    ...choice,
    label: cut(choice.label, MAX_INPUT_TEXT),
    detail: cut(choice.detail, MAX_INPUT_TEXT),
  }));

function isTooLarge(value: string | readonly unknown[]): boolean {
  // A character is six in JSON at most; most requests have little or nothing here.
  if (typeof value === 'string' ? value.length * 6 < MAX_INPUT : !value.length) return false;
  return JSON.stringify(value).length > MAX_INPUT;
}
const shorten = (text: string): string => `${cut(text, MAX_INPUT_TEXT)}… (${text.length} characters)`;

/** Requests that the agent's info names; further ones wait in the conversation and move up. */
export const MAX_PENDING = 100;
