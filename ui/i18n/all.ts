/** Every text of the dashboard, in the language of this device: for what is loaded behind the first page. */
import { english } from './en/english.ts';
import { inLanguage } from './t.ts';

export const t = await inLanguage(english);
