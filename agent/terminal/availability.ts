/** Whether this machine can open terminals, and how to make it able to. */
import process from 'node:process';

export interface Availability {
  available: boolean;
  /** For people: why not, and how to mend it; empty when terminals are available. */
  text: string;
}

export const SWITCHED_OFF: Availability = {
  available: false,
  text: 'Terminals are switched off on this machine (TERMINAL=off). Start the agent server without it to use them.',
};

/** Looks whether terminals can be opened. `load` imports node-pty, which is optional: it may be missing or not built. */
export async function probePty(load: () => Promise<unknown> = () => import('node-pty')): Promise<Availability> {
  if (process.platform === 'win32') {
    return { available: false, text: 'Terminals need Linux or macOS on the agent machine.' };
  }
  try {
    await load();
    return { available: true, text: '' };
  } catch (error) {
    return { available: false, text: explain(error) };
  }
}

function explain(error: unknown): string {
  const { code, message = '' } = error as { code?: string; message?: string };
  const isMissing = /MODULE_NOT_FOUND/.test(code ?? '') && !/pty\.node|native module/.test(message);
  const why = isMissing
    ? 'the optional package node-pty is not installed'
    : `the package node-pty does not load (${message.split('\n')[0]!.slice(0, 200)})`;
  return `There are no terminals on this machine because ${why}. To get them: install python3, make and a C++ compiler ` +
    '(Debian: apt-get install python3 make g++; macOS: xcode-select --install), then run `npm install node-pty` in the ' +
    'folder of Agent Monitor and start the agent server again. Everything else works without them.';
}
