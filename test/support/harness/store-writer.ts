/** Saves a document of 30 MB again and again, and says which number is on disk. Argument: its path. */
import process from 'node:process';
import { openDocument } from '../../../agent/store/document.ts';

const document = openDocument<{ n: number; filling: string[] }>({
  path: process.argv[2]!,
  parse: (value) => value as { n: number; filling: string[] },
  initial: { n: 0, filling: Array.from({ length: 300 }, () => 'x'.repeat(100_000)) },
  warn: (text) => process.stdout.write(`WARN ${text}\n`),
});
for (;;) {
  const { n } = await document.update((value) => ({ ...value, n: value.n + 1 }));
  process.stdout.write(`${n}\n`);
}
