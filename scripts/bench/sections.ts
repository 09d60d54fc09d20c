/** docs/benchmarks.md: a heading, and a section for each benchmark. */

export interface Section {
  title: string;
  text: string;
}

const HEAD = `# Benchmarks

Written by \`npm run bench\`. Numbers of one run compare; those of two runs, or of two machines, do not. A busy machine makes every
time longer: then the ratios are what counts.
`;

/** The sections of the page. */
export const sectionsOf = (page: string): Section[] =>
  page.split(/^## /m).slice(1).map((part) => {
    const [title = '', ...lines] = part.split('\n');
    return { title: title.trim(), text: lines.join('\n').trim() };
  });

export const textOf = (sections: readonly Section[]): string =>
  [HEAD, ...sections.map(({ title, text }) => `## ${title}\n\n${text}\n`)].join('\n');
