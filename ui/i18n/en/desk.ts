/** Sentences of what a keyboard does. */
export const desk = {
  desk: {
    palette: 'Go to or do',
    paletteHint: 'An agent, a page, an action',
    paletteNone: 'Nothing matches.',
    page: 'Page',
    action: 'Action',
    shortcuts: 'Keyboard shortcuts',
    /** Keys, divided by spaces, and what they do. */
    keys: [
      ['Ctrl K', 'Go to an agent or a page, or do something'],
      ['j k', 'Next and previous agent'],
      ['a d', 'Choose Allow or Deny; press it again to answer'],
      ['Esc', 'Interrupt the agent'],
      ['n', 'New agent'],
      ['g', 'All agents'],
      ['v', 'Group the list by folder, by machine, or not'],
      ['/', 'Search'],
      ['↑', 'In an empty message: your earlier messages'],
      ['?', 'This list'],
    ] as readonly (readonly [string, string])[],
  },
};
