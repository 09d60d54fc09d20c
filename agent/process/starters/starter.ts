/** Programs that may have started this server: what they add to the environment of what they start is not the user's. */
export type Environment = Record<string, string | undefined>;

/** A program that may have started this server. */
export interface Starter {
  /** Its children have at least one of these variables. */
  sign: RegExp;
  /** Did the program, and not the user, set this variable? */
  sets(name: string, value: string, env: Environment): boolean;
  /** Directories that it put into PATH. */
  path: RegExp;
}
