import type { EC2 } from '@aws-sdk/client-ec2';
import type { IAM } from '@aws-sdk/client-iam';
import type { Pricing } from '@aws-sdk/client-pricing';
import type { Route53 } from '@aws-sdk/client-route-53';
import type { ServiceQuotas } from '@aws-sdk/client-service-quotas';
import type { SSM } from '@aws-sdk/client-ssm';
import type { STS } from '@aws-sdk/client-sts';

/** One client per service, loaded when first asked for. */
export interface Aws {
  ec2(): Promise<EC2>;
  iam(): Promise<IAM>;
  ssm(): Promise<SSM>;
  sts(): Promise<STS>;
  route53(): Promise<Route53>;
  pricing(): Promise<Pricing>;
  quotas(): Promise<ServiceQuotas>;
}

/** Something that every client has: where a test or a log listens. */
export interface AnyClient {
  middlewareStack: EC2['middlewareStack'];
}

/**
 * Clients that find credentials, region and endpoints the SDK's own way (environment, profile, SSO, instance role).
 * @param region wins over the SDK's own.
 * @param onClient called once for each client that is made.
 */
export function awsClients(region?: string, onClient: (client: AnyClient) => void = () => {}): Aws {
  const settings = { ...(region ? { region } : {}), maxAttempts: 5 };
  // The price list is served from a few regions only; what it answers is about all.
  const prices = { ...settings, region: 'us-east-1' };
  const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
    let made: Promise<T> | undefined;
    return () => {
      made ??= make().then((client) => {
        onClient(client as unknown as AnyClient); // the SDK's clients share no type that says what they have in common
        return client;
      });
      return made;
    };
  };
  return {
    ec2: once(async () => new (await import('@aws-sdk/client-ec2')).EC2(settings)),
    iam: once(async () => new (await import('@aws-sdk/client-iam')).IAM(settings)),
    ssm: once(async () => new (await import('@aws-sdk/client-ssm')).SSM(settings)),
    sts: once(async () => new (await import('@aws-sdk/client-sts')).STS(settings)),
    route53: once(async () => new (await import('@aws-sdk/client-route-53')).Route53(settings)),
    pricing: once(async () => new (await import('@aws-sdk/client-pricing')).Pricing(prices)),
    quotas: once(async () => new (await import('@aws-sdk/client-service-quotas')).ServiceQuotas(settings)),
  };
}
