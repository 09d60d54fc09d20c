/** Every sentence of the dashboard, in Chinese. */
import { agents } from './zh/agents.ts';
import { files } from './zh/files.ts';
import { forms } from './zh/forms.ts';
import { frame } from './zh/frame.ts';
import { handoff } from './zh/handoff.ts';
import { past } from './zh/past.ts';
import { previews } from './zh/previews.ts';
import { machines } from './zh/machines.ts';
import { search } from './zh/search.ts';
import { schedule } from './zh/schedule.ts';
import { usage } from './zh/usage.ts';
import type { ServerWords } from './en/server-words.ts';
import { dictation } from './zh/dictation.ts';
import { error } from './zh/errors.ts';
import { device, sentence } from './zh/sentences.ts';

export const zh = {
  ...frame,
  ...agents,
  ...files,
  ...forms,
  ...handoff,
  ...past,
  ...previews,
  ...search,
  ...machines,
  ...dictation,
  ...usage,
  ...schedule,
};

export const serverWords: ServerWords = { error, sentence, device };
