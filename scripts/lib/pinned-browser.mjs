import { createHash, X509Certificate } from 'node:crypto';
import { request } from 'node:https';

/**
 * A person at a hub whose certificate nobody signed: every connection must show the key of `fingerprint` (`sha256/…` of
 * it), before anything is sent.
 */
export function pinnedBrowser(origin, fingerprint) {
  const cookies = new Map();

  function send(method, path, { headers = {}, body } = {}) {
    return new Promise((resolve, reject) => {
      const url = new URL(path, origin);
      const jar = [...cookies.values()].filter((one) => url.pathname.startsWith(one.path));
      const cookie = jar.map(({ name, value }) => `${name}=${value}`).join('; ');
      const asked = request(url, {
        method,
        agent: false,
        rejectUnauthorized: false,
        timeout: 60_000,
        headers: { ...(cookie ? { cookie } : {}), ...headers },
      });
      asked.on('socket', (socket) =>
        socket.on('secureConnect', () => {
          const key = new X509Certificate(socket.getPeerCertificate().raw).publicKey.export({
            type: 'spki',
            format: 'der',
          });
          const seen = `sha256/${createHash('sha256').update(key).digest('base64')}`;
          if (seen !== fingerprint) asked.destroy(new Error(`The hub shows another certificate (${seen})`));
          else asked.end(body);
        }),
      );
      asked.on('timeout', () => asked.destroy(new Error('The hub does not answer')));
      asked.on('error', reject);
      asked.on('response', (answer) => {
        for (const line of answer.headers['set-cookie'] ?? []) keep(line);
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        answer.on('end', () => resolve({ status: answer.statusCode, text }));
      });
    });
  }

  function keep(line) {
    const [pair, ...attributes] = line.split(/; */);
    const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/';
    cookies.set(`${name} ${path}`, { name, path, value });
  }

  const xsrf = () => [...cookies.values()].find(({ name }) => name === '_xsrf')?.value ?? '';

  async function json(method, path, headers, body) {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const { status, text } = await send(method, path, { headers: { ...headers, ...type }, ...sent });
    if (status >= 400) throw new Error(`${method} ${path} answers ${status}: ${text.slice(0, 300)}`);
    return text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : {};
  }

  return {
    async signIn(username, password) {
      await send('GET', '/hub/login');
      const body = new URLSearchParams({ _xsrf: xsrf(), username, password }).toString();
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(body),
      };
      const { status } = await send('POST', '/hub/login', { headers, body });
      if (status !== 302 && status !== 303) throw new Error(`The sign-in answers ${status}`);
    },
    /** The hub's REST API, as the person who signed in. */
    api: (method, path, body) => json(method, `/hub/api/${path}`, { 'x-xsrftoken': xsrf() }, body),
    /** The person's own server. */
    server: (method, user, path, token, body) =>
      json(method, `/user/${user}/${path}`, { authorization: `token ${token}` }, body),
  };
}
