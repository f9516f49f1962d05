import type { Secret } from './secret.ts';
import type { Io, Json, ProgressStep } from './spawner.ts';

/** A call by a machine of ours: `POST {base}hub/api/atrium/workers/<verb>`. Nothing about it has been believed yet. */
export interface WorkerRequest {
  verb: string;
  /** The JSON that was sent, at most 64 KiB. */
  body: Json;
  /** Address the call came from, as the proxy saw it. */
  peer: string;
}

/** One server as the hub's database has it, for a worker that proved to be its machine. */
export interface WorkerServer {
  readonly id: string;
  readonly generation: number;
  readonly user: string;
  /** The person's own number from the reserved range. */
  readonly uid: number;
  /** '' for the default server. */
  readonly name: string;
  /** `{base}user/<name>/[<server>/]`, starts and ends with a slash. */
  readonly prefix: string;
  readonly phase: 'starting' | 'ready' | 'stopping';
  readonly spec: Json;
  readonly ref: Json;
  readonly attempt: Json | undefined;
  /** As `ServerIo.env`. */
  readonly env: Readonly<Record<string, string>>;
  /** Mints a new token for this server and revokes the one before; only while it is `starting`. */
  issueToken(): Promise<Secret>;
  /** Adds a line to what the person who waits reads. */
  progress(step: ProgressStep): Promise<void>;
  /** Tells its owner something that does not end the server; shown once per `code` and `at`. */
  notice(notice: { code: string; at: number; message: string }): Promise<void>;
  /** Real work was seen at this time, ms: kernels, terminals, files; never an open tab. */
  worked(at: number): Promise<void>;
  /** What its start waits for has happened: `ensure` is called now and not at the next turn. */
  wake(): void;
}

export interface WorkerIo extends Io {
  /** The server, while a start of it is under way or it runs; undefined otherwise. */
  find(serverId: string): Promise<WorkerServer | undefined>;
}
