/**
 * The server is killed right before each thing that it does to the disk, and each program that it starts, in the life of an agent:
 * create, decision, message, commit, merge, delete. The next start has all that was acknowledged, nothing twice, and nothing that
 * belongs to nobody. CRASH_POINTS=0 takes every point (minutes), else so many of them.
 */
import { buildSync } from 'esbuild';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import { type Bench, startBench } from '../support/harness/agent-server.ts';
import { makeRepository, runGit, temporaryDirectory } from '../support/harness/git.ts';

const POINTS = Number(process.env.CRASH_POINTS ?? 6);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const harness = (name: string) => join(ROOT, 'test/support/harness', name);

type Outcome = Record<string, string>;

const { path: directory, remove } = temporaryDirectory();
const SCENARIO = join(ROOT, `dist/crash-scenario-${process.pid}.mjs`);
test.before(() => {
  const entryPoints = [harness('crash-scenario.ts')];
  const options = { bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile: SCENARIO } as const;
  // A bundle has one URL: the fake CLI is found from the project's root.
  buildSync({ entryPoints, ...options, define: { 'import.meta.url': JSON.stringify(`file://${harness('x.ts')}`) } });
});
test.after(() => {
  remove();
  spawn('rm', ['-f', SCENARIO]);
});

let runs = 0;

/** Runs the scenario on a new repository until it is killed at this point; 0: to its end. */
function life(crashAt: number): Promise<{ outcome: Outcome; project: string; dataDir: string }> {
  const project = makeRepository(join(directory, `project-${++runs}`));
  const dataDir = join(directory, `data-${runs}`);
  return new Promise((resolve, reject) => {
    const args = ['--import', harness('crash-preload.mjs'), SCENARIO, dataDir, project];
    const child = spawn(process.execPath, args, { env: { ...process.env, CRASH_AT: String(crashAt) } });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk) => output += chunk);
    child.stderr.on('data', (chunk) => errors += chunk);
    child.on('close', (code, signal) => {
      if (signal !== 'SIGKILL' && code !== 0) return reject(new Error(`point ${crashAt}: ${code}\n${errors}`));
      const lines = output.split('\n').filter(Boolean).map((line) => JSON.parse(line));
      resolve({ outcome: Object.fromEntries(lines.map(({ what, value }) => [what, value])), project, dataDir });
    });
  });
}

async function lookAfter(point: number): Promise<void> {
  const { outcome, project, dataDir } = await life(point);
  const bench = await startBench({ DATA_DIR: dataDir });
  try {
    const label = `killed before step ${point}, after ${Object.keys(outcome).at(-1) ?? 'nothing'}`;
    const agents = (await bench.call('GET', '/api/agents')).body as AgentInfo[];
    assert.ok(agents.length <= 1, `${label}: ${agents.length} agents`);
    if (outcome.delete) assert.equal(agents, [], label);
    else if (outcome.create) assert.is(agents[0]?.id, outcome.create, label);
    if (agents[0]) await lookAtMessages(bench, agents[0], outcome, label);
    if (outcome.commit && !outcome.delete) {
      assert.ok(runGit(project, 'cat-file', '-t', outcome.commit) === 'commit', `${label}: the commit`);
    }
    if (outcome.merge) assert.is(runGit(project, 'log', '-1', '--format=%s', 'main'), 'Done', label);
    const left = await afterDeletion(bench, agents, outcome, label);
    // A CLI that was at work goes on: nothing of it is left when it is stopped.
    await bench.call('POST', '/api/agents/actions/stop-all');
    for (let i = 0; i < 100 && programsOf(dataDir).length; i++) await pause(50);
    await settled(dataDir);
    lookForOrphans(project, dataDir, left, label);
  } finally {
    await bench.close();
  }
}

/** A deletion that was cut off is asked for again, and does the rest. @returns the agents that are there then */
async function afterDeletion(
  bench: Bench,
  agents: AgentInfo[],
  outcome: Outcome,
  label: string,
): Promise<AgentInfo[]> {
  if (!outcome.merge || outcome.delete || !agents[0]) return agents;
  const { status, body } = await bench.call('DELETE', `/api/agents/${agents[0].id}`);
  assert.is(status, 200, `${label}: deleted again: ${JSON.stringify(body)}`);
  return [];
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The server itself may be writing: what it began is over in a moment. */
async function settled(dataDir: string): Promise<void> {
  for (let i = 0; i < 40 && temporaryFiles(dataDir).length; i++) {
    await pause(50);
  }
}

const temporaryFiles = (dataDir: string) =>
  readdirSync(dataDir, { recursive: true }).map(String).filter((name) => name.endsWith('.tmp'));

async function lookAtMessages(bench: Bench, { id }: AgentInfo, outcome: Outcome, label: string): Promise<void> {
  const messages = await bench.messages(id);
  const users = messages.flatMap((message) => message.kind === 'user' ? [message] : []);
  assert.is(users.filter(({ text }) => text.startsWith('bash')).length, 1, `${label}: the prompt is there once`);
  const hello = users.filter(({ text }) => text === 'hello').length;
  assert.ok(outcome.message ? hello === 1 : hello <= 1, `${label}: ${hello} messages`);
  if (outcome.decision) {
    const request = messages.find((message) => message.id === outcome.decision);
    assert.ok(request?.kind === 'request' && request.decision?.decision === 'allow', `${label}: the decision`);
  }
  assert.equal(messages.map(({ seq }) => seq), messages.map((_, i) => i + 1), label);
}

function lookForOrphans(project: string, dataDir: string, agents: AgentInfo[], label: string): void {
  const ours = agents.flatMap(({ worktree }) => worktree ? [worktree] : []);
  const trees = join(project, '.agent-worktrees');
  const there = existsSync(trees) ? readdirSync(trees).filter((name) => name !== '.gitignore') : [];
  assert.equal(there, ours.map(({ path }) => path.split('/').at(-1)), `${label}: worktrees`);
  const branches = runGit(project, 'for-each-ref', '--format=%(refname:short)', 'refs/heads').split('\n');
  assert.equal(branches.filter((name) => name !== 'main'), ours.map(({ branch }) => branch), `${label}: branches`);
  assert.equal(temporaryFiles(dataDir), [], `${label}: temporary files`);
  const directories = existsSync(join(dataDir, 'agents')) ? readdirSync(join(dataDir, 'agents')) : [];
  assert.equal(directories, agents.map(({ id }) => id), `${label}: directories of agents`);
  assert.equal(programsOf(dataDir), [], `${label}: processes`);
}

/** Command lines of programs that have the data directory's mark in their environment. */
function programsOf(dataDir: string): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).flatMap((pid) => {
    try {
      const isOurs = readFileSync(`/proc/${pid}/environ`, 'latin1').includes(dataDir);
      return isOurs ? [readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')] : [];
    } catch {
      return [];
    }
  });
}

test('killed before each step: what was acknowledged is there, once, and nothing is left over', async () => {
  const { outcome } = await life(0);
  const steps = Number(outcome.steps);
  assert.ok(steps > 20, `${steps} steps`);
  const count = POINTS || steps;
  // Spread over all of them, each run with others.
  const shift = POINTS ? Math.floor(Math.random() * (steps / count)) : 0;
  for (let i = 0; i < count; i++) await lookAfter(1 + Math.floor(i * steps / count) + shift);
  console.log(`${count} of ${steps} points`);
});

test.run();
