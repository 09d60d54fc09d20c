/**
 * How an agent's instructions are called in bodies, in documents and in the address of their route. The first program had a
 * file CLAUDE.md; scripts and data directories know the names.
 */
export const INSTRUCTIONS_FIELD = 'claudeMd';
export const INSTRUCTIONS_PATH = 'claude-md';
