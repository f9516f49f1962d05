import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import type { InstanceRunner } from '@atrium/ec2-sim';

/**
 * Small machines for a simulated region: an image's maker switches itself off when it is done, and a manager answers for
 * its health over HTTPS once the hub's disk is attached, with a certificate that it keeps on that disk. Others do nothing.
 */
export function smallMachines(port = 443): InstanceRunner {
  const managers = new Map<string, { server: Server; looking: NodeJS.Timeout }>();
  return {
    async boot(machine) {
      const { userData = '' } = machine;
      if (userData.includes('atrium-image.sh')) {
        machine.console('atrium-image: ready');
        await machine.powerOff();
        return;
      }
      if (!userData.includes('atrium-manager.sh')) return;
      machine.console('atrium-manager: system packages');
      const server = createServer((request, response) => {
        response.writeHead(request.url === '/hub/health' ? 200 : 404).end();
      });
      // The disk comes after the machine: it is looked for as a manager looks for it.
      const looking = setInterval(() => {
        const [disk] = machine.volumes();
        if (!disk || server.listening) return;
        clearInterval(looking);
        server.setSecureContext(certificateOn(disk.dir));
        server.on('error', (error) => machine.console(error.message));
        server.listen(port, machine.privateIp);
      }, 5);
      managers.set(machine.instanceId, { server, looking });
    },
    async halt({ instanceId }) {
      const manager = managers.get(instanceId);
      managers.delete(instanceId);
      if (!manager) return;
      clearInterval(manager.looking);
      manager.server.closeAllConnections();
      await new Promise((resolve) => manager.server.close(resolve));
    },
  };
}

function certificateOn(dir: string): { key: string; cert: string } {
  const at = { key: join(dir, 'key.pem'), cert: join(dir, 'cert.pem') };
  const read = () => ({ key: readFileSync(at.key, 'utf8'), cert: readFileSync(at.cert, 'utf8') });
  try {
    return read();
  } catch {
    execFileSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '90'],
      ...['-subj', '/CN=manager', '-keyout', at.key, '-out', at.cert],
    ]);
    return read();
  }
}
