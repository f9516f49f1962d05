import { defineConfig, password, processSpawner, secret } from 'atrium';

/** A department's hub behind a front server with TLS: people sign up, an administrator approves. */
export default defineConfig({
  publicUrl: 'https://notebooks.example.org',
  trustedProxies: ['127.0.0.1'],
  database: secret.env('ATRIUM_DATABASE'),
  authenticator: password({ signUp: 'approval', minLength: 12 }),
  spawner: processSpawner({ limits: { memoryMb: 2048, cpus: 2 }, defaultUrl: '/lab' }),
  access: { adminUsers: ['ada'] },
  start: { concurrency: 8 },
  idle: { stopAfter: '2h', maxAge: '2d' },
  branding: { name: 'Notebooks', contact: 'notebooks@example.org' },
});
