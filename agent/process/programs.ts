/** Which settings of this server name the programs that have drivers of their own, and where the programs keep their things. */

/** By the provider: the setting that names its program, and the setting of its own directory where there is one. */
export const PROGRAM_SETTINGS = {
  claude: { program: 'CLAUDE_BIN', directory: 'CLAUDE_CONFIG_DIR' },
  codex: { program: 'CODEX_BIN', directory: null },
} as const;

export type OwnProgram = keyof typeof PROGRAM_SETTINGS;

/** Where agents look for skills, below the home directory. */
export const SKILL_DIRECTORIES = ['.claude/skills', '.agents/skills'];
