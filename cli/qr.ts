/** A QR code in a terminal. */
import { encode } from 'uqr';

/** Light modules around the code; cameras find it with two in a terminal, and 80 columns and 24 lines hold it. */
const QUIET = 2;
/** Black on white by colour numbers, because a terminal's own two may be the other way round. */
const PAPER = '\x1b[38;5;16;48;5;231m';
const RESET = '\x1b[0m';
/** Two rows of modules in one line: upper, lower half; dark is drawn. */
const HALVES = [' ', '▄', '▀', '█'];

/** @returns lines of block characters, each with its colours set and reset */
export function qrLines(text: string): string[] {
  const { data, size } = encode(text, { ecc: 'L', border: QUIET });
  const dark = (x: number, y: number) => data[y]?.[x] ? 1 : 0;
  const lines: string[] = [];
  for (let y = 0; y < size; y += 2) {
    let line = '';
    for (let x = 0; x < size; x++) line += HALVES[dark(x, y) * 2 + dark(x, y + 1)];
    lines.push(`${PAPER}${line}${RESET}`);
  }
  return lines;
}
