export { type AgentConfig, parseConfig } from './config.ts';
export { AgentError, StartFault } from './errors.ts';
export { type Launch, launchChild, type RunningServer } from './machine/folders/child.ts';
export { foldersMachine } from './machine/folders/index.ts';
export { linuxMachine } from './machine/linux/index.ts';
export type { Account, Machine, ServerSpec, ServerState, Volume } from './machine/machine.ts';
export { type AgentDeps, type AgentEnd, runAgent } from './run-agent.ts';
export { VERSION } from './version.ts';
