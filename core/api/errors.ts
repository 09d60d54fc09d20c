/**
 * Every error that an answer may name: its machine word and the status that goes with it. SPEC.md, "Errors", has the same
 * table for people, and a test compares the two. Browser-safe.
 */

/** Machine word → HTTP status. */
export const ERROR_STATUS = {
  bad_directory: 400,
  bad_framing: 400,
  bad_hello: 400,
  bad_host: 400,
  bad_json: 400,
  bad_message: 400,
  bad_path: 400,
  bad_request: 400,
  bad_target: 400,
  bad_version: 400,
  no_password: 400,
  no_tasks: 400,
  not_a_folder: 400,
  upgrade_with_body: 400,
  device_refused: 401,
  device_unknown: 401,
  login_required: 401,
  other_user: 401,
  pair_code_gone: 401,
  passkey_refused: 401,
  unauthorized: 401,
  unknown_user: 401,
  wrong_password: 401,
  client_unknown: 403,
  folder_closed: 403,
  host_refused: 403,
  https_required: 403,
  local_only: 403,
  origin_missing: 403,
  origin_refused: 403,
  outside_roots: 403,
  proof_required: 403,
  proxy_not_trusted: 403,
  step_up_required: 403,
  no_change: 404,
  no_device: 404,
  no_folder: 404,
  no_machine: 404,
  no_passkey: 404,
  no_root: 404,
  no_schedule: 404,
  no_session: 404,
  no_task: 404,
  no_template: 404,
  no_terminal: 404,
  no_upload: 404,
  not_found: 404,
  method_not_allowed: 405,
  agent_busy: 409,
  already_decided: 409,
  already_sent: 409,
  base_busy: 409,
  base_dirty: 409,
  budget_reached: 409,
  cancelled: 409,
  changed: 409,
  desk_busy: 409,
  desk_stays: 409,
  file_exists: 409,
  filter_ignored: 409,
  folder_gone: 409,
  fork_not_begun: 409,
  gh_failed: 409,
  gh_signed_out: 409,
  git_failed: 409,
  installing: 409,
  instructions_unusable: 409,
  merge_conflict: 409,
  merge_failed: 409,
  nested_repository: 409,
  no_base: 409,
  no_branch: 409,
  no_checkpoint: 409,
  no_commit: 409,
  no_fork_point: 409,
  no_gh: 409,
  no_preview_origin: 409,
  no_pull_requests: 409,
  no_recipient: 409,
  no_remote: 409,
  no_repository: 409,
  no_worktree: 409,
  node_too_old: 409,
  not_a_file: 409,
  not_a_worktree: 409,
  not_removable: 409,
  not_running: 409,
  not_whole: 409,
  other_branch: 409,
  other_provider: 409,
  port_closed: 409,
  port_refused: 409,
  pull_request_failed: 409,
  push_by_hand: 409,
  push_refused: 409,
  remote_refused: 409,
  remote_signed_out: 409,
  repository_unusable: 409,
  session_in_use: 409,
  settings_unusable: 409,
  step_up_on: 409,
  task_begun: 409,
  task_changed: 409,
  task_runs: 409,
  too_many: 409,
  too_many_agents: 409,
  too_many_terminals: 409,
  uncommitted: 409,
  unmerged_work: 409,
  unresolved: 409,
  worktree_busy: 409,
  worktree_failed: 409,
  worktree_in_use: 409,
  worktree_locked: 409,
  wrong_offset: 409,
  wrong_repository: 409,
  agent_gone: 410,
  message_gone: 410,
  request_gone: 410,
  too_large: 413,
  encoding_unsupported: 415,
  not_json: 415,
  expectation_failed: 417,
  host_unknown: 421,
  tunnel_version: 426,
  too_many_tries: 429,
  too_many_tunnels: 429,
  too_many_unfinished: 429,
  head_too_large: 431,
  too_many_fields: 431,
  internal: 500,
  terminal_failed: 500,
  bad_answer: 502,
  install_failed: 502,
  not_sent: 502,
  tunnel_down: 502,
  tunnel_lost: 502,
  busy: 503,
  certificate_pending: 503,
  closing: 503,
  no_terminals: 503,
  not_built: 503,
  storage_locked: 503,
  too_many_clients: 503,
  too_many_requests: 503,
  too_many_streams: 503,
  too_many_viewers: 503,
  folder_slow: 504,
  machine_slow: 504,
  not_saved: 507,
  sign_out_not_saved: 507,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** Another version of the server may name a code that this one does not know. */
export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(ERROR_STATUS, code);

/** The body of an answer that is no success. */
export interface ErrorBody {
  /** A sentence for people: what is wrong and how to mend it. */
  error: string;
  code: ErrorCode;
  /** What the sentence names, for clients that say it in another language. */
  params?: ErrorParams;
}

/** Names, counts and words of other programs by name; SPEC.md lists them. */
export type ErrorParams = Readonly<Record<string, string | number>>;

export interface FailureDetails {
  /** Seconds after which another try may succeed. */
  retryAfterS?: number;
  params?: ErrorParams;
}

/**
 * Something that was asked for cannot be done. The domain throws it and knows no HTTP; the API layer answers with the status
 * of its code. `message` is a sentence for people that says what is wrong and how to mend it.
 */
export class Failure extends Error {
  readonly code: ErrorCode;
  /** Seconds after which another try may succeed; 0: nothing is known. */
  readonly retryAfterS: number;
  readonly params: ErrorParams;
  constructor(code: ErrorCode, message: string, { retryAfterS = 0, params = {} }: FailureDetails = {}) {
    super(message);
    this.code = code;
    this.retryAfterS = retryAfterS;
    this.params = params;
  }
}
