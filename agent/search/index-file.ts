/**
 * DATA_DIR/search.sqlite: the searched text of every message, and for each three characters in a row the messages that have them
 * (FTS5, trigram tokenizer, no positions: what is found is compared with the text). It can be made again from the journals, so a file
 * that is damaged or of another version is deleted.
 *
 * A row's number is its time: 8 numbers a millisecond, so that reading backward is newest first.
 */
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { fold, type SearchKind } from '../../core/api/search.ts';
import type { SearchedMessage } from './message-text.ts';
import { type Database, openDatabase, type Statement } from './sqlite.ts';

/** To be raised when the tables or what is put into them change. */
const VERSION = 1;
const PER_MS = 8;
/** Times beyond can only come from damage. */
const MAX_AT = Number.MAX_SAFE_INTEGER / PER_MS - 1e6;
/** Bytes of postings that FTS5 collects in memory before it writes them. */
const HASH_SIZE = 8 * 1024 * 1024;
const SCHEMA = `
  CREATE TABLE journals (n INTEGER PRIMARY KEY, agent TEXT NOT NULL UNIQUE, offset INTEGER NOT NULL, tail TEXT NOT NULL);
  CREATE TABLE messages (row INTEGER PRIMARY KEY, journal INTEGER NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL,
    at INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);
  CREATE UNIQUE INDEX of_journal ON messages (journal, id);
  CREATE VIRTUAL TABLE grams USING fts5(text, content='', contentless_delete=1, detail=none,
    tokenize='trigram case_sensitive 1');
  CREATE VIRTUAL TABLE vocabulary USING fts5vocab(grams, row);
  INSERT INTO grams(grams, rank) VALUES ('hashsize', ${HASH_SIZE});
  PRAGMA user_version = ${VERSION};
`;

/** Behind every text, so that each two characters, and each one, begin a trigram. */
const PADDING = '\n\n';
/** Sorts behind every character. */
const LAST = '\u{10ffff}';

/** How far a journal is in the index. */
export interface JournalRow {
  n: number;
  agent: string;
  /** Bytes that are in the index. */
  offset: number;
  /** What stands before them, to recognise a file that was written again. */
  tail: string;
}

export interface IndexedMessage extends SearchedMessage {
  row: number;
  agent: string;
}

export class IndexFile {
  readonly #db: Database;
  readonly #statements = new Map<string, Statement>();
  #isChanging = false;
  #last = { at: 0, row: 0 };

  /** Throws when there is no FTS5, or the file is damaged or of another version. */
  constructor(path: string) {
    this.#db = open(path);
  }

  // ---- writing: within one transaction until `commit`

  commit(): void {
    if (this.#isChanging) this.#db.exec('COMMIT');
    this.#isChanging = false;
  }

  #change(): void {
    if (!this.#isChanging) this.#db.exec('BEGIN IMMEDIATE');
    this.#isChanging = true;
  }

  journals(): JournalRow[] {
    return this.#sql('SELECT n, agent, offset, tail FROM journals').all() as unknown as JournalRow[];
  }

  journal(agent: string): JournalRow {
    const find = () => this.#sql('SELECT n, agent, offset, tail FROM journals WHERE agent = ?').get(agent);
    let row = find();
    if (!row) {
      this.#change();
      this.#sql("INSERT INTO journals (agent, offset, tail) VALUES (?, 0, '')").run(agent);
      row = find();
    }
    return row as unknown as JournalRow;
  }

  saveJournal({ n, offset, tail }: JournalRow): void {
    this.#change();
    this.#sql('UPDATE journals SET offset = ?, tail = ? WHERE n = ?').run(offset, tail, n);
  }

  /** Adds or replaces; what is there already as it is costs one look. */
  put(journal: number, message: SearchedMessage): void {
    const { id, seq, kind, text } = message;
    const old = this.#sql('SELECT row, text FROM messages WHERE journal = ? AND id = ?').get(journal, id);
    if (old?.text === text) return;
    this.#change();
    if (old) this.#removeRow(old.row as number);
    const at = Math.min(Math.max(message.at, 0), MAX_AT);
    const row = this.#freeRow(at);
    this.#sql('INSERT INTO messages (row, journal, id, seq, at, kind, text) VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(row, journal, id, seq, at, kind, text);
    this.#sql('INSERT INTO grams (rowid, text) VALUES (?, ?)').run(row, fold(text) + PADDING);
  }

  /** Many messages of one millisecond stand behind each other. */
  #freeRow(at: number): number {
    let row = this.#last.at === at ? this.#last.row + 1 : at * PER_MS;
    while (this.#sql('SELECT 1 FROM messages WHERE row = ?').get(row)) row++;
    this.#last = { at, row };
    return row;
  }

  idsOf(journal: number): string[] {
    return this.#sql('SELECT id FROM messages WHERE journal = ?').all(journal).map(({ id }) => id as string);
  }

  remove(journal: number, id: string): void {
    const row = this.#sql('SELECT row FROM messages WHERE journal = ? AND id = ?').get(journal, id)?.row;
    if (row === undefined) return;
    this.#change();
    this.#removeRow(row as number);
  }

  /** Removes at most `max` messages of a journal, and itself when none is left. @returns whether that is so */
  removeJournal(journal: number, max: number): boolean {
    this.#change();
    // Overwrites with zeros also what would only be free: three times the work when messages are added.
    this.#db.exec('PRAGMA secure_delete = ON');
    const rows = this.#sql('SELECT row FROM messages WHERE journal = ? LIMIT ?').all(journal, max);
    for (const { row } of rows) this.#removeRow(row as number);
    this.#db.exec('PRAGMA secure_delete = FAST');
    if (rows.length === max) return false;
    this.#sql('DELETE FROM journals WHERE n = ?').run(journal);
    return true;
  }

  #removeRow(row: number): void {
    this.#sql('DELETE FROM grams WHERE rowid = ?').run(row);
    this.#sql('DELETE FROM messages WHERE row = ?').run(row);
  }

  // ---- reading

  /** Messages before a row, the newest first, that have all of these three characters in a row (`match`; '': any). */
  before(row: number, match: string, max: number): IndexedMessage[] {
    const found = match
      ? this.#sql(
        `SELECT ${COLUMNS} FROM grams CROSS JOIN messages m ON m.row = grams.rowid JOIN journals j ON j.n = m.journal
          WHERE grams MATCH ? AND grams.rowid < ? ORDER BY grams.rowid DESC LIMIT ?`,
      ).all(match, row, max)
      : this.#sql(`SELECT ${COLUMNS} FROM messages m JOIN journals j ON j.n = m.journal
          WHERE m.row < ? ORDER BY m.row DESC LIMIT ?`).all(row, max);
    return found.map((entry) => ({ ...entry, kind: entry.kind as SearchKind }) as unknown as IndexedMessage);
  }

  /** Trigrams that begin with one or two characters, at most `max`. */
  gramsWith(beginning: string, max: number): string[] {
    return this.#sql('SELECT term FROM vocabulary WHERE term >= ? AND term < ? LIMIT ?')
      .all(beginning, beginning + LAST, max).map(({ term }) => term as string);
  }

  close(): void {
    try {
      this.commit();
    } finally {
      this.#db.close();
    }
  }

  #sql(text: string): Statement {
    let statement = this.#statements.get(text);
    if (!statement) this.#statements.set(text, statement = this.#db.prepare(text));
    return statement;
  }
}

const COLUMNS = 'm.row, j.agent, m.id, m.seq, m.at, m.kind, m.text';

/** Deletes the index; it is made again from the journals. */
export function removeIndex(path: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${end}`, { force: true, recursive: true });
}

/** The thread before this one may still be writing when its server ends. */
const SETTINGS = `PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
  PRAGMA secure_delete = FAST; PRAGMA cache_size = -16000;`;

const { O_CREAT, O_NOFOLLOW = 0, O_RDWR } = constants;

/** Makes the file when it is not there. Its neighbours (-wal, -shm) get its mode. */
function open(path: string): Database {
  closeSync(openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600));
  const db = openDatabase(path);
  try {
    db.exec(SETTINGS);
    const version = db.prepare('PRAGMA user_version').get()?.user_version;
    if (version === 0) db.exec(`BEGIN; ${SCHEMA} COMMIT;`);
    else if (version !== VERSION) throw new Error(`The index is of version ${version}.`);
    // Fails when a table is not there.
    db.prepare('SELECT rowid FROM grams WHERE rowid = ?');
    db.prepare('SELECT row FROM messages JOIN journals ON n = journal');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
