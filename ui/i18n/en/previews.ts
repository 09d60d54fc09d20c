/** Sentences of previews of what an agent serves. */
export const previews = {
  previews: {
    title: 'Preview',
    label: 'What this agent serves',
    port: (port: number) => `localhost:${port}`,
    chip: (port: number, open: boolean) => `Preview of localhost:${port}${open ? ', open' : ''}`,
    other: 'Another port',
    text:
      'A preview shows a page that runs on this machine, at an address of its own. Only whoever opens it here can see it.',
    none: 'No program of this agent listens on a port right now.',
    open: 'Open preview',
    openAgain: 'Show',
    close: 'Close',
    closeLabel: (port: number) => `Close the preview of localhost:${port}`,
    openLabel: (port: number) => `Open the preview of localhost:${port}`,
    until: (time: string) => `Open until ${time}`,
    program: (name: string) => `by ${name}`,
    enter: 'Port',
    enterHint: 'The number behind “localhost:” in what the program printed.',
    wrong: 'Enter a number from 1 to 65535.',
    ready: 'The browser opened no new tab. The page is ready for a minute:',
    show: 'Show the page',
    closed: 'Preview closed.',
  },
};
