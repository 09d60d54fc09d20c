import { cut } from '../../../core/api/cut.ts';
import { type FileDiff, imageType, type Todo, type ToolResult, type ToolStatus } from '../../../core/api/messages.ts';
import { type JsonObject, list, object, string } from '../untyped-json.ts';

/** Lines of one diff; the rest is dropped. */
export const MAX_DIFF_LINES = 2000;
const MAX_TITLE = 500;
/** Input fields that make the best title, in this order. */
const TITLE_FIELDS = [
  'command',
  'file_path',
  'notebook_path',
  'pattern',
  'url',
  'query',
  'description',
  'skill',
  'prompt',
  'path',
];

/** "npm test", "/src/main.ts", "TODO in src" … */
export function toolTitle(input: JsonObject): string {
  const key = TITLE_FIELDS.find((name) => string(input[name]).trim());
  const text = key ? string(input[key]) : string(Object.values(input).find((value) => string(value).trim()));
  const where = key === 'pattern' && string(input.path) ? ` in ${string(input.path)}` : '';
  return cut(`${text.trim()}${where}`, MAX_TITLE);
}

/** What Edit, MultiEdit and Write are about to do, from their input: line numbers are not known yet. */
export function plannedDiffs(tool: string, input: JsonObject): FileDiff[] {
  const path = string(input.file_path);
  if (!path) return [];
  if (tool === 'Write') return [addedFile(path, string(input.content))];
  const edits = tool === 'Edit' ? [input] : tool === 'MultiEdit' ? list(input.edits).map(object) : [];
  if (!edits.length) return [];
  return [bounded({
    path,
    kind: 'update',
    hunks: edits.map((edit) => {
      const before = lines(string(edit.old_string));
      const after = lines(string(edit.new_string));
      return {
        oldStart: 0,
        oldLines: before.length,
        newStart: 0,
        newLines: after.length,
        lines: [...before.map((line) => `-${line}`), ...after.map((line) => `+${line}`)],
      };
    }),
  })];
}

const lines = (text: string): string[] => {
  if (!text) return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
};

function addedFile(path: string, content: string): FileDiff {
  const added = lines(content);
  const hunk = {
    oldStart: 0,
    oldLines: 0,
    newStart: 1,
    newLines: added.length,
    lines: added.map((line) => `+${line}`),
  };
  return bounded({ path, kind: 'add', hunks: added.length ? [hunk] : [] });
}

/** Changes that a tool reports in `tool_use_result`. */
function doneDiffs(details: JsonObject): FileDiff[] {
  const path = string(details.filePath);
  if (!path) return [];
  if (details.type === 'create') return [addedFile(path, string(details.content))];
  const hunks = list(details.structuredPatch).map(object).map((hunk) => ({
    oldStart: Number(hunk.oldStart) || 0,
    oldLines: Number(hunk.oldLines) || 0,
    newStart: Number(hunk.newStart) || 0,
    newLines: Number(hunk.newLines) || 0,
    lines: list(hunk.lines).map(string),
  }));
  return hunks.length ? [bounded({ path, kind: 'update', hunks })] : [];
}

function bounded(diff: FileDiff): FileDiff {
  let remaining = MAX_DIFF_LINES;
  const hunks: FileDiff['hunks'] = [];
  for (const hunk of diff.hunks) {
    if (remaining <= 0) break;
    hunks.push(hunk.lines.length > remaining ? { ...hunk, lines: hunk.lines.slice(0, remaining) } : hunk);
    remaining -= hunk.lines.length;
  }
  return remaining < 0 || hunks.length < diff.hunks.length ? { ...diff, hunks, truncated: true } : diff;
}

/** Text of a content that is a string or a list of blocks. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  return list(content).map(object).map((block) => {
    if (block.type === 'text') return string(block.text);
    return block.type === 'image' && !pictureOf(block) ? '[image]' : '';
  }).filter(Boolean).join('\n');
}

/** The base64 of an image block; '' when it is no picture that is kept, a link for example. */
function pictureOf(block: JsonObject): string {
  const data = string(object(block.source).data);
  return imageType(data) ? data : '';
}

const picturesOf = (content: unknown): { data: string }[] =>
  list(content).map(object).filter(({ type }) => type === 'image').map(pictureOf).filter(Boolean)
    .map((data) => ({ data }));

/** A tool_result block with the line's `tool_use_result` and `tool_result_meta`. */
export function toolEnd(
  block: JsonObject,
  details: unknown,
  meta: unknown,
): { status: ToolStatus; result: ToolResult; pictures?: { data: string }[] } {
  const own = object(list(meta).map(object).find((entry) => entry.id === block.tool_use_id));
  const refused = own.non_execution_kind !== undefined || object(own.permission_decision).decision === 'reject';
  const rich = object(details);
  const isError = block.is_error === true;
  const stdout = string(rich.stdout);
  const stderr = string(rich.stderr);
  const text = stdout || stderr ? [stdout, stderr].filter(Boolean).join('\n') : contentText(block.content);
  const exit = /^(?:Error: )?Exit code (\d+)/.exec(contentText(block.content));
  const diffs = isError ? [] : doneDiffs(rich);
  const pictures = picturesOf(block.content);
  return {
    ...(pictures.length ? { pictures } : {}),
    status: refused ? 'denied' : rich.interrupted === true ? 'cancelled' : isError ? 'error' : 'done',
    result: {
      text,
      truncated: false,
      ...(exit ? { exitCode: Number(exit[1]) } : {}),
      ...(diffs.length ? { diffs } : {}),
    },
  };
}

/** Todos from TodoWrite's input; null for other tools. */
export function todosOf(tool: string, input: JsonObject): Todo[] | null {
  if (tool !== 'TodoWrite') return null;
  return list(input.todos).map(object).map((todo) => ({
    text: string(todo.content),
    status: todo.status === 'completed' || todo.status === 'in_progress' ? todo.status : 'pending',
  }));
}
