// The server of people and services in the contract's tests: says what it was given, behaves by the name of its user.
import { createServer } from 'node:http';

const { env } = process;
const user = env.JUPYTERHUB_USER ?? '';
const prefix = env.JUPYTERHUB_SERVICE_PREFIX ?? '/';

if (user.startsWith('exit-')) process.exit(3);
// Held until the test lets it go on.
if (user.startsWith('held-')) await fetch(`${env.CONTRACT_GATE}/${user}`);

// What a real server asks first, without any credentials.
const hub = await fetch(env.JUPYTERHUB_API_URL);
const version = hub.headers.get('x-jupyterhub-version') ?? '';
let probes = 0;

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://tiny');
  const answer = (status, value) => {
    const says = user.startsWith('nameless-') ? {} : { 'x-jupyterhub-version': version };
    response.writeHead(status, { 'content-type': 'application/json', ...says });
    response.end(JSON.stringify(value));
  };
  if (pathname === `${prefix}api`) {
    probes += 1;
    if (user.startsWith('mute-')) return answer(503, {});
    if (user.startsWith('sick-')) return answer(probes > 3 ? 403 : 503, {});
  }
  if (pathname === `${prefix}probes`) return answer(200, { probes });
  if (pathname === `${prefix}arguments`) return answer(200, process.argv.slice(2));
  if (pathname === `${prefix}env`) return answer(200, env);
  if (pathname === `${prefix}answer`) return answer(Number(searchParams.get('status')), {});
  if (pathname === `${prefix}pid`) return answer(200, { pid: process.pid, cwd: process.cwd() });
  if (pathname === `${prefix}end`) {
    response.on('finish', () => process.exit(4));
    return answer(200, {});
  }
  if (pathname === `${prefix}first`) return answer(200, { status: hub.status });
  return answer(200, { method: request.method, url: request.url, headers: request.headers });
});
server.on('upgrade', (_request, socket) => {
  socket.on('error', () => {});
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  socket.pipe(socket);
});
if (env.ATRIUM_SOCKET) server.listen(env.ATRIUM_SOCKET);
else server.listen(Number(new URL(env.JUPYTERHUB_SERVICE_URL).port), '127.0.0.1');
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, async () => {
    // Takes its time, until the test lets it end.
    if (/^(slow|linger)-/.test(user)) await fetch(`${env.CONTRACT_GATE}/held-${user}`).catch(() => {});
    process.exit(0);
  });
}
