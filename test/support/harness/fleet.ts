/** Several machines at one relay: each an agent process with a data folder and a folder of work of its own, and a name. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { endHolders } from '../../../agent/process/holder/end.ts';
import type { AgentInfo } from '../../../core/api/agents.ts';
import type { MachineEntry } from '../../../core/api/machines.ts';
import { freePort, plainEnv, type Product, type Program, ROOT, startProduct, startProgram, until } from './product.ts';

export interface FleetMachine {
  readonly name: string;
  readonly id: string;
  /** Where its agents work. */
  readonly directory: string;
  readonly program: Program;
  /** Starts it again, with its data. */
  start(): void;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** An agent that asks for a permission. */
  ask(name: string): Promise<AgentInfo>;
  agent(id: string): Promise<AgentInfo>;
}

export interface TestFleet {
  readonly product: Product;
  readonly machines: readonly FleetMachine[];
  list(): Promise<MachineEntry[]>;
  close(): Promise<void>;
}

export interface FleetOptions {
  /** Settings of a machine; the demo's CLI when not given. */
  env?: (name: string) => Record<string, string>;
  /** The address that a machine dials, when it is not the relay's own. */
  relayUrl?: (name: string, relayPort: number) => string;
  /** Command and arguments with which a machine's program is started where it is to run. */
  inside?: (name: string, command: string, args: string[]) => [string, string[]];
  relayEnv?: Record<string, string>;
}

const DEMO = { CLAUDE_BIN: join(ROOT, 'scripts/demo/demo-claude.ts') };

/** Starts the relay and a machine for each name, and waits until all of them are connected. */
export async function startFleet(names: readonly string[], options: FleetOptions = {}): Promise<TestFleet> {
  const { env: envOf = () => DEMO, relayUrl = (_name, port) => `ws://127.0.0.1:${port}/tunnel` } = options;
  const { inside = (_name, command, args) => [command, args], relayEnv = {} } = options;
  const product = await startProduct({ withAgent: false, relayEnv });
  const programs: Program[] = [];
  const dataDirs: string[] = [];
  const list = async () => await (await product.fetch('/api/relay/machines')).json() as MachineEntry[];
  const close = async () => {
    for (const program of programs) await program.kill('SIGKILL');
    for (const dataDir of dataDirs) await endHolders(dataDir);
    await product.close();
  };
  try {
    const machines: FleetMachine[] = [];
    for (const name of names) {
      const dataDir = machines.length ? join(product.directory, `data-${name}`) : product.dataDir;
      dataDirs.push(dataDir);
      const relay = { RELAY_URL: relayUrl(name, product.relayPort), RELAY_TOKEN: product.token };
      const env = plainEnv({ ...envOf(name), ...relay, PORT: String(await freePort()), DATA_DIR: dataDir });
      const start = () => {
        const agent = ['--import', 'tsx', join(ROOT, 'agent/main.ts')];
        const program = startProgram(...inside(name, process.execPath, agent), env);
        programs.push(program);
        return program;
      };
      let program = start();
      const isThere = async () => (await list()).length > machines.length || null;
      await until(() => `${name} at the relay; it printed:\n${program.output()}`, isThere, 60_000);
      const running = { current: () => program, again: () => program = start() };
      machines.push(await machineOf(product, name, dataDir, running));
    }
    return { product, machines, list, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Its id, once the relay has answered to it. */
function knownId(dataDir: string): string | null {
  const file = join(dataDir, 'machine.json');
  const identity = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as { id: string; isKnown: boolean } : null;
  return identity?.isKnown ? identity.id : null;
}

async function machineOf(
  product: Product,
  name: string,
  dataDir: string,
  running: { current(): Program; again(): unknown },
): Promise<FleetMachine> {
  const id = await until(`the id of ${name}`, () => knownId(dataDir));
  const directory = join(product.directory, `work-${name}`);
  mkdirSync(directory);
  const renamed = await product.fetch(`/api/relay/machines/${id}`, { method: 'PUT', body: JSON.stringify({ name }) });
  if (!renamed.ok) throw new Error(await renamed.text());
  const machine: FleetMachine = {
    name,
    id,
    directory,
    get program() {
      return running.current();
    },
    start: () => void running.again(),
    fetch: (path, init) => product.fetch(`/m/${id}${path}`, init),
    async ask(agentName) {
      const body = { name: agentName, directory, prompt: `for ${agentName}`, flags: { worktree: false } };
      const answer = await machine.fetch('/api/agents', { method: 'POST', body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(await answer.text());
      const agent = await answer.json() as AgentInfo;
      const asks = async () => (await machine.agent(agent.id)).pending.length > 0;
      await until(`a request of ${agentName}`, asks, 40_000);
      return agent;
    },
    agent: async (agentId) => await (await machine.fetch(`/api/agents/${agentId}`)).json() as AgentInfo,
  };
  return machine;
}
