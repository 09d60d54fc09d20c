/** Git LFS as users have it: set up in their global settings. The real one where it is installed, and a stand-in. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';

/** What `git lfs install` puts into the global settings. */
export const LFS_SETTINGS = `[user]
\tname = T
\temail = t@example.org
[filter "lfs"]
\tclean = git-lfs clean -- %f
\tsmudge = git-lfs smudge -- %f
\tprocess = git-lfs filter-process
\trequired = true
`;
export const isLfsInstalled = (): boolean => {
  try {
    execFileSync('git-lfs', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/**
 * filter-process, clean and smudge of gitattributes(5): clean stores what it reads and writes a pointer, smudge writes what the
 * pointer names. CommonJS, since it has no package.json beside it.
 */
const STAND_IN = `#!${process.execPath}
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, readSync, writeFileSync, writeSync } = require('node:fs');
const store = __dirname + '/store/';
mkdirSync(store, { recursive: true });
const filters = {
  clean(content) {
    const oid = createHash('sha256').update(content).digest('hex');
    writeFileSync(store + oid, content);
    return Buffer.from('version https://git-lfs.github.com/spec/v1\\noid sha256:' + oid + '\\nsize ' + content.length + '\\n');
  },
  smudge: (pointer) => readFileSync(store + /^oid sha256:(\\w+)$/m.exec(pointer.toString())[1]),
};
const read = (size) => {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size;) {
    const count = readSync(0, bytes, at, size - at, null);
    if (!count) process.exit(0);
    at += count;
  }
  return bytes;
};
const write = (bytes) => { for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at); };
/** Packets until a flush. */
const packets = () => {
  const all = [];
  for (let size; (size = parseInt(read(4).toString(), 16)) > 0;) all.push(read(size - 4));
  return all;
};
const send = (...parts) => {
  for (const part of parts) {
    const bytes = Buffer.from(part);
    for (let at = 0; at < bytes.length; at += 65516) {
      const piece = bytes.subarray(at, at + 65516);
      write(Buffer.concat([Buffer.from((piece.length + 4).toString(16).padStart(4, '0')), piece]));
    }
  }
  write(Buffer.from('0000'));
};
const command = process.argv[2];
if (command === 'filter-process') {
  packets();
  send('git-filter-server\\n', 'version=2\\n');
  packets();
  send('capability=clean\\n', 'capability=smudge\\n');
  for (;;) {
    const filter = /command=(\\w+)/.exec(packets().join(''))[1];
    const output = filters[filter](Buffer.concat(packets()));
    send('status=success\\n');
    send(output);
    send();
  }
} else write(filters[command](readFileSync(0)));
`;

/** Puts a stand-in for git-lfs first in the PATH while `run` runs. */
export async function withStandIn<T>(directory: string, run: () => Promise<T>): Promise<T> {
  const bin = join(directory, 'lfs-bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'git-lfs'), STAND_IN, { mode: 0o755 });
  const before = process.env.PATH;
  process.env.PATH = `${bin}${delimiter}${before}`;
  try {
    return await run();
  } finally {
    process.env.PATH = before;
  }
}
