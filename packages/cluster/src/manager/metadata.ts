import { ClusterError } from '../config.ts';

const BASE = 'http://169.254.169.254';
const TIMEOUT_MS = 5_000;

/** Who this machine is, by the metadata service (version 2 only). */
export async function instanceFacts(base = BASE): Promise<{ instanceId: string; region: string; privateIp: string }> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const ask = async (path: string, init: RequestInit) => {
    const answer = await fetch(new URL(path, base), { ...init, signal }).catch((cause) => {
      throw new ClusterError('This is no machine on AWS: its metadata service does not answer.', { cause });
    });
    if (!answer.ok) throw new ClusterError(`The metadata service answers ${answer.status} for ${path}.`);
    return answer.text();
  };
  const token = await ask('/latest/api/token', {
    method: 'PUT',
    headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '60' },
  });
  const document = await ask('/latest/dynamic/instance-identity/document', {
    headers: { 'X-aws-ec2-metadata-token': token },
  });
  const { instanceId, region, privateIp } = JSON.parse(document) as Record<string, string>;
  if (!instanceId || !region || !privateIp)
    throw new ClusterError('The identity document of this machine is not complete.');
  return { instanceId, region, privateIp };
}
