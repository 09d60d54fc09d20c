/**
 * A request of an agent written out for whoever decides it: all that would be done, as core/api/approval.ts has it, with a
 * mark for everything that cannot be seen. Pure.
 */
import { type Approval, approvalOf, type ApprovalWarning } from '../../core/api/approval.ts';
import type { FileDiff, RequestMessage } from '../../core/api/messages.ts';
import { codeNames, isReordered, markedText } from '../../core/api/visible.ts';

const WARNINGS: Record<ApprovalWarning, string> = {
  no_sandbox: 'WARNING: it runs without the sandbox.',
  background: 'It goes on in the background.',
};

/** Whether a request may be allowed once `requestText` was shown: all of it is known here. */
export const isShownWhole = (request: RequestMessage): boolean => approvalOf(request).isWhole;

/** Lines without escape sequences. */
export function requestText(request: RequestMessage): string {
  const approval = approvalOf(request);
  return [
    `${exactLine(request.tool) || 'The agent'} asks for ${WHAT[request.request]}. Request ${exactLine(request.id)}`,
    ...matterOf(request, approval),
    ...approval.warnings.map((warning) => WARNINGS[warning]),
    ...block('What the agent says about it', approval.description),
    ...approval.isWhole ? [] : ['A part of this request is not known here, so it cannot be allowed from here.'],
    ...choicesOf(request),
  ].join('\n');
}

const WHAT = { permission: 'permission', question: 'an answer', plan: 'leave to carry out a plan' } as const;

function matterOf(request: RequestMessage, { title, command, fields, diffs }: Approval): string[] {
  const shown = request.request === 'question' ? fields.filter(({ name }) => name !== 'questions') : fields;
  return [
    ...block('Title', title),
    ...block('Command', command),
    ...block('Plan', request.request === 'plan' ? request.plan : ''),
    ...questionsOf(request),
    ...shown.flatMap(({ name, text }) => block(exactLine(name), text, true)),
    ...diffs.flatMap(diffLines),
  ];
}

const questionsOf = ({ questions }: RequestMessage): string[] =>
  questions.flatMap(({ question, options, multiSelect, other }, i) => [
    ...block(`Question ${i + 1}${multiSelect ? ' (several answers)' : ''}`, question),
    ...options.map(({ label, description }) =>
      `    - ${exactLine(label)}${description ? `: ${exactLine(description)}` : ''}`
    ),
    ...other ? ['    - or an answer of your own'] : [],
  ]);

const choicesOf = ({ choices }: RequestMessage): string[] =>
  choices.filter(({ id }) => id !== 'allow' && id !== 'deny')
    .map(({ id, label, detail }) =>
      `Or --choice ${exactLine(id)}: ${exactLine(label)}${detail ? `. ${exactLine(detail)}` : ''}`
    );

const diffLines = ({ path, kind, hunks }: FileDiff): string[] => [
  `Change (${kind}): ${exactLine(path)}`,
  ...hunks.flatMap(({ lines }) => lines).map((line) => `    ${exactLine(line)}`),
];

/** @param isAlways also when it is empty */
function block(name: string, text: string, isAlways = false): string[] {
  if (!text) return isAlways ? [`${name}: (empty)`] : [];
  return [`${name}:`, ...exact(text).split('\n').map((line) => `    ${line}`)];
}

/** Letters that a terminal may draw in another order than they have are written by their codes. */
const exact = (text: string): string =>
  Array.from(markedText(text), (char) => isReordered(char) ? `⟨${codeNames(char)}⟩` : char).join('');

/** In one line: a name with a line end must not look like the next part of the listing. */
const exactLine = (text: string): string => exact(text).replaceAll('\n', '⟨U+000A⟩');
