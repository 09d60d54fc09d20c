/** node:sqlite, where the runtime has it: Node from 22.13 (22.5 with a flag) and Deno. */
import process from 'node:process';
import { isBuiltin } from 'node:module';

export type SqlValue = string | number | null;
export interface Statement {
  get(...values: SqlValue[]): Record<string, SqlValue> | undefined;
  all(...values: SqlValue[]): Record<string, SqlValue>[];
  run(...values: SqlValue[]): unknown;
}

export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

export const hasSqlite = (): boolean => isBuiltin('node:sqlite') && typeof builtin() === 'function';

type GetBuiltin = (name: string) => { DatabaseSync: new (path: string) => Database };
const builtin = () => (process as { getBuiltinModule?: GetBuiltin }).getBuiltinModule;

/** Throws when the file cannot be opened. Node 22 warns that the module is experimental: that warning alone is left out. */
export function openDatabase(path: string): Database {
  const { emitWarning } = process;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (!/SQLite/.test(String(warning))) Reflect.apply(emitWarning, process, [warning, ...rest]);
  }) as typeof emitWarning;
  try {
    const { DatabaseSync } = builtin()!('node:sqlite');
    return new DatabaseSync(path);
  } finally {
    process.emitWarning = emitWarning;
  }
}
