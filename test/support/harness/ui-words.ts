/** What a page says to a user, and which of it is English although the page is in another language. */
import type { Page } from 'playwright-core';

/** Names that are the same in every language, keys, units, and what programs and protocols are called. */
const NAMES = new RegExp(
  String
    .raw`\b(Agent Monitor|Claude( Code)?|Codex|Gemini( CLI)?|OpenCode|OpenCLI|Qwen( Code)?|Copilot( CLI)?|Kimi( Code)?` +
    String
      .raw`|Agent Client Protocol|Chrome|Safari|Firefox|iPhone|Linux|macOS|WhatsApp|Slack|Telegram|ntfy|webhook|WebSocket` +
    String
      .raw`|Markdown|JSON|MCP|CLI|AI|ID|IP|QR|https?|npm|git|Git|gh|PATH|Esc|Tab|Ctrl|Alt|Home|End|PgUp|PgDn|PDF|UTF|NUL` +
    String
      .raw`|CLAUDE\.md|AGENTS\.md|TWILIO_\w+|SMTP_\w+|RELAY_\w+|[A-Z]+_[A-Z_]+|sonnet|Sonnet|opus|Opus|low|medium|high|xhigh|max` +
    String
      .raw`|KB|MB|GB|English|ms|API|Node|Shell|shell|zip|env|BotFather|ci|log|TLS|VAPID|C|Bash|Edit|Read|Write|linux|OpenAI|main|LFS|HTTP|cookie)\b`,
  'g',
);

/** What the tests' people and agents wrote: names, files, commands, messages. */
const DATA = [
  /Asks (bash|edit|question|plan)|Talks|Waits|Old|Cut (off|too)|Failed|Count in cents|Test first\.|First|Second|Rules|Draws|Has a past|fix-rounding|nightly|Two|Notes|Why\?/g,
  /Fix the rounding bug|Write the tests for everything that has none|Look at logs/g,
  /I have seen it\.|nowhere at all|zeppelin|picture|long 2 1|API Error: \d+|workstation|desktop|lab|someone@example\.org/g,
  /(A long name that somebody gave to a session\s?)+/g,
  /Clear the conversation|Summarise the conversation to free context|Review a pull request/g, // of the CLI's commands
  /Database|Which database should the new service use\?|Extras|What else should be set up\?|\b(project|shop|src|Demo)\b/g,
  /You have used 85 % of the five-hour limit\./g, // the API's own words
];

/** Addresses, paths, file names, branches, versions, ids, commands in backquotes. */
const PLACES = [
  /\S+@\S+/g,
  /test-home-\w+/g,
  /https?:\/\/\S+/g,
  /`[^`]*`/g,
  /[@~.…\w-]*\/[\w./@{}*…-]*/g,
  /[\w-]*\.(ts|md|bin|js|json|png|zip)\b/g,
  /\b\w*\d\w*\b/g,
];

/** Words of two letters and more that are no name and nobody's own; each with what it stands in. */
export async function englishWords(page: Page): Promise<string[]> {
  const said = await page.evaluate(collect);
  return [...new Set(said)].filter((text) => {
    let rest = text;
    for (const pattern of [...DATA, ...PLACES, NAMES]) rest = rest.replace(pattern, ' ');
    return /[A-Za-z]{2,}/.test(rest);
  });
}

/** Runs in the page: every text that is seen, read out or shown as a hint. What agents wrote and what is code is left out. */
function collect(): string[] {
  const foreign =
    'noscript, pre, code, kbd, textarea, script, style, .mono, .markdown, .bubble-text, .diff, .approval-text, ' +
    '.ask-title, .question-text, .option, .todo-box li, .plan-text, .tool-title, .tool-body, [data-foreign]';
  const isOver = (element: Element) => element.closest(foreign) !== null;
  const texts = [document.title];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const { parentElement: parent, textContent } = node;
    if (!parent || !textContent?.trim() || isOver(parent)) continue;
    texts.push(textContent.trim());
  }
  for (const element of document.querySelectorAll('[aria-label], [title], [placeholder], [alt], [aria-description]')) {
    for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'aria-description']) {
      texts.push(element.getAttribute(name)?.trim() ?? '');
    }
  }
  return texts.filter(Boolean);
}
