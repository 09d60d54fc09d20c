/** The sentences, in English, that the first page needs. They are loaded before anything is drawn. */
import { agents } from './agents.ts';
import { app } from './app.ts';
import { common } from './common.ts';
import { requests } from './requests.ts';

export const first = { ...common, ...agents, ...requests, ...app };

export type First = typeof first;
