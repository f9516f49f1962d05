export { commandRoutes } from './commands/commands.routes.ts';
export { runVerb } from './commands/commands.service.ts';
export { ConfigError, type LoadedConfig, loadConfig } from './config/load.ts';
export { defineConfig, type HubConfig, type HubConfigInput, HubConfigSchema } from './config/schema.ts';
export type { AppContext } from './context.ts';
export { copyDatabase } from './db/copy.ts';
export { createHub, type Hub, type HubOptions, type Listen } from './hub.ts';
export { createFirstAdminLink } from './login/links.service.ts';
export { type ContextOptions, openContext } from './open-context.ts';
