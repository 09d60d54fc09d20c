/** The command line client as processes: bundled once, since the loader takes ten times as long to start; also in a terminal. */
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import * as pty from 'node-pty';
import { plainEnv, until } from './product.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** A command that runs in a terminal of its own. */
export interface InTerminal {
  /** All bytes that it printed. */
  bytes(): Buffer;
  text(): string;
  type(text: string): void;
  resize(cols: number, rows: number): void;
  /** Waits until it has printed this. */
  sees(wanted: string | RegExp, ms?: number): Promise<void>;
  readonly ended: Promise<number>;
  kill(): void;
}

export interface Cli {
  /** Contains the directory of logins, and whatever the test puts there. */
  readonly home: string;
  run(args: string[], input?: string): Promise<Ran>;
  script(text: string): Promise<Ran>;
  /** Runs a shell's command line in a terminal of 80 × 24. */
  terminal(line: string): InTerminal;
  close(): void;
}

/** @param env further variables of every process */
export async function startCli(env: Record<string, string> = {}): Promise<Cli> {
  const home = mkdtempSync(join(tmpdir(), 'agent-monitor-cli-'));
  const program = join(home, 'program/cli/main.mjs');
  mkdirSync(join(home, 'program'));
  copyFileSync(join(ROOT, 'package.json'), join(home, 'program/package.json'));
  mkdirSync(join(home, 'bin'));
  const wrapper = `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`;
  writeFileSync(join(home, 'bin/agent-monitor'), wrapper, { mode: 0o755 });
  await build({
    entryPoints: [join(ROOT, 'cli/main.ts')],
    outdir: join(home, 'program/cli'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    external: ['node-pty'],
    banner: { js: "import{createRequire as makeRequire}from'node:module';const require=makeRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  const wholeEnv = {
    ...plainEnv({ HOME: home, AGENT_MONITOR_HOME: join(home, 'settings'), ...env }),
    PATH: `${join(home, 'bin')}:${process.env.PATH}`,
  };
  delete (wholeEnv as Record<string, string>).XDG_CONFIG_HOME;
  const open = new Set<InTerminal>();
  return {
    home,
    run: (args, input) => run(process.execPath, [program, ...args], wholeEnv, input),
    script: (text) => run('/bin/sh', ['-c', text], wholeEnv),
    terminal(line) {
      const terminal = inTerminal(['-c', line], wholeEnv);
      open.add(terminal);
      void terminal.ended.then(() => open.delete(terminal));
      return terminal;
    },
    close() {
      for (const terminal of open) terminal.kill();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function run(command: string, args: string[], env: Record<string, string>, input?: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env,
      cwd: env.HOME,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout!.on('data', (chunk) => out += chunk);
    child.stderr!.on('data', (chunk) => err += chunk);
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? -1, out, err: signal ? `${err}\n${signal}` : err }));
    child.stdin?.end(input);
  });
}

function inTerminal(args: string[], env: Record<string, string>): InTerminal {
  const child = pty.spawn('/bin/sh', args, { cols: 80, rows: 24, cwd: env.HOME!, env, encoding: null });
  const chunks: Buffer[] = [];
  child.onData((chunk) => void chunks.push(Buffer.from(chunk as unknown as Uint8Array)));
  const ended = new Promise<number>((resolve) => child.onExit(({ exitCode }) => resolve(exitCode)));
  const bytes = () => Buffer.concat(chunks);
  const text = () => bytes().toString('utf8');
  return {
    bytes,
    text,
    type: (input) => child.write(input),
    resize: (cols, rows) => child.resize(cols, rows),
    async sees(wanted, ms = 15_000) {
      const isSeen = () => typeof wanted === 'string' ? text().includes(wanted) : wanted.test(text());
      await until(() => `${wanted}; the terminal shows ${JSON.stringify(text().slice(-2000))}`, isSeen, ms);
    },
    ended,
    kill: () => child.kill('SIGKILL'),
  };
}
