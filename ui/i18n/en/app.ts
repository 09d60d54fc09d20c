/** Sentences of what an installed app is opened for, and of its newer version. */
export const app = {
  answer: {
    title: 'Answer',
    settled: 'This is answered already, or the agent no longer asks.',
    open: 'Open the agent',
  },
  share: {
    title: 'Shared with you',
    what: 'What was shared',
    pictures: (count: number) => (count === 1 ? 'and a file' : `and ${count} files`),
    toWhom: 'Make it a draft for',
    nobody: 'No agent can take a message now.',
    nothing: 'Nothing was shared, or it is a draft already.',
  },
  update: {
    text: 'A newer dashboard is ready.',
    take: 'Load it',
  },
};
