/** Commands on the server, by the user's own ssh: its keys, its configuration, its questions. */
import { spawn } from 'node:child_process';
import { CommandError, EXIT } from '../exit-codes.ts';

/** Exit code of ssh itself when it does not get through (ssh(1)). */
const SSH_FAILED = 255;

export interface Server {
  /** `user@host`, an alias of ssh's configuration, … */
  target: string;
  /** `ssh`, `ssh -p 2222` … */
  ssh: readonly string[];
  signal: AbortSignal;
}

/**
 * Runs a command of the server's shell.
 * @param input its standard input
 * @param onLine each line that it prints
 * @throws CommandError when it fails; its standard error is the user's
 */
export async function onServer(
  server: Server,
  command: string,
  input: string | Uint8Array,
  onLine: (text: string) => void = () => {},
): Promise<void> {
  const code = await spawnLines(server, ['--', server.target, command], input, onLine);
  if (code === SSH_FAILED) throw new CommandError(`ssh did not get through to ${server.target}.`, EXIT.unreachable);
  if (code !== 0) throw new CommandError(`It failed on ${server.target}; see above.`);
}

/** The host's name or address behind an alias of ssh's configuration. */
export async function hostOf(server: Server): Promise<string> {
  let host = '';
  await spawnLines(server, ['-G', '--', server.target], '', (line) => host = /^hostname (.+)$/.exec(line)?.[1] ?? host);
  return host || server.target.replace(/^.*@/, '');
}

function spawnLines(
  { ssh, signal }: Server,
  args: string[],
  input: string | Uint8Array,
  onLine: (text: string) => void,
): Promise<number> {
  const [program, ...options] = ssh;
  return new Promise((resolve, reject) => {
    const child = spawn(program!, [...options, ...args], { stdio: ['pipe', 'pipe', 'inherit'], signal });
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      lines.forEach(onLine);
    });
    child.stdin.on('error', () => {}); // it ended before it had read all: the exit code says why
    child.stdin.end(input);
    child.on('error', (error) => reject(new CommandError(`${program} cannot be started: ${error.message}`)));
    child.on('close', (code) => resolve(code ?? 1));
  });
}
