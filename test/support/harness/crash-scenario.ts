/** Run by the crash tests in a process of its own: an agent's life through the API. Prints what was acknowledged, line by line. */
import process from 'node:process';
import { startBench } from './agent-server.ts';

const [dataDir, project] = process.argv.slice(2) as [string, string];
const crash = globalThis as unknown as { crashSteps: () => number; crashArmed: boolean };
const print = (what: string, value: unknown) => process.stdout.write(`${JSON.stringify({ what, value })}\n`);

const bench = await startBench({ DATA_DIR: dataDir });
crash.crashArmed = true;
const call = async (method: string, path: string, body?: unknown) => {
  const result = await bench.call(method, path, body);
  if (result.status >= 400) throw new Error(`${method} ${path}: ${result.status} ${JSON.stringify(result.body)}`);
  return result.body;
};
const prompt = 'bash echo done > done.txt';
const { id } = await call('POST', '/api/agents', {
  directory: project,
  prompt,
  clientId: '00000000-0000-4000-8000-000000000001',
});
print('create', id);
const request = await bench.request(id);
await call('POST', `/api/agents/${id}/permissions/${request.id}`, { decision: 'allow' });
print('decision', request.id);
await bench.until(id, ({ state }) => state === 'idle');
await call('POST', `/api/agents/${id}/message`, { text: 'hello', clientId: '00000000-0000-4000-8000-000000000002' });
print('message', 'message-1');
await bench.until(id, ({ state, usage }) => state === 'idle' && usage.turns === 2);
const { commit } = await call('POST', `/api/agents/${id}/changes/commit`, { message: 'Done' });
print('commit', commit);
await call('POST', `/api/agents/${id}/changes/merge`, {});
print('merge', commit);
await call('DELETE', `/api/agents/${id}`);
print('delete', id);
crash.crashArmed = false;
print('steps', crash.crashSteps());
await bench.close();
process.exit(0);
