import { AcmeProblem } from '../client/problem.ts';
import type { Words } from '../settings.ts';

const NO_CREDENTIALS = /CredentialsProviderError|TokenProviderError/;
const BAD_CREDENTIALS =
  /^(InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch|ExpiredToken|ExpiredTokenException|InvalidSignatureException)$/;
const DENIED = /^(AccessDenied|AccessDeniedException)$/;
const UNREACHABLE = /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/;
const MAX_CHARS = 500;

/** What AWS refused, or why it was not asked, as a sentence for whoever set it up. @param zoneId of the settings */
export function route53Problem(cause: Error, zoneId: string | undefined, words: Words): AcmeProblem {
  // Somebody else's words: one line, and not without end.
  const said = cause.message.replace(/\s+/g, ' ').slice(0, MAX_CHARS);
  return new AcmeProblem(textOf(cause, said, zoneId, words), { cause });
}

function textOf(cause: Error & { code?: string }, said: string, zoneId: string | undefined, words: Words): string {
  const { name, code = '' } = cause;
  if (NO_CREDENTIALS.test(name)) {
    return `No AWS credentials were found for Route 53: give the machine a role, or the ${words.program} AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile. (${said})`;
  }
  if (DENIED.test(name)) return `AWS does not allow the ${words.program} what Route 53 needs: ${said}`;
  if (BAD_CREDENTIALS.test(name)) return `AWS does not take the credentials for Route 53: ${said}`;
  if (name === 'NoSuchHostedZone' && zoneId !== undefined) {
    return `There is no zone ${zoneId} in Route 53: look at ${words.zone}.`;
  }
  if (name === 'InvalidChangeBatch') return `Route 53 does not take the record: ${said}`;
  if (UNREACHABLE.test(code) || name === 'TimeoutError') return `Route 53 cannot be reached: ${said}`;
  return `Route 53: ${said} (${name})`;
}
