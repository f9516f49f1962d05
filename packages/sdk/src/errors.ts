/** Codes are API: clients branch on them. Add freely, never rename. docs/reference/errors.md lists the same names. */
export const ERROR_STATUS = {
  bad_request: 400,
  invalid_name: 400,
  already_running: 400,
  server_pending: 400,
  limit_reached: 400,
  not_authenticated: 403,
  xsrf: 403,
  scope_missing: 403,
  not_allowed: 403,
  locked_out: 429,
  too_many_starts: 429,
  too_many_servers: 429,
  too_many_requests: 429,
  not_found: 404,
  name_taken: 409,
  method_not_allowed: 405,
  too_large: 413,
  unprocessable: 422,
  server_stopped: 424,
  internal: 500,
  spawn_failed: 500,
  plugin_failed: 500,
  misconfigured: 500,
  redirect_loop: 500,
  hub_broke_off: 502,
  database_unavailable: 503,
  disk_full: 507,
  server_unreachable: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** An outcome we planned for. Anything else that reaches the handler is a bug and becomes a bare 500. */
export class HubError extends Error {
  override readonly name: string = 'HubError';
  readonly code: ErrorCode;
  readonly status: number;
  /** Facts for the log line. Never sent to the client. */
  readonly facts: Record<string, unknown>;
  /** Seconds until it is worth asking again; told as `Retry-After`. */
  readonly retryAfter: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      cause?: unknown;
      facts?: Record<string, unknown>;
      retryAfter?: number;
      /** In place of the code's own. */
      status?: number;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.status = options.status ?? ERROR_STATUS[code];
    this.facts = options.facts ?? {};
    this.retryAfter = options.retryAfter;
  }
}

/**
 * Whose problem a failed start is, which decides what happens next.
 * - `user`: their own doing (full home folder, broken environment); they can mend it.
 * - `config`, `image`, `quota`: an administrator must act; the start ends at once.
 * - `capacity`: nothing free now; another attempt or a later try may work.
 * - `lost`: it was there and is gone.  `transient`: try again.
 */
export type FaultClass = 'user' | 'config' | 'capacity' | 'image' | 'quota' | 'lost' | 'transient';

/** Why a server does not run, in words for the person waiting. Stored in the row, shown on the starting page. */
export interface Fault {
  class: FaultClass;
  /** Stable, for tests and metrics: `command_not_found`, `out_of_memory`, `disk_full`, `python_package_missing`, … */
  code: string;
  /** One or two plain sentences: what happened and whether anything was lost. */
  message: string;
  /** What the person or their administrator can do. */
  advice?: string;
  /** What the API and the starting page answer, 400 to 599: for a start that a rule refuses. Without it, 500. */
  status?: number;
}

/** Thrown by a spawner; carries a fault. The hub shows `fault.message`, logs the cause. */
export class SpawnFault extends Error {
  override readonly name = 'SpawnFault';
  readonly fault: Fault;

  constructor(fault: Fault, options: { cause?: unknown } = {}) {
    super(fault.message, { cause: options.cause });
    this.fault = fault;
  }
}
