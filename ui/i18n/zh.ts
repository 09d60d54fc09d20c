/** Every sentence of the dashboard, in Chinese. */
import { agents } from './zh/agents.ts';
import { files } from './zh/files.ts';
import { forms } from './zh/forms.ts';
import { frame } from './zh/frame.ts';
import { previews } from './zh/previews.ts';
import { search } from './zh/search.ts';

export const zh = { ...frame, ...agents, ...files, ...forms, ...previews, ...search };
