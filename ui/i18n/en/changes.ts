/** Sentences of an agent's changes and instructions. */
export const changes = {
  changes: {
    loading: 'Looking at the changes',
    none: 'No changes yet',
    noneText: 'What the agent changes in its folder appears here, with commit and merge.',
    noRepository: 'Not a git repository',
    into: 'into',
    ahead: (n: number) => (n === 1 ? '1 commit to merge' : `${n} commits to merge`),
    behind: (n: number) => (n === 1 ? 'base is 1 commit ahead' : `base is ${n} commits ahead`),
    files: (n: number) => (n === 1 ? '1 file' : `${n} files`),
    uncommitted: 'not committed',
    placed: 'added at the start',
    binary: 'binary',
    noText: 'No lines to show: it is empty, binary, or only its mode changed.',
    commit: 'Commit',
    commitTitle: (n: number) => (n === 1 ? 'Commit 1 file' : `Commit ${n} files`),
    hunks: (n: number, total: number) => `${n} of ${total} hunks`,
    chooseHunks: (name: string) => `Choose hunks of ${name}`,
    hideHunks: (name: string) => `Hide hunks of ${name}`,
    hunkLines: (from: number, to: number) => (from === to ? `Commit line ${from}` : `Commit lines ${from}–${to}`),
    wholeOnly: 'This file can only be committed as a whole.',
    message: 'Message',
    needMessage: 'Enter a message.',
    committed: 'Committed.',
    merge: (base: string) => `Merge into ${base}`,
    commitFirst: (base: string) => `Commit first: only commits are merged into ${base}.`,
    mergeTitle: (base: string) => `Merge into ${base}?`,
    mergeText: (n: number, base: string) =>
      `${n === 1 ? '1 commit' : `${n} commits`} of the agent ${
        n === 1 ? 'becomes' : 'become'
      } part of ${base}. Conflicts stop it before anything changes.`,
    merged: (base: string, commits: number, files: number) =>
      `Merged into ${base} · ${commits === 1 ? '1 commit' : `${commits} commits`}, ${
        files === 1 ? '1 file' : `${files} files`
      }`,
    mergedText: 'You can delete the agent, or give it more to do.',
    deleteAgent: 'Delete agent',
    conflict: 'Let the agent resolve the conflict',
    /** Said to the agent in the user's name. */
    conflictMessage: (base: string, why: string) =>
      `Merge ${base} into your branch, resolve the conflicts and commit, so that your branch can be merged. ${why}`,
    /** A commit message for files that were changed. */
    suggestion: (names: readonly string[], more: number) =>
      `Update ${names.join(', ')}${more ? ` and ${more} more` : ''}`,
    nothingToMerge: 'Everything is merged already.',
    discardAll: 'Discard uncommitted changes',
    discardFile: 'Discard changes of this file',
    discardTitle: 'Discard changes?',
    discardAllText: (n: number) =>
      `The uncommitted changes of ${n === 1 ? '1 file' : `${n} files`} are deleted. This cannot be undone.`,
    discardFileText: (name: string) => `The uncommitted changes of ${name} are deleted. This cannot be undone.`,
    discard: 'Discard',
    patch: 'Download as a patch',
    refresh: 'Refresh',
    menu: 'More',
    busy: 'The agent is working: a commit made now may be incomplete.',
    truncated: 'More files were changed than are listed here.',
    unmerged: 'Only here so far',
  },
  remote: {
    update: (base: string) => `Update from ${base}`,
    updated: (base: string) => `The branch has everything of ${base} now.`,
    push: 'Push branch',
    pullRequest: 'Open pull request',
    pushing: (branch: string) => `Pushing ${branch}`,
    opening: (branch: string) => `Pushing ${branch} and opening a pull request`,
    pushed: (branch: string, remote: string) => `${branch} was pushed to ${remote}.`,
    opened: (branch: string) => `The pull request of ${branch} is open.`,
    answer: 'Answer of the remote',
    open: 'Show pull request',
    dismiss: 'Dismiss',
    dialogTitle: (base: string) => `Open pull request into ${base}`,
    dialogText: (branch: string) =>
      `Pushes ${branch} with git, then opens the pull request with gh, as you, on the agent’s machine.`,
    looking: 'Looking for where it goes',
    fork: (remote: string, repository: string) => `${remote} is a fork of ${repository}.`,
    pending: (n: number) =>
      n === 1
        ? '1 file is not committed and will not be in it.'
        : `${n} files are not committed and will not be in it.`,
    title: 'Title',
    body: 'Description',
    draft: 'Draft',
    create: 'Open pull request',
    needTitle: 'Enter a title.',
  },
  review: {
    title: 'Comments on lines',
    comment: (line: string) => `Comment on line ${line}`,
    commentOld: (line: string) => `Comment on removed line ${line}`,
    placeholder: 'What should be different here?',
    undo: 'Undo this change',
    undoTitle: 'Undo this change?',
    undoText: (lines: number, file: string) =>
      `${lines === 1 ? '1 line' : `${lines} lines`} of ${file} ${
        lines === 1 ? 'becomes' : 'become'
      } again what the base has. This cannot be undone.`,
    done: 'Done',
    edit: 'Edit',
    remove: 'Remove',
    removeAt: (place: string) => `Remove the comment on ${place}`,
    count: (n: number) => (n === 1 ? '1 comment' : `${n} comments`),
    send: 'Send',
    sendAll: 'Send comments',
    sent: 'The comments are on their way.',
    discard: 'Discard',
    discardTitle: 'Discard all comments?',
    discardText: 'What you wrote on the lines of these changes is deleted.',
    /** Said to the agent in the user's name, like the two below. */
    opening: (n: number) => (n === 1 ? 'A comment on your changes:' : `${n} comments on your changes:`),
    oldLine: (place: string) => `${place} (removed line)`,
  },
  instructions: {
    hint: (file: string) => `${file} in the agent’s folder. The agent reads it when it starts.`,
    none: (file: string) => `There is no ${file} yet. Saving creates it.`,
    saved: 'Saved.',
    changed: 'The file was changed meanwhile, maybe by the agent. Reload it, or overwrite it with yours.',
    reload: 'Reload',
    overwrite: 'Overwrite',
  },
};
