// A service as somebody would write one: shows its environment, or only notes that it runs.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { PIDS, JUPYTERHUB_SERVICE_URL: url } = process.env;
if (PIDS) appendFileSync(PIDS, `${process.pid}\n`);
if (url) {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ pid: process.pid, path: request.url, env: process.env }));
  });
  server.listen(Number(new URL(url).port), new URL(url).hostname);
} else setInterval(() => {}, 60_000);
console.log('small service: begun');
