import type { ToolInfo } from '../../core/api/settings.ts';
import { absentTool, versionOf } from '../provider/tool-status.ts';
import { openCliStatus } from './opencli.ts';

/** How long an answer is reused, ms: a new one starts several programs. */
const FRESH_MS = 60_000;

export interface ToolsOptions {
  dataDir: string;
  now: () => number;
  /** The CLIs with drivers of their own. Never rejects. */
  own: () => Promise<ToolInfo>[];
}

export class Tools {
  readonly #options: ToolsOptions;
  #last: Promise<ToolInfo[]> | null = null;
  #at = 0;

  constructor(options: ToolsOptions) {
    this.#options = options;
  }

  /** The programs that agents need. `fresh`: ask them again although the last answer is recent. */
  list(fresh = false): Promise<ToolInfo[]> {
    const { dataDir, now, own } = this.#options;
    if (!this.#last || fresh || now() - this.#at > FRESH_MS) {
      this.#at = now();
      this.#last = Promise.all([...own(), git(), openCliStatus(dataDir)]);
    }
    return this.#last;
  }

  forget(): void {
    this.#last = null;
  }
}

async function git(): Promise<ToolInfo> {
  const version = await versionOf('git');
  if (!version) return absentTool('git', 'Install git: without it agents work in the folder itself.');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < 2 || (major === 2 && minor < 38);
  const text = isOld ? 'Version 2.38 or newer finds conflicts before a merge touches any file.' : '';
  return { name: 'git', installed: true, version, loggedIn: null, text };
}
