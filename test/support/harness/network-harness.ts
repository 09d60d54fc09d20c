/** Relay and machine as real processes, with a line between two network namespaces that can be pulled out. Needs root. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createNamespace, type Namespace } from '../network/netns.ts';
import { freePort, plainEnv, type Program, ROOT, startProgram } from './product.ts';
import { until } from './tunnel-pair.ts';

const TOKEN = 'JhX5sW2kq8ZrT1yBv7nM4cLd9gPa3fUe6iRo0xQwEtY';
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
export const openFiles = (program: Program): number => readdirSync(`/proc/${program.child.pid}/fd`).length;

export interface NetworkHarness {
  net: Namespace;
  relay: Program;
  /** Serves the benchmark's origin through the tunnel. */
  machine: Program;
  /** The relay's address; nobody has to log in. */
  origin: string;
  connected(): Promise<boolean>;
  /** Waits until the relay says that the tunnel is up. */
  isUp(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** @param name the machine knows the relay by this name, not by its address */
export async function networkHarness(name?: string): Promise<NetworkHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'tunnel-'));
  const net = createNamespace();
  const port = await freePort();
  const env = plainEnv({ RELAY_TOKEN: TOKEN, RELAY_PASSWORD: '', RELAY_PORT: String(port), RELAY_STATE: '' });
  const relay = startProgram(process.execPath, [join(ROOT, 'dist/relay.mjs')], env, directory);
  const origin = `http://127.0.0.1:${port}`;
  await until(() => relay.output().includes('running on port'), 20_000);
  const args = ['--import', 'tsx', join(ROOT, 'scripts/bench/origin.ts'), '--port', '0'];
  if (name) net.hosts(`${net.here} ${name}\n`);
  const url = `ws://${name ?? net.here}:${port}/tunnel`;
  const [command, inside] = net.inside(process.execPath, [...args, '--relay', url, '--token', TOKEN]);
  const machine = startProgram(command, inside, plainEnv(), ROOT);
  const lab: NetworkHarness = {
    net,
    relay,
    machine,
    origin,
    connected: async () =>
      ((await (await fetch(`${origin}/api/relay/status`)).json()) as { tunnelConnected: boolean }).tunnelConnected,
    async isUp(ms) {
      const end = Date.now() + ms;
      while (!(await lab.connected())) {
        if (Date.now() > end) throw new Error(`not up in ${ms} ms\n${machine.output()}`);
        await pause(100);
      }
    },
    async close() {
      await machine.kill();
      await relay.kill();
      net.close();
      rmSync(directory, { recursive: true });
    },
  };
  try {
    await lab.isUp(20_000);
  } catch (error) {
    await lab.close();
    throw error;
  }
  return lab;
}
