/** What a configuration file imports. */
export { password } from '@atrium/auth-password';
export { sharedPassword } from '@atrium/auth-shared-password';
export { defineConfig } from '@atrium/hub/config';
export { Secret } from '@atrium/sdk';
export { ec2Spawner } from '@atrium/spawner-ec2';
export { echoSpawner } from '@atrium/spawner-echo';
export { processSpawner } from '@atrium/spawner-process';
export { secret } from './secret.ts';
