/** Templates for CLAUDE.md and AGENTS.md. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { HttpError } from '../core/http/reply.ts';
import type { Template } from '../core/wire/types.ts';
import { Fields, LIMITS } from './api/fields.ts';
import type { Document, House } from './rooms.ts';
import { openDocument } from './store/document.ts';

export const TEMPLATE_COUNT = 200;

export class Templates {
  readonly #house: House;
  readonly #document: Document<Template[]>;

  constructor(house: House) {
    this.#house = house;
    this.#document = openDocument<Template[]>({
      path: join(house.config.dataDir, 'templates.json'),
      initial: [],
      parse: parseTemplates,
      warn: (text) => house.warn('templates', text),
    });
  }

  /** By name. */
  list(): Template[] {
    return [...this.#document.value].sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Throws HttpError 404. */
  get(id: string): Template {
    const found = this.#document.value.find((one) => one.id === id);
    if (!found) throw new HttpError(404, 'no_template', 'There is no such template (any more).');
    return found;
  }

  async add(body: unknown): Promise<Template> {
    const fields = new Fields(body);
    const made: Template = {
      id: randomUUID(),
      name: fields.needText('name', LIMITS.name),
      content: fields.text('content', LIMITS.document) ?? '',
      updatedAt: this.#house.clock.now(),
    };
    await this.#document.update((list) => {
      if (list.length < TEMPLATE_COUNT) return [...list, made];
      throw new HttpError(409, 'too_many', `There are ${TEMPLATE_COUNT} templates already. Delete one first.`);
    });
    this.#house.publish({ type: 'template', template: made });
    return made;
  }

  async edit(id: string, body: unknown): Promise<Template> {
    const fields = new Fields(body);
    const name = fields.has('name') ? fields.needText('name', LIMITS.name) : undefined;
    const content = fields.text('content', LIMITS.document);
    await this.#document.update((list) => {
      const { name: oldName, content: oldContent } = this.get(id);
      const changed = { id, name: name ?? oldName, content: content ?? oldContent, updatedAt: this.#house.clock.now() };
      return list.map((one) => (one.id === id ? changed : one));
    });
    const template = this.get(id);
    this.#house.publish({ type: 'template', template });
    return template;
  }

  async remove(id: string): Promise<void> {
    this.get(id);
    await this.#document.update((list) => list.filter((one) => one.id !== id));
    this.#house.publish({ type: 'template.removed', id });
  }
}

function parseTemplates(value: unknown): Template[] {
  if (!Array.isArray(value)) throw new Error('it is not a list');
  return value.map((one) => {
    const fields = new Fields(one);
    return {
      id: fields.needText('id', LIMITS.name),
      name: fields.needText('name', LIMITS.name),
      content: fields.text('content', LIMITS.document) ?? '',
      updatedAt: fields.number('updatedAt', 0, Number.MAX_SAFE_INTEGER) ?? 0,
    };
  });
}
