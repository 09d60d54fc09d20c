/**
 * uvu with a limit on the time of each test and each hook. uvu alone waits for ever, so a test that hangs would only be seen when
 * its whole file is killed, without its name. Given for `uvu` by loader.mjs under Node and by deno.json under Deno.
 */
import process from 'node:process';
import * as uvu from '../../node_modules/uvu/dist/index.mjs';

/** Milliseconds that a test or a hook may take; the runner sets it by suite. */
const LIMIT_MS = Number(process.env.TEST_LIMIT_MS) || 60_000;
/** Milliseconds after the last test until a file that does not end by itself is ended; shorter when a test has failed. */
const OPEN_MS = 5_000;
const OPEN_AFTER_FAILURE_MS = 500;
// A test may replace the global ones by a fake clock's.
const { setTimeout, clearTimeout } = globalThis;

let openTimer;
let hasFailed = false;

/** Runs `body` and rejects when it is not finished in time. What it has begun is not stopped: `endFile` does that. */
async function limited(name, body, context) {
  clearTimeout(openTimer);
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      console.error(`\nHANGS: "${name}" was not finished after ${LIMIT_MS / 1000} s`);
      reject(new Error(`not finished after ${LIMIT_MS / 1000} s`));
    }, LIMIT_MS);
  });
  try {
    await Promise.race([body(context), late]);
  } catch (error) {
    hasFailed = true;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** After the last test: ends a file that something keeps alive, says what, and makes it a failure. */
function endFile() {
  clearTimeout(openTimer);
  const ms = hasFailed ? OPEN_AFTER_FAILURE_MS : OPEN_MS;
  openTimer = setTimeout(() => {
    const open = process.getActiveResourcesInfo?.() ?? [];
    const counts = [...new Set(open)].map((kind) => `${open.filter((other) => other === kind).length} ${kind}`);
    console.error(`\nLEFT OPEN ${ms / 1000} s after the last test: ${counts.join(', ') || 'unknown'}`);
    process.exit(1);
  }, ms);
  // A file with nothing else open ends at once.
  if (typeof openTimer === 'number') globalThis.Deno.unrefTimer(openTimer);
  else openTimer.unref();
}

function withLimit(inner) {
  const hook = (name, add) => (body) => add((context) => limited(name, body, context));
  const into = (add) => (name, body) => add(name, (context) => limited(name, body, context));
  return Object.assign(into(inner), {
    only: into(inner.only),
    skip: inner.skip,
    before: Object.assign(hook('before', inner.before), { each: hook('before each', inner.before.each) }),
    after: Object.assign(hook('after', inner.after), { each: hook('after each', inner.after.each) }),
    run() {
      inner.after(endFile);
      inner.run();
    },
  });
}

export const suite = (name, state) => withLimit(uvu.suite(name, state));
export const test = suite();
export const exec = uvu.exec;
