export * from './authenticator.ts';
export * from './clock.ts';
export * from './errors.ts';
export * from './helper.ts';
export * from './log.ts';
export * from './routes.ts';
export * from './secret.ts';
export * from './spawner.ts';
