import { ClusterError } from '../config.ts';

/** AWS's own code of an error: `DependencyViolation`, `InvalidVpcID.NotFound`, …; empty when it is not AWS's. */
export function codeOf(error: unknown): string {
  const { name, Code, code } = (error ?? {}) as { name?: string; Code?: string; code?: string };
  return Code ?? (name && name !== 'Error' ? name : (code ?? ''));
}

/** It is not there, or not yet: AWS has a code of its own for every kind of thing. */
export const isNotFound = (error: unknown): boolean =>
  /NotFound|NoSuchEntity|ParameterNotFound|NoSuchHostedZone/.test(codeOf(error));

export const isThere = (error: unknown): boolean =>
  /\.Duplicate$|EntityAlreadyExists|AlreadyExists|ParameterAlreadyExists/.test(codeOf(error));

/** Something else still uses it. Normal for minutes after machines were terminated: their interfaces linger. */
export const isHeld = (error: unknown): boolean =>
  /DependencyViolation|DeleteConflict|InvalidIPAddress\.InUse|VolumeInUse|InvalidGroup\.InUse|InvalidSnapshot\.InUse/.test(
    codeOf(error),
  );

export const isDenied = (error: unknown): boolean =>
  /UnauthorizedOperation|AccessDenied|AccessDeniedException|NotAuthorized/.test(codeOf(error));

/** What `gone` gives when the call says that the thing is not there. */
export async function orGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /CredentialsProviderError|CredentialsError|TokenProviderError/,
    'No AWS credentials were found. Sign in as for the AWS command line: aws configure, aws sso login, or AWS_PROFILE.',
  ],
  [
    /ExpiredToken|RequestExpired|TokenRefreshRequired/,
    'The AWS credentials are out of date. Sign in again, for instance: aws sso login',
  ],
  [
    /InvalidClientTokenId|AuthFailure|SignatureDoesNotMatch|UnrecognizedClientException/,
    'AWS does not accept these credentials. Is it the right profile, and is the clock of this machine right?',
  ],
  [/OptInRequired/, 'The account is not yet signed up for this service, or the region is not enabled for it.'],
  [/RequestLimitExceeded|Throttling/, 'AWS asks for fewer calls. Wait a minute, then run the same command again.'],
  [/ENOTFOUND|ECONNREFUSED|EAI_AGAIN|TimeoutError/, 'AWS cannot be reached from here. Is the region spelt right?'],
];

/** An error in words for the person at the terminal; ours and unknown ones as they are. */
export function readable(error: unknown, doing = ''): Error {
  if (error instanceof ClusterError) return error;
  const { message = String(error) } = error as Error;
  const where = doing && `${doing}: `;
  if (/Region is missing/.test(message)) {
    return new ClusterError("No AWS region is set. Write cluster.region: 'eu-central-1', or set AWS_REGION.");
  }
  const code = codeOf(error);
  if (isDenied(error)) {
    return new ClusterError(
      `${where}AWS refuses this to your account (${code}): ${withoutBlob(message)}\n` +
        'The rights that are needed: atrium cluster plan --export policy',
    );
  }
  const advice = ADVICE.find(([pattern]) => pattern.test(code) || pattern.test(message))?.[1];
  if (advice) return new ClusterError(`${where}${advice} (${withoutBlob(message)})`);
  if ('$metadata' in (error as object)) return new ClusterError(`${where}${code}: ${withoutBlob(message)}`);
  return error as Error;
}

/** A refusal carries an encoded text of some kilobytes that only an administrator can read. */
const withoutBlob = (message: string) =>
  message
    .replace(/Encoded authorization failure message: \S+/, '')
    .trim()
    .slice(0, 400);
