/** Templates for instructions files. Browser-safe. */
import { content, MAX_NAME, need, pick, string, text, time } from './schema.ts';

export interface Template {
  id: string;
  name: string;
  content: string;
  updatedAt: number;
}

/** POST /api/templates; PUT /api/templates/:id takes any part of it. */
export interface TemplateBody {
  name: string;
  content?: string;
}

/** Body of PUT. Throws ValidationError, as all parsers do. */
export const parseTemplatePatch = (value: unknown): Partial<TemplateBody> =>
  pick<TemplateBody>(value, { name: text(MAX_NAME, true), content });

/** Body of POST. */
export const parseCreateTemplate = (value: unknown): TemplateBody => need(parseTemplatePatch(value), 'name');

/** A template as it was stored. */
export function parseTemplate(value: unknown): Template {
  const template = pick<Template>(value, { id: string, name: string, content: string, updatedAt: time });
  return { content: '', updatedAt: 0, ...need(template, 'id', 'name') };
}
