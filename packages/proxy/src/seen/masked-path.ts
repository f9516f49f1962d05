/** Longer than any address that a person reads; what is beyond says nothing more. */
const MOST_CHARS = 1024;
/** In the place of what is not written down. */
const HIDDEN = '*';
const PLAIN_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,31}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** No part of it is long enough to be a token, and none holds a value. */
const SHORT = /^(?:\/[^/=]{0,19})+$/;
/** Tokens have no blanks and are long. File names that look like one are hidden with them. */
const LONG = /[A-Za-z0-9_\-+/=|:~]{20,}/g;
/** Words have one kind of characters, tokens have several. */
const KINDS = [/[0-9]/, /[a-z]/, /[A-Z]/];
/** JupyterHub has tokens and cookies in these paths. */
const AFTER_SECRET = /(\/api\/authorizations\/(?:token|cookie)\/).+$/;

/**
 * The path of a request for a log that more people read than may know tokens: of the query the names alone (`?code=*`), and
 * of the path everything but what may be a secret. Kernels and sessions go by UUIDs, which open nothing by themselves.
 * @param prefix of the route, which is somebody's name and no secret, however long
 */
export function maskedPath(target: string, prefix = ''): string {
  const at = target.indexOf('?');
  const path = at < 0 ? target : target.slice(0, at);
  const fields = at < 0 ? [] : target.slice(at + 1).split('&');
  const whole = maskedPart(path, prefix) + (at < 0 ? '' : `?${fields.map(maskedField).join('&')}`);
  return whole.length > MOST_CHARS ? `${whole.slice(0, MOST_CHARS)}…` : whole;
}

function maskedPart(path: string, prefix: string): string {
  if (SHORT.test(path) && !path.includes('/api/authorizations/')) return path;
  const known = prefix.split('/').length;
  return path
    .replace(AFTER_SECRET, `$1${HIDDEN}`)
    .split('/')
    .map((segment, index) => (index < known ? segment : maskedSegment(segment)))
    .join('/');
}

function maskedSegment(segment: string): string {
  if (segment.length < 20 && !segment.includes('=')) return segment;
  const equals = segment.indexOf('=');
  // `;token=abc`, as some write what others put into the query.
  if (equals >= 0) return `${maskedSegment(segment.slice(0, equals))}=${HIDDEN}`;
  let text: string;
  try {
    text = decodeURIComponent(segment);
  } catch {
    return HIDDEN;
  }
  if (UUID.test(text)) return segment;
  const runs = text.match(LONG) ?? [];
  return runs.some((run) => KINDS.filter((kind) => kind.test(run)).length > 1) ? HIDDEN : segment;
}

function maskedField(field: string): string {
  const equals = field.indexOf('=');
  if (equals < 0) return field === '' ? '' : HIDDEN;
  const name = field.slice(0, equals);
  return `${PLAIN_NAME.test(name) ? name : HIDDEN}=${HIDDEN}`;
}
