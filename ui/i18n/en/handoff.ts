/** Sentences of sessions that run in a terminal of the machine. */
export const handoff = {
  handoff: {
    title: 'At the desk',
    open: 'Read along',
    untitled: 'Unnamed session',
    status: { idle: 'Ready', busy: 'Working', waiting: 'Needs you' },
    waitsFor: (what: string) => `Waits at the desk: ${what}`,
    waits: { 'permission prompt': 'a permission', 'input needed': 'an answer' } as Record<string, string>,
    background: 'In the background',
    isHere: 'In a terminal of this dashboard',
    others: (n: number) =>
      n === 1
        ? 'Another program has the same session open: each loses what the other says.'
        : `${n} other programs have the same session open: each loses what the others say.`,
    readOnly: 'Read-only: this session runs in a terminal.',
    readOnlyBackground: 'Read-only: this session runs in the background. To open it in a terminal, type:',
    since: 'Since',
    gone: 'This session has ended',
    goneText: 'It no longer runs in a terminal. Continue it from the list of sessions.',
    sessions: 'Sessions',
    empty: 'Nothing was said yet',
  },
};
