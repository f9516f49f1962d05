import { defineConfig, secret } from 'atrium';
import { codes } from './codes.ts';

export default defineConfig({
  authenticator: codes({ codes: { ada: secret.env('ADA_CODE') } }),
  access: { allowedGroups: ['on-paper'], adminUsers: ['ada'] },
});
