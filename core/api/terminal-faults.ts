/**
 * Output on which the terminal emulator (xterm.js 6.0) throws, and what it should have done. It is the same on the agent's machine and in
 * the page, and an exception there would end the terminal: so both ask for this.
 */

/** The part of the emulator that is used, by its public names and by one of its own. */
interface Emulator {
  rows: number;
  cols: number;
  buffer: { active: { cursorX: number; cursorY: number; length: number } };
  parser: {
    registerCsiHandler(
      id: { prefix?: string; final: string },
      run: (params: (number | number[])[]) => boolean,
    ): unknown;
  };
}

interface Inside {
  _core: { _inputHandler: { eraseInDisplay(params: { params: number[] }, respectProtect: boolean): boolean } };
}

/**
 * ED 1 (CSI 1 J) with the cursor in the last cell of the last line looks at a line that does not exist. There it erases all of the screen, which
 * ED 2 does, too.
 */
export function mendEmulator(terminal: Emulator): void {
  for (const prefix of [undefined, '?']) {
    terminal.parser.registerCsiHandler({ ...prefix && { prefix }, final: 'J' }, ([what]) => {
      const { cursorX, cursorY, length } = terminal.buffer.active;
      if (what !== 1 || cursorX < terminal.cols - 1 || cursorY + 1 < length) return false;
      return (terminal as unknown as Inside)._core._inputHandler.eraseInDisplay({ params: [2] }, prefix !== undefined);
    });
  }
}
