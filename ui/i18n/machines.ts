/** Sentences of many machines at one relay: they are loaded with the pages that need them. */
import { machines } from './en/machines.ts';
import { inLanguage } from './t.ts';

export const { machines: machineTexts } = await inLanguage(machines);
