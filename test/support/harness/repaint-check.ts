/** Compares what a late page shows (a repaint and the rest of the output) with what one shows that has seen everything. */
import { Buffer } from 'node:buffer';
import { C1Filter } from '../../../agent/terminal/c1.ts';
import { Screen } from '../../../agent/terminal/screen.ts';
import { seeded } from '../fakes/seeded.ts';
import { cannotBeDrawn, drawOutput, stateValue } from './terminal-output.ts';

export const write = (to: Screen, data: Uint8Array): Promise<void> =>
  new Promise((resolve) => to.write(Buffer.from(data), resolve));

export interface Difference {
  seed: number;
  cut: number;
  output: string;
  /** What differs, by name, with the first pair of values. */
  what: string;
}

type State = Record<string, unknown>;

/** A link whose address one of the two emulators has forgotten is compared by its underline only. */
function withoutLinks(state: State): State {
  return JSON.parse(JSON.stringify(state).replaceAll(/ https:[^ "]*#\d+/g, ' '));
}

/** Names of what differs between two states, each with both values; '' for none. */
function differences(whole: State, late: State): string {
  const hasDead = whole.deadLinks || late.deadLinks;
  const [a, b] = hasDead ? [withoutLinks(whole), withoutLinks(late)] : [whole, late];
  const found: string[] = [];
  for (const name of Object.keys(a)) {
    const [left, right] = [a[name], b[name]];
    if (name === 'deadLinks' || JSON.stringify(left) === JSON.stringify(right)) continue;
    if (Array.isArray(left) && Array.isArray(right) && (name === 'normal' || name === 'alternate')) {
      const at = left.findIndex((line, i) => line !== right[i]);
      found.push(`${name} (${left.length}, ${right.length} lines) line ${at}:\n  ${left[at]}\n  ${right[at]}`);
    } else found.push(`${name}: ${JSON.stringify(left)} / ${JSON.stringify(right)}`);
  }
  return found.join('\n');
}

/**
 * Checks one output at `splits` places (or at every byte, when there are fewer), or at these places. Returns the first
 * difference.
 */
export async function checkRepaints(
  seed: number,
  splits: number | number[],
  input?: Buffer,
  size?: [number, number],
): Promise<Difference | null> {
  const random = seeded(seed);
  const [cols, rows] = size ?? [4 + Math.floor(random() * 20), 2 + Math.floor(random() * 7)];
  const output = new C1Filter().filter(input ?? drawOutput(random, cols, rows));
  const open = () => new Screen(cols, rows, () => {});
  const screen = open();
  await write(screen, output);
  const whole = stateValue(screen);
  screen.dispose();
  for (const cut of Array.isArray(splits) ? splits : places(random, splits, output.length)) {
    const what = await differenceAt(open, whole, output, cut);
    if (what) return { seed, cut, output: JSON.stringify(output.toString()), what };
  }
  return null;
}

function places(random: () => number, count: number, length: number): number[] {
  if (length < count) return Array.from({ length: length + 1 }, (_, at) => at);
  return Array.from({ length: count }, () => Math.floor(random() * (length + 1)));
}

/** Splits that were compared, and those in states that agent/terminal/repaint.ts lists as out of reach. */
export const checked = { count: 0 };
export const skipped = { count: 0 };

async function differenceAt(open: () => Screen, whole: State, output: Buffer, cut: number): Promise<string> {
  const [first, late] = [open(), open()];
  try {
    await write(first, output.subarray(0, cut));
    if (cannotBeDrawn(first)) {
      skipped.count++;
      return '';
    }
    checked.count++;
    const { offset, bytes } = await first.repaint();
    // The page may have shown anything before, even half a sequence.
    await write(late, Buffer.from('\x1b[?25l\x1b(0\x1b[41mold\x1b]0;half'));
    await write(late, bytes);
    await write(late, output.subarray(offset));
    return differences(whole, stateValue(late));
  } finally {
    first.dispose();
    late.dispose();
  }
}
