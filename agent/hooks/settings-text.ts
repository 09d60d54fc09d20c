/** Our hooks in the text of a CLI's settings: entered and taken out, every other byte as it was. Pure. */
import { Failure } from '../../core/api/errors.ts';
import { isObject, type JsonObject } from '../provider/untyped-json.ts';
import { isOurs } from './entries.ts';
import { added, jsonNode, memberOf, withoutEntry } from './json-text.ts';

const HOOKS = 'hooks';

/** The value of the text. Throws Failure `settings_unusable` with a sentence when hooks cannot be entered there. */
export function parseSettingsText(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
    jsonNode(text);
  } catch {
    throw unusable('is not valid JSON');
  }
  if (!isObject(value)) throw unusable('is not a JSON object');
  const hooks = value[HOOKS];
  if (hooks === undefined) return value;
  if (!isObject(hooks)) throw unusable('has "hooks" that are not a JSON object');
  const odd = Object.entries(hooks).find(([, groups]) => !Array.isArray(groups));
  if (odd) throw unusable(`has "hooks.${odd[0].slice(0, 50)}" that is not a list`);
  return value;
}

const unusable = (what: string): Failure =>
  new Failure('settings_unusable', `The settings file ${what}, so nothing was changed. Mend it first.`);

/** The groups of hooks of an event. */
const groupsOf = (value: JsonObject, event: string): JsonObject[] =>
  ((value[HOOKS] as Record<string, JsonObject[]> | undefined)?.[event] ?? []).filter(isObject);

/** Whether exactly these entries are there, or others of ours, or none. */
export function findEntries(text: string, entries: Record<string, JsonObject>): 'same' | 'other' | 'none' {
  const value = parseSettingsText(text);
  const events = Object.keys((value[HOOKS] as JsonObject | undefined) ?? {});
  const ours = events.flatMap((event) => groupsOf(value, event).filter(hasOurs).map((group) => [event, group]));
  if (!ours.length) return 'none';
  const same = (list: unknown[]) => JSON.stringify(list.sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return same(ours) === same(Object.entries(entries)) ? 'same' : 'other';
}

const hasOurs = ({ hooks }: JsonObject): boolean => Array.isArray(hooks) && hooks.some(isOurs);

/** Enters the groups, one an event, behind what is there. */
export function withEntries(text: string, entries: Record<string, JsonObject>): string {
  parseSettingsText(text);
  if (!memberOf(jsonNode(text), HOOKS)) {
    const hooks = Object.fromEntries(Object.entries(entries).map(([event, group]) => [event, [group]]));
    return added(text, jsonNode(text), hooks, HOOKS);
  }
  return Object.entries(entries).reduce((now, [event, group]) => {
    const hooks = memberOf(jsonNode(now), HOOKS)!;
    const groups = memberOf(hooks, event);
    return groups ? added(now, groups, group) : added(now, hooks, [group], event);
  }, text);
}

/**
 * Takes our entries out, and lists that are empty then.
 * @param before as the text was before they were entered: what was empty there already stays. null: nothing is known of that
 */
export function withoutEntries(text: string, before: string | null): string {
  parseSettingsText(text);
  let now = text;
  for (let next = withoutOne(now); next !== null; next = withoutOne(now)) now = next;
  if (now === text) return text;
  return withoutEmpty(now, before === null ? {} : parseSettingsText(before));
}

/** @returns null when nothing of ours is there */
function withoutOne(text: string): string | null {
  const value = JSON.parse(text) as JsonObject;
  const hooks = memberOf(jsonNode(text), HOOKS);
  for (const { name, value: groups } of hooks?.members ?? []) {
    const list = (value[HOOKS] as Record<string, unknown[]>)[name]!;
    for (const [i, group] of list.entries()) {
      if (!isObject(group) || !hasOurs(group)) continue;
      const inner = group.hooks as unknown[];
      if (inner.every(isOurs)) return withoutEntry(text, groups, i);
      return withoutEntry(text, memberOf(groups.items![i], HOOKS)!, inner.findIndex(isOurs));
    }
  }
  return null;
}

function withoutEmpty(text: string, before: JsonObject): string {
  const old = before[HOOKS] as JsonObject | undefined;
  let now = text;
  for (let at = 0;;) {
    const hooks = memberOf(jsonNode(now), HOOKS)!;
    const member = hooks.members![at];
    if (!member) break;
    const isGone = member.value.items?.length === 0 && old?.[member.name] === undefined;
    if (isGone) now = withoutEntry(now, hooks, at);
    else at++;
  }
  const root = jsonNode(now);
  const index = root.members!.findLastIndex(({ name }) => name === HOOKS);
  const isEmpty = root.members![index]!.value.members!.length === 0;
  return isEmpty && old === undefined ? withoutEntry(now, root, index) : now;
}
