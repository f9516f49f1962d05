import { defineConfig, processSpawner, secret, sharedPassword } from 'atrium';

/** One afternoon: everybody has the same password, the teacher one of their own, and nothing outlives the day. */
export default defineConfig({
  host: '0.0.0.0',
  authenticator: sharedPassword({
    password: secret.env('WORKSHOP_PASSWORD'),
    staff: { teacher: secret.env('TEACHER_PASSWORD') },
  }),
  spawner: processSpawner({ limits: { memoryMb: 1024 } }),
  access: { allowAll: true },
  idle: { stopAfter: '30m', maxAge: '12h' },
  onUserDelete: 'delete-home',
});
