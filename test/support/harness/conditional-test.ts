/** Tests that need what not every machine has: where it is missing they are counted as skipped, with the reason, never as passed. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { test } from 'uvu';

type Test = (name: string, body: () => void | Promise<void>) => void;

/** @param missing why the test cannot run here; empty: it can */
export function testUnless(missing: string): Test {
  return (name, body) => {
    if (!missing) return test(name, body);
    console.log(`skipped, as ${missing}: ${name}`);
    test.skip(name, body);
  };
}

export const hasProgram = (name: string): boolean => spawnSync(name, ['--version']).status === 0;

/** Where the permissions of files keep nobody out there is nothing to be seen. */
export const testAsUser: Test = testUnless(process.getuid?.() === 0 ? 'root may write anywhere' : '');
