/** `elicitation/create` of the mode "form": a JSON schema as questions, and their answers as its fields want them. */
import type { DecisionBody, Question } from '../../../core/api/messages.ts';
import { type JsonObject, list, object, string, strings } from '../untyped-json.ts';
import type { OpenRequest } from './requests.ts';

/** Fields of one form, options of one field. */
const MAX_FIELD = 50;
const MAX_OPTION = 50;
const DECLINED = { action: 'decline' };

/** null for a form that has no fields, fields of a type that is not known or too many, or another mode. */
export function readForm(requestId: string, params: JsonObject): OpenRequest | null {
  const schema = object(params.requestedSchema);
  const fields = Object.entries(object(schema.properties)).map(([id, value]) => [id, object(value)] as const);
  const isKnown = fields.every(([, { type }]) => TYPES.has(string(type)));
  if (string(params.mode) !== 'form' || !fields.length || fields.length > MAX_FIELD || !isKnown) return null;
  return {
    request: {
      requestId,
      request: 'question',
      toolId: string(params.toolCallId) || null,
      tool: 'Question',
      title: string(params.message),
      description: string(schema.description),
      input: {},
      diffs: [],
      choices: [{ id: 'deny', label: 'Skip', detail: '', tone: 'deny' }],
      questions: fields.map(([id, field]) => questionOf(id, field)),
      plan: '',
    },
    answer({ decision, answers = {} }: DecisionBody) {
      if (decision !== 'answer') return DECLINED;
      const content = fields.map(([id, field]) => [id, typed(field, answers[id] ?? [])] as const);
      return { action: 'accept', content: Object.fromEntries(content.filter(([, entry]) => entry !== undefined)) };
    },
    cancelled: { action: 'cancel' },
  };
}

const TYPES = new Set(['string', 'number', 'integer', 'boolean', 'array']);

interface FieldOption {
  /** For people, and what the page answers with. */
  label: string;
  value: string;
  description: string;
}

function optionsOf(field: JsonObject): FieldOption[] {
  const source = field.type === 'array' ? object(field.items) : field;
  const titled = [...list(source.oneOf), ...list(source.anyOf)].map(object).map((entry) => ({
    label: string(entry.title) || string(entry.const),
    value: string(entry.const),
    description: string(entry.description),
  }));
  const plain = field.type === 'boolean' ? ['true', 'false'] : strings(source.enum);
  const options = [...titled, ...plain.map((value) => ({ label: value, value, description: '' }))]
    .filter(({ value }) => value !== '').slice(0, MAX_OPTION);
  // Titles that are not unique could not be told apart in the answer.
  const isUnique = new Set(options.map(({ label }) => label)).size === options.length;
  return isUnique ? options : options.map((option) => ({ ...option, label: option.value, description: option.label }));
}

function questionOf(id: string, field: JsonObject): Question {
  const options = optionsOf(field);
  return {
    id,
    header: '',
    question: string(field.title) || string(field.description) || id,
    options: options.map(({ label, description }) => ({ label, description })),
    multiSelect: field.type === 'array',
    other: options.length === 0,
    secret: field.format === 'password',
  };
}

/** An answer as the form's field wants it. undefined: it was left out. */
function typed(field: JsonObject, answer: string[]): unknown {
  const options = optionsOf(field);
  const values = answer.map((label) => options.find((option) => option.label === label)?.value ?? label);
  if (field.type === 'array') return values.length ? values : undefined;
  const [first] = values;
  if (first === undefined) return undefined;
  if (field.type === 'boolean') return first === 'true';
  if (field.type === 'number' || field.type === 'integer') {
    return Number.isFinite(Number(first)) ? Number(first) : undefined;
  }
  return first;
}
