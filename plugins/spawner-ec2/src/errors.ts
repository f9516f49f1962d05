import type { FaultClass } from '@atrium/sdk';

/**
 * How an error of EC2 is to be treated:
 * - `throttle`: too many calls; wait.  `transient`: try again with the same token.
 * - `consistency`: EC2 has not heard of its own thing yet; wait a little.
 * - `capacity`: no such machine free there now.  `quota`: the account may not have more.
 * - `state`: not possible in this state; look again.  `mismatch`: this token has made something already.
 * - `config`, `image`: an administrator must act.
 */
export type Ec2FaultClass =
  | 'throttle'
  | 'transient'
  | 'consistency'
  | 'capacity'
  | 'quota'
  | 'state'
  | 'mismatch'
  | 'config'
  | 'image';

const CLASSES: Readonly<Record<Exclude<Ec2FaultClass, 'config' | 'transient'>, readonly string[]>> = {
  throttle: ['RequestLimitExceeded', 'Throttling', 'ThrottlingException', 'EC2ThrottledException', 'SlowDown'],
  consistency: [
    'InvalidInstanceID.NotFound',
    'InvalidVolume.NotFound',
    'InvalidSnapshot.NotFound',
    'InvalidGroup.NotFound',
    'InvalidNetworkInterfaceID.NotFound',
  ],
  capacity: [
    'InsufficientInstanceCapacity',
    'InsufficientHostCapacity',
    'InsufficientCapacity',
    'InsufficientVolumeCapacity',
    'Unsupported',
    'SpotMaxPriceTooLow',
    'MaxSpotInstanceCountExceeded',
  ],
  quota: [
    'VcpuLimitExceeded',
    'InstanceLimitExceeded',
    'VolumeLimitExceeded',
    'MaxIOPSLimitExceeded',
    'SnapshotLimitExceeded',
    'ConcurrentSnapshotLimitExceeded',
    'AddressLimitExceeded',
    'PrivateIpAddressLimitExceeded',
    'InsufficientFreeAddressesInSubnet',
    'NetworkInterfaceLimitExceeded',
  ],
  state: [
    'IncorrectInstanceState',
    'IncorrectState',
    'IncorrectModificationState',
    'VolumeInUse',
    'VolumeModificationRateExceeded',
    'SnapshotCreationPerVolumeRateExceeded',
    'InvalidSnapshot.InUse',
    'OperationNotPermitted',
    'DependencyViolation',
  ],
  mismatch: ['IdempotentParameterMismatch'],
  image: [
    'InvalidAMIID.NotFound',
    'InvalidAMIID.Malformed',
    'InvalidAMIID.Unavailable',
    'UnsupportedInstanceTypeForImage',
  ],
};
const TRANSIENT = new Set(['InternalError', 'InternalFailure', 'Unavailable', 'ServiceUnavailable', 'RequestExpired']);

/** An error of EC2 (or of the way to it), classified. `code` is EC2's own. */
export class Ec2Fault extends Error {
  override readonly name = 'Ec2Fault';
  readonly class: Ec2FaultClass;
  readonly code: string;
  /** Whether the same call may work by itself later. */
  readonly retryable: boolean;
  /** The API call that failed. */
  readonly api: string;

  constructor(api: string, code: string, message: string, options: { class?: Ec2FaultClass; cause?: unknown } = {}) {
    super(`${api}: ${code}: ${message}`, { cause: options.cause });
    this.api = api;
    this.code = code;
    this.class = options.class ?? classOf(code, message);
    this.retryable = ['throttle', 'transient', 'consistency', 'state'].includes(this.class);
  }
}

/** The class of an EC2 error code; unknown codes need an administrator. */
export function classOf(code: string, message = ''): Ec2FaultClass {
  for (const [name, codes] of Object.entries(CLASSES)) if (codes.includes(code)) return name as Ec2FaultClass;
  if (TRANSIENT.has(code)) return 'transient';
  // IAM takes some seconds to tell EC2 of a new instance profile.
  if (code === 'InvalidParameterValue' && /Invalid IAM Instance Profile/i.test(message)) return 'consistency';
  return 'config';
}

/** Wraps whatever the SDK threw. Aborts pass through unchanged. */
export function toFault(api: string, error: unknown): unknown {
  if (error instanceof Ec2Fault) return error;
  const {
    name = '',
    message = String(error),
    $metadata,
    code,
  } = error as {
    name?: string;
    message?: string;
    code?: string;
    $metadata?: { httpStatusCode?: number };
  };
  if (name === 'AbortError') return error;
  const status = $metadata?.httpStatusCode;
  if (name === 'CredentialsProviderError' || name === 'ExpiredToken' || name === 'ExpiredTokenException') {
    return new Ec2Fault(api, 'AuthFailure', message, { class: 'config', cause: error });
  }
  if (status === undefined || (name === 'Error' && code)) {
    // No answer of EC2: the network, a time-out, an answer cut off. The work may have been done.
    return new Ec2Fault(api, code ?? name, message, { class: 'transient', cause: error });
  }
  const known = classOf(name, message);
  const kind = known === 'config' && status >= 500 ? 'transient' : known;
  return new Ec2Fault(api, name, message, { class: kind, cause: error });
}

/** The class the hub understands. */
export const SDK_CLASS: Readonly<Record<Ec2FaultClass, FaultClass>> = {
  throttle: 'transient',
  transient: 'transient',
  consistency: 'transient',
  state: 'transient',
  mismatch: 'transient',
  capacity: 'capacity',
  quota: 'quota',
  config: 'config',
  image: 'image',
};
