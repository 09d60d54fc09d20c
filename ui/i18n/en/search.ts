/** Sentences of the search over all conversations. */
export const search = {
  search: {
    title: 'Search',
    field: 'Search in all conversations',
    begin: 'Find a conversation',
    beginText:
      'Messages of all agents that have all of your words. Words in "quotation marks" are found as they stand.',
    short: 'Type at least two characters',
    none: 'Nothing found',
    noneText: 'Try fewer or other words. What tools put out is not searched.',
    more: 'Show more',
    found: (n: number) => n === 1 ? '1 message found' : `${n} messages found`,
    indexing: (n: number, of: number) => `The index is being made: ${n} of ${of} conversations are searched.`,
    partly: (n: number, of: number) => `${n} of ${of} conversations are searched.`,
    tooOld: 'The agent server is of an earlier release, which cannot search. Update it.',
    gone: 'This message is not kept any more.',
    kinds: { user: 'You', text: 'Agent', tool: 'Tool', notice: 'Notice' },
    /** In the palette. */
    inAll: (text: string) => `Search in all conversations: ${text}`,
  },
};
