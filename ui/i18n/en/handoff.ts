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
    since: 'Started',
    openAtDesk:
      'This session is open in a terminal. Messages can be sent here when it has ended there, or was taken over.',
    takeOver: 'Take over',
    take: {
      title: 'Take over',
      explained:
        'The program in the terminal is ended, and the conversation goes on here, in the same folder. It can be given back to a terminal later.',
      atWork:
        'It is at work. Wait until it is ready, or interrupt it: an answer that is being written is lost then, what was done stays.',
      waiting: 'Waiting until it is ready. Leave this open.',
      action: 'Take over',
      wait: 'Wait and take over',
      interrupt: 'Interrupt and take over',
    },
    giveBack: {
      title: 'Give back to a terminal',
      explained:
        'The agent is ended here, and its session goes on in a terminal of the machine. A message continues it here again, when the terminal has left the session.',
      action: 'Give back',
      done: 'To go on in a terminal, type:',
    },
    hooks: {
      title: 'Sessions in terminals',
      intro:
        'What Claude Code asks in a terminal can be answered here too: the first answer counts, and on the other side the request goes away. A hook in its settings brings it here.',
      states: { on: 'On', outdated: 'Outdated', off: 'Off' },
      install: 'Enter the hooks',
      renew: 'Renew the hooks',
      remove: 'Remove the hooks',
      installTitle: 'Answer terminals from here?',
      installText: (file: string) =>
        `Three hooks are added to ${file}; everything else in it stays as it is. Sessions that begin from then on ask here too. Removing the hooks leaves no trace.`,
      own: 'Sessions begun by “agent-monitor claude”',
      choices: { ask: 'Ask once in the terminal', on: 'Ask here too', off: 'Ask in the terminal only' },
    },
    gone: 'This session has ended',
    goneText: 'It no longer runs in a terminal. Continue it from the list of sessions.',
    sessions: 'Sessions',
    empty: 'Nothing was said yet',
  },
};
