/** Which secrets the environment holds: what every agent and terminal inherits, and what they can read of their server's process. */
import { readFileSync } from 'node:fs';
import { cleanEnvironment, type Environment } from '../../agent/process/environment.ts';
import { lockHolder } from '../../agent/store/lock.ts';
import { type Finding, ok, warning } from './finding.ts';

/** Settings of the server that are secrets. Agents do not inherit them, but any program of this user can read them. */
const OWN =
  /^(RELAY_TOKEN|DASHBOARD_PASSWORD|SMTP_PASS|TWILIO_AUTH_TOKEN|TELEGRAM_BOT_TOKEN|NTFY_TOKEN|SLACK_WEBHOOK_URL|WEBHOOK_SECRET)$/;
/** Names as secrets are given them. */
const SECRET =
  /(^|_|PG)(TOKEN|SECRET|SECRETS|AUTH|PASSWORD|PASSWD|PASSPHRASE|PAT|API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY|CREDENTIALS)$/;
/** A password within an address. */
const URL_SECRET = /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i;
/** What the coding agents themselves log in with. */
const AGENT_LOGIN =
  /^(ANTHROPIC|OPENAI|GEMINI|GOOGLE|CODEX|CLAUDE_CODE|OPENROUTER|MISTRAL|DEEPSEEK|GROQ|XAI|MOONSHOT|DASHSCOPE|KIMI)_/;
const MAX_NAMED = 8;

/** @param env of whatever starts the server: of the running one, or of this shell when none runs */
export function checkSecrets(env: Environment, isRunning: boolean, file: string): Finding[] {
  const whose = isRunning ? "the server's environment" : 'the environment that a server would be started with';
  const own = Object.keys(env).filter((name) => OWN.test(name) && env[name]);
  const inherited = Object.entries(cleanEnvironment(env)).filter(isSecret).map(([name]) => name);
  const found: Finding[] = [];
  if (own.length) {
    const text = `${listed(own)} in ${whose}: every agent can read it there (/proc/<pid>/environ).`;
    found.push(warning('secrets', text, `Move it to ${file}, and start the server without it.`));
  }
  if (inherited.length) {
    const text = `${listed(inherited)} in ${whose}: agents and terminals inherit it.`;
    found.push(warning('secrets', text, 'Start the server from a shell without what agents must not have.'));
  }
  return found.length ? found : [ok('secrets', `none that agents would inherit is in ${whose}`)];
}

const isSecret = ([name, value]: [string, string]): boolean =>
  value !== '' && !AGENT_LOGIN.test(name) && (SECRET.test(name.toUpperCase()) || URL_SECRET.test(value));

function listed(names: string[]): string {
  const more = names.length - MAX_NAMED;
  return more > 0 ? `${names.slice(0, MAX_NAMED).join(', ')} and ${more} more` : names.join(', ');
}

/** What the server of this data directory was started with; null: none runs, or it cannot be read. */
export function serverEnvironment(dataDir: string): Environment | null {
  try {
    const holder = lockHolder(dataDir);
    if (!holder) return null;
    const entries = readFileSync(`/proc/${holder.pid}/environ`, 'utf8').split('\0').filter((entry) =>
      entry.includes('=')
    );
    return Object.fromEntries(
      entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    );
  } catch {
    return null;
  }
}
