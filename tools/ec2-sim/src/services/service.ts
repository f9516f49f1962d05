import { ApiError } from '../errors.ts';

export { ApiError } from '../errors.ts';

/** What a service of the simulator needs from the world around it. */
export interface ServiceContext {
  clock: { now(): number };
  region: string;
  accountId: string;
  /** How long a change stays invisible to other services, simulated milliseconds. */
  consistencyMs: number;
  /** Notes something the simulator does not know; tests assert that there was none. */
  violation(kind: 'action' | 'parameter' | 'filter' | 'value', action: string, message: string): void;
}

/** Who signed a request, as the access key of its credential scope names it. */
export interface Caller {
  accessKeyId: string;
  arn: string;
}

/** One HTTP request to a service other than EC2, its body read. */
export interface ServiceRequest {
  caller: Caller;
  method: string;
  /** Path with its query. */
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** What the service understood of a request: this is what the call log keeps and a policy is evaluated over. */
export interface ServiceCall {
  action: string;
  parameters: Record<string, unknown>;
}

export interface ServiceReply {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** The error's code when there was one. */
  error?: string;
}

/** A service in two steps, so that a policy may be asked in between. `read` throws a `ApiError` for what it cannot understand. */
export interface Service {
  read(request: ServiceRequest): ServiceCall;
  run(call: ServiceCall, request: ServiceRequest): ServiceReply;
  /** An error in the service's own wire format. */
  fail(error: ApiError): ServiceReply;
}

/** Reads, asks and runs one request. `allow` throws a `ApiError` to refuse; `seen` is told the call before it runs. */
export function serve(
  service: Service,
  request: ServiceRequest,
  allow: (call: ServiceCall) => void = () => {},
): { call?: ServiceCall; reply: ServiceReply } {
  let call: ServiceCall | undefined;
  try {
    call = service.read(request);
    allow(call);
    return { call, reply: service.run(call, request) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const reply = { ...service.fail(error), error: error.code };
    return call ? { call, reply } : { reply };
  }
}
