import type { AuthRequest } from '../services/index.ts';

type Params = Record<string, unknown>;
type Place = { accountId: string; region: string };
/** ARN of the role or instance profile with a name; the path is part of it. */
type Arns = { role(name: string): string | undefined; profile(name: string): string | undefined };

/** Which rights a call to a service other than EC2 needs. */
export function serviceAuthorizations(
  service: string,
  action: string,
  params: Params,
  place: Place,
  arns: Arns,
): AuthRequest[] {
  const asking = (resources: string[], context: AuthRequest['context'] = {}): AuthRequest[] =>
    resources.map((resource) => ({ action: `${service}:${action}`, resource, context }));
  if (service === 'iam') return asking(iamResources(action, params, place, arns), tagContext(params.Tags));
  if (service === 'ssm') {
    const names = [params.Name ?? params.Names ?? params.Path ?? params.ResourceId ?? []].flat().map(String);
    return asking(
      names.map((name) => parameterArn(name, place)),
      tagContext(params.Tags),
    );
  }
  if (service === 'route53') {
    const id = String(params.Id ?? '').replace(/^\/?(hostedzone|change)\//, '');
    if (action === 'GetChange') return asking([`arn:aws:route53:::change/${id}`]);
    return asking([id === '' ? '*' : `arn:aws:route53:::hostedzone/${id}`]);
  }
  // Anybody may ask who he is: no policy can take that away.
  if (service === 'sts' && action === 'GetCallerIdentity') return [];
  return asking(['*']);
}

function parameterArn(name: string, { region, accountId }: Place): string {
  if (name.startsWith('arn:')) return name;
  const account = name.startsWith('/aws/') ? '' : accountId;
  const [plain = ''] = name.split(':');
  return `arn:aws:ssm:${region}:${account}:parameter/${plain.replace(/^\//, '')}`;
}

/** A thing that is created has its path in the call; one that is used has it in its ARN. */
function iamResources(action: string, params: Params, { accountId }: Place, arns: Arns): string[] {
  const base = `arn:aws:iam::${accountId}:`;
  const path = String(params.Path ?? '/');
  const { RoleName: role, InstanceProfileName: profile } = params as Record<string, string | undefined>;
  if (action.includes('InstanceProfile') && profile !== undefined)
    return [arns.profile(profile) ?? `${base}instance-profile${path}${profile}`];
  if (role !== undefined) return [arns.role(role) ?? `${base}role${path}${role}`];
  const kind = action.includes('InstanceProfile') ? 'instance-profile' : 'role';
  return [`${base}${kind}${params.PathPrefix ?? '/'}`];
}

function tagContext(tags: unknown): AuthRequest['context'] {
  const context: AuthRequest['context'] = {};
  if (!Array.isArray(tags) || tags.length === 0) return context;
  for (const { Key, Value } of tags as { Key: string; Value: string }[]) context[`aws:RequestTag/${Key}`] = Value;
  context['aws:TagKeys'] = (tags as { Key: string }[]).map(({ Key }) => Key);
  return context;
}
