export * from './abandon.ts';
export * from './io.ts';
export * from './spawner.ts';
