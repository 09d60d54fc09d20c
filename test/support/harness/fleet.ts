/** Several machines at one relay: each an agent process with a data folder and a folder of work of its own, and a name. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { AgentInfo } from '../../../core/api/agents.ts';
import type { MachineEntry } from '../../../core/api/machines.ts';
import { freePort, plainEnv, type Product, type Program, ROOT, startProduct, startProgram, until } from './product.ts';

export interface FleetMachine {
  readonly name: string;
  readonly id: string;
  /** Where its agents work. */
  readonly directory: string;
  program: Program;
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
}

const DEMO = { CLAUDE_BIN: join(ROOT, 'scripts/demo/demo-claude.ts') };

/** Starts the relay and a machine for each name, and waits until all of them are connected. */
export async function startFleet(names: readonly string[], options: FleetOptions = {}): Promise<TestFleet> {
  const { env: envOf = () => DEMO, relayUrl = (_name, port) => `ws://127.0.0.1:${port}/tunnel` } = options;
  const first = names[0]!;
  const product = await startProduct({ agentEnv: envOf(first), relayUrl: (port) => relayUrl(first, port) });
  const programs: Program[] = [];
  const list = async () => await (await product.fetch('/api/relay/machines')).json() as MachineEntry[];
  try {
    const machines = [await machineOf(product, first, product.dataDir, () => product.startAgent())];
    for (const name of names.slice(1)) {
      const [port, dataDir] = [String(await freePort()), join(product.directory, `data-${name}`)];
      const relay = { RELAY_URL: relayUrl(name, product.relayPort), RELAY_TOKEN: product.token };
      const env = plainEnv({ ...envOf(name), ...relay, PORT: port, DATA_DIR: dataDir });
      const start = () => {
        const program = startProgram(process.execPath, ['--import', 'tsx', join(ROOT, 'agent/main.ts')], env);
        programs.push(program);
        return program;
      };
      let program = start();
      const before = machines.length;
      await until(`${name} at the relay`, async () => (await list()).length > before || null, 60_000);
      const machine = await machineOf(product, name, dataDir, () => program = start());
      Object.defineProperty(machine, 'program', { get: () => program });
      machines.push(machine);
    }
    return {
      product,
      machines,
      list,
      async close() {
        for (const program of programs) await program.kill('SIGKILL');
        await product.close();
      },
    };
  } catch (error) {
    for (const program of programs) await program.kill('SIGKILL');
    await product.close();
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
  start: () => unknown,
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
    program: product.agent!,
    start: () => void start(),
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
