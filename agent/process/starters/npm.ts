import type { Starter } from './starter.ts';

/** Under npm, npx, pnpm and yarn. What a user sets for npm has to be written NPM_CONFIG_…: npm itself never sets that form. */
export const NPM: Starter = {
  sign: /^npm_(lifecycle_event|command|execpath|config_user_agent)$/,
  sets(name, value, env) {
    if (/^npm_/.test(name) || name === 'INIT_CWD' || name === 'COLOR') return true;
    if (name === 'NODE') return value === env.npm_node_execpath;
    return name === 'EDITOR' && (value === 'vi' || value === env.VISUAL || value === env.npm_config_editor);
  },
  path: /[\\/](node_modules[\\/]\.bin|node-gyp-bin)$/,
};
