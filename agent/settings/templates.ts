/** Templates for instructions files. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import { parseTemplate, type Template, type TemplateBody } from '../../core/api/templates.ts';
import type { AgentContext } from '../context.ts';
import type { Document } from '../store/document.ts';
import { openDocument } from '../store/document.ts';

export const MAX_TEMPLATE = 200;

export class Templates {
  readonly #context: AgentContext;
  readonly #document: Document<Template[]>;

  constructor(context: AgentContext) {
    this.#context = context;
    this.#document = openDocument<Template[]>({
      path: join(context.config.dataDir, 'templates.json'),
      initial: [],
      parse: parseTemplates,
      warn: (text) => context.warn('templates', text),
    });
  }

  /** By name. */
  list(): Template[] {
    return [...this.#document.value].sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Throws Failure. */
  get(id: string): Template {
    const found = this.#document.value.find((entry) => entry.id === id);
    if (!found) throw new Failure('no_template', 'There is no such template (any more).');
    return found;
  }

  async add({ name, content = '' }: TemplateBody): Promise<Template> {
    const result: Template = { id: randomUUID(), name, content, updatedAt: this.#context.clock.now() };
    await this.#document.update((list) => {
      if (list.length < MAX_TEMPLATE) return [...list, result];
      throw new Failure('too_many', `There are ${MAX_TEMPLATE} templates already. Delete one first.`, {
        params: { limit: MAX_TEMPLATE },
      });
    });
    this.#context.publish({ type: 'template', template: result });
    return result;
  }

  async edit(id: string, patch: Partial<TemplateBody>): Promise<Template> {
    await this.#document.update((list) => {
      const changed = { ...this.get(id), ...patch, updatedAt: this.#context.clock.now() };
      return list.map((entry) => (entry.id === id ? changed : entry));
    });
    const template = this.get(id);
    this.#context.publish({ type: 'template', template });
    return template;
  }

  async remove(id: string): Promise<void> {
    this.get(id);
    await this.#document.update((list) => list.filter((entry) => entry.id !== id));
    this.#context.publish({ type: 'template.removed', id });
  }
}

function parseTemplates(value: unknown): Template[] {
  if (!Array.isArray(value)) throw new Error('it is not a list');
  return value.map(parseTemplate);
}
