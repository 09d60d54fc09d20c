import { CLAUDE_TOOL } from './claude.ts';
import { CODEX_TOOL } from './codex.ts';
import { NPM } from './npm.ts';
import type { Starter } from './starter.ts';

/** All programs that are known to start this server and to add variables for their own children. */
export const STARTERS: readonly Starter[] = [NPM, CLAUDE_TOOL, CODEX_TOOL];
