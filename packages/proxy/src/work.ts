/**
 * Tells a person's work from what an open JupyterLab tab asks for by itself. An open tab must not keep a server running;
 * a request counts as work unless it is known not to. Paths are raw, relative to the server's prefix.
 */

/** Read by a tab that nobody looks at: lists it refreshes, what it fetches again after the laptop woke up, its statics. */
const POLLED =
  /^(?:api\/(?:kernels|terminals|sessions|status|kernelspecs|me|metrics|events|contents|security)(?=$|[/?])|api\/?(?:$|\?)|lab\/(?:api|static|extensions)\/|static\/|kernelspecs\/|metrics(?=$|[/?])|lsp\/status)/;

/** JupyterLab's Git panel asks for these every few seconds, by POST. */
const POLLED_POST = /^(?:git\/.*(?:status|branch|changed_files|tags|stash)(?:$|\?)|api\/security\/csp-report)/;

/** JupyterLab saves its layout every ten seconds, whether or not anybody touched it. */
const LAYOUT = /^lab\/api\/workspaces\//;

/** Opening a document names its type; refreshing a folder does not, or says `directory`. */
const OPENS_DOCUMENT = /[?&]type=(?:notebook|file)(?:&|$)/;

/** @param rest path and query behind the prefix and its slash: `api/kernels?1700000000` */
export function isWork(method: string, rest: string): boolean {
  if (method === 'GET' || method === 'HEAD') {
    if (rest.startsWith('api/contents/')) return OPENS_DOCUMENT.test(rest) && !/[?&]content=0(?:&|$)/.test(rest);
    return !POLLED.test(rest);
  }
  if (method === 'PUT' && LAYOUT.test(rest)) return false;
  return !(method === 'POST' && POLLED_POST.test(rest));
}

/** What the client's bytes on an upgraded connection mean. */
export type SocketKind = 'work' | 'quiet' | 'room';

/** `quiet`: nothing on it is work. `room`: a shared document, where presence is told apart from editing. */
export function socketKind(rest: string): SocketKind {
  if (rest.startsWith('api/events/')) return 'quiet';
  return rest.startsWith('api/collaboration/room') ? 'room' : 'work';
}

/**
 * Whether bytes that a client sent on a websocket are work. They are looked at, not parsed: a frame nearly always begins
 * where its chunk does, and where it does not, work is the safe answer.
 */
export function isSocketWork(kind: SocketKind, chunk: Buffer): boolean {
  if (kind === 'quiet') return false;
  const opcode = chunk[0]! & 0x0f;
  // Close, ping and pong: a browser answers the server's pings by itself, forever.
  if (opcode >= 0x8 && opcode <= 0xa && chunk.length < 140) return false;
  return kind === 'work' || firstPayloadByte(chunk) !== 1;
}

/** Of a masked frame; 1 is "awareness" in the messages of a shared document: who is there, sent every few seconds. */
function firstPayloadByte(frame: Buffer): number | undefined {
  const short = frame[1]! & 0x7f;
  const mask = 2 + (short === 127 ? 8 : short === 126 ? 2 : 0);
  const byte = frame[mask + 4];
  return byte === undefined ? undefined : byte ^ frame[mask]!;
}

/**
 * Path and query behind a route's prefix and its slash. The path may be written with escapes where the prefix is not, so
 * segments are counted.
 */
export function relativePath(target: string, prefix: string): string {
  let at = 0;
  for (let slash = prefix.indexOf('/'); slash >= 0 && at >= 0; slash = prefix.indexOf('/', slash + 1)) {
    at = target.indexOf('/', at + 1);
  }
  return at < 0 ? '' : target.slice(at + 1);
}
