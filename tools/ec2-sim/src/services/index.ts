import type { Call } from '../calls.ts';
import type { ApiError } from '../errors.ts';

/** Who signed a request: the access key says it; the signature itself is not checked. */
export interface Caller {
  accessKeyId: string;
  /** `who` of `env(who)`; the call log tells callers apart by it. */
  name: string;
  arn: string;
  /** Of an assumed or instance role: the role's name. */
  role?: string;
}

/** What a policy is asked: one action on one resource, with the condition keys of the call. */
export interface AuthRequest {
  /** `ec2:RunInstances` */
  action: string;
  resource: string;
  /** `aws:ResourceTag/…`, `aws:RequestTag/…`, `aws:TagKeys`, `ec2:InstanceType`, … */
  context: Record<string, string | string[]>;
}

/** A request as it came in, its body read. */
export interface WireRequest {
  method: string;
  /** Path with query string. */
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface WireAnswer {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

export interface ServiceCall {
  request: WireRequest;
  requestId: string;
  caller: Caller;
  action: string;
  params: Record<string, unknown>;
  call: Call;
}

/** One AWS service. Faults, log and policy are the server's; the service reads, works and writes its own wire format. */
export interface Service {
  /** What is asked. May throw ApiError; an unknown action or parameter is also noted by `core.violate`. */
  parse(request: WireRequest, caller: Caller): { action: string; params: Record<string, unknown>; mutating: boolean };
  /** Which rights the call needs; `[]` is always allowed. */
  authorize(call: ServiceCall): AuthRequest[];
  run(call: ServiceCall): Promise<WireAnswer> | WireAnswer;
  fail(error: ApiError, requestId: string): WireAnswer;
}

/** What EC2 needs to know of the other services, and what instances need of them. */
export interface Services extends AsyncDisposable {
  /** By signing name: iam, sts, ssm, route53, pricing, servicequotas. */
  handlers: Record<string, Service>;
  /** PEM of the certificate that signs instance identity documents. */
  certificate: string;
  /** Endpoint of the metadata service for one instance; asked once when the instance first boots. */
  imds(instanceId: string): Promise<string>;
  /** The instance profile by name or ARN; undefined when IAM has none, or EC2 may not see it yet. */
  instanceProfile(nameOrArn: string): { arn: string; id: string; name: string } | undefined;
  /** The value of an SSM parameter, for `resolve:ssm:` image ids. */
  parameter(name: string): string | undefined;
  /** ARNs of an instance profile and its role, also before EC2 may see them: what PassRole is asked for. */
  profileArns(nameOrArn: string): { arn: string; roleArn: string } | undefined;
  /** Makes a hosted zone of Route 53, as somebody did long ago by hand; answers its id. */
  addHostedZone(name: string): string;
  /** Whether the policy given to the simulator, or the caller's own role, allows all of it. */
  allows(caller: Caller, requests: AuthRequest[]): boolean;
}

export { createServices } from './create.ts';
