import { cpus, loadavg, release, totalmem } from 'node:os';
import { JUPYTERHUB, PROXY } from './jupyterhub.ts';

/** What figures were measured on. */
export interface Hardware {
  cpu: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  /** 1-minute load average at the end: what else went on. */
  load: number;
}

/** What the figures of two hubs were measured on. */
export interface Machine extends Hardware {
  jupyterhub: string;
  configurableHttpProxy: string;
}

export function hardwareFacts(): Hardware {
  const all = cpus();
  return {
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    load: loadavg()[0] ?? 0,
  };
}

export function machineFacts(): Machine {
  return { ...hardwareFacts(), jupyterhub: JUPYTERHUB, configurableHttpProxy: PROXY };
}

/** In a few words. */
export function describeHardware({ cpu, cores, memoryGiB, kernel, node, load }: Hardware): string {
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB; Linux ${kernel}; Node ${node}; load average at the end ${load.toFixed(1)}`;
}

/** In one sentence. */
export function describe(machine: Machine): string {
  const { jupyterhub, configurableHttpProxy } = machine;
  return `${describeHardware(machine)}; JupyterHub ${jupyterhub} with configurable-http-proxy ${configurableHttpProxy}`;
}
