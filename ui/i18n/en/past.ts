/** Going back to an earlier message. */
export const past = {
  past: {
    menu: 'Go back to here',
    fork: 'Fork from here…',
    rewind: 'Rewind files to here…',
    forkTitle: 'Fork from here?',
    forkAfter: 'A new agent goes on with a copy of this conversation up to here.',
    forkBefore:
      'A new agent goes on with a copy of this conversation before this message, and you can change the message.',
    forkWorktree: (branch: string) =>
      `It works in a new worktree, which begins with the files of ${branch} as they are now, uncommitted changes too. This agent stays as it is.`,
    forkFolder: (place: string) =>
      `It works in the same folder, ${place}: both agents change the same files. This agent stays as it is.`,
    forkAction: 'Fork',
    rewindTitle: 'Rewind files to this message',
    rewindText: 'These files will be as they were before this message. Files that commands wrote stay as they are.',
    rewindNone: 'The agent has edited no file since this message, or the files are as they were before it.',
    changedSince: 'changed since the agent’s last edit',
    handWork: (n: number) =>
      n === 1
        ? '1 file was changed since the agent’s last edit, by you or by a command: that change is lost too.'
        : `${n} files were changed since the agent’s last edit, by you or by a command: those changes are lost too.`,
    more: (n: number) => `and ${n} more`,
    lines: (more: number, less: number) => `+${more} −${less} lines`,
    rewindAction: (n: number) => (n === 1 ? 'Rewind 1 file' : `Rewind ${n} files`),
    rewound: (n: number) => (n === 1 ? '1 file was rewound.' : `${n} files were rewound.`),
    final: 'This cannot be undone.',
  },
};
