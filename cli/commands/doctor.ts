/** `agent-monitor doctor`: looks at everything that must work, and says what to do where it does not. */
import { type Config, readConfig } from '../../agent/config.ts';
import { type Command, type CommandContext, printJson } from '../command.ts';
import { failed, type Finding, ok, type Verdict } from '../doctor/finding.ts';
import * as machine from '../doctor/machine.ts';
import * as network from '../doctor/network.ts';
import { checkSecrets, serverEnvironment } from '../doctor/secrets.ts';
import { EXIT } from '../exit-codes.ts';
import { programEnv, settingsFile } from '../home.ts';
import { localHealth } from '../local-health.ts';

export const command: Command = {
  name: 'doctor',
  summary: 'check what must work, and say what to do where it does not',
  usage: `doctor

Looks at Node, git, the CLIs and their logins, terminals, port, disk, secrets in the environment, relay, certificate, clock and
push. Exit code 1 when something that is needed does not work. --json: {"findings": [{"name", "verdict": "ok" | "warning" | "failed", "text", "mend"}]}.`,
  options: {},
  run,
};

async function run(context: CommandContext): Promise<number> {
  const findings = await examine(context);
  if (context.json) printJson(context, { findings });
  else context.stdout.write(`${findings.map(lineOf).join('\n')}\n`);
  return findings.some(({ verdict }) => verdict === 'failed') ? EXIT.failed : EXIT.ok;
}

const MARKS: Record<Verdict, string> = { ok: 'ok      ', warning: 'warning ', failed: 'FAILED  ' };

const lineOf = ({ name, verdict, text, mend }: Finding): string =>
  `${MARKS[verdict]} ${name.padEnd(12)} ${text}${mend ? `\n${' '.repeat(22)}→ ${mend}` : ''}`;

async function examine({ env }: CommandContext): Promise<Finding[]> {
  let config: Config;
  try {
    config = readConfig(programEnv(env));
  } catch (error) {
    const problem = failed('settings', (error as Error).message, `They are in ${settingsFile(env)}.`);
    return [machine.checkNode(), await machine.checkGit(), problem];
  }
  const local = await localHealth(env).catch(() => null);
  const [git, terminals, port, relay, ...clis] = await Promise.all([
    machine.checkGit(),
    machine.checkTerminals(config),
    network.checkPort(config, local),
    checkRelay(config, local),
    ...machine.clisOf(config).map(machine.checkCli),
  ]);
  return [
    machine.checkNode(),
    git,
    ...machine.checkAnyCli(clis),
    terminals,
    machine.checkData(config),
    machine.checkDisk(config),
    port,
    ...checkSecretsOf(config, env),
    ...relay,
    ...(local?.warnings ?? []).map(({ code, text }): Finding => ({ name: code, verdict: 'warning', text, mend: '' })),
  ];
}

function checkSecretsOf({ dataDir }: Config, env: CommandContext['env']): Finding[] {
  const running = serverEnvironment(dataDir);
  return checkSecrets(running ?? env, running !== null, settingsFile(env));
}

async function checkRelay(config: Config, local: Awaited<ReturnType<typeof localHealth>>): Promise<Finding[]> {
  if (!config.relay) {
    return [ok('relay', 'none is set: the dashboard is on this machine only (agent-monitor deploy, or setup)')];
  }
  const answer = await network.askRelay(config.relay).catch((error: Error) => error);
  return network.checkRelay(config.relay, answer, local);
}
