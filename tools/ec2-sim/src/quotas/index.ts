import { type JsonAction, jsonService } from '../services/json-service.ts';
import { ApiError, type Service, type ServiceContext } from '../services/service.ts';

/** The quotas a class meets, with the values a new account often starts with. */
export const QUOTAS = [
  {
    code: 'L-1216C47A',
    service: 'ec2',
    name: 'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances',
    value: 1152,
  },
  { code: 'L-DB2E81BA', service: 'ec2', name: 'Running On-Demand G and VT instances', value: 0 },
  { code: 'L-417A185B', service: 'ec2', name: 'Running On-Demand P instances', value: 0 },
  {
    code: 'L-34B43A08',
    service: 'ec2',
    name: 'All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests',
    value: 1152,
  },
  { code: 'L-3819A6DF', service: 'ec2', name: 'All G and VT Spot Instance Requests', value: 0 },
  { code: 'L-0263D0A3', service: 'ec2', name: 'EC2-VPC Elastic IPs', value: 5 },
  { code: 'L-F678F1CE', service: 'vpc', name: 'VPCs per Region', value: 5 },
  { code: 'L-A4707A72', service: 'vpc', name: 'Internet gateways per Region', value: 5 },
  { code: 'L-FE5A380F', service: 'vpc', name: 'NAT gateways per Availability Zone', value: 5 },
  { code: 'L-7A658B76', service: 'ebs', name: 'Storage for General Purpose SSD (gp3) volumes, in TiB', value: 50 },
  { code: 'L-309BACF6', service: 'ebs', name: 'Snapshots per Region', value: 100_000 },
] as const;

/** Service Quotas. `setTo` gives a quota another value than a new account has. */
export function createQuotas(
  context: ServiceContext,
  setTo: (code: string) => number | undefined = () => undefined,
): { service: Service } {
  const show = (quota: (typeof QUOTAS)[number], value: number) => ({
    ServiceCode: quota.service,
    QuotaArn: `arn:aws:servicequotas:${context.region}:${context.accountId}:${quota.service}/${quota.code}`,
    QuotaCode: quota.code,
    QuotaName: quota.name,
    Value: value,
    Unit: 'None',
    Adjustable: true,
    GlobalQuota: false,
  });
  const find = (input: Record<string, unknown>) => {
    const quota = QUOTAS.find(({ code, service }) => code === input.QuotaCode && service === input.ServiceCode);
    if (!quota)
      throw new ApiError('NoSuchResourceException', 'The request failed because the specified quota does not exist.');
    return quota;
  };
  const actions: Record<string, JsonAction> = {
    GetServiceQuota: {
      parameters: ['ServiceCode!', 'QuotaCode!'],
      run(input) {
        const quota = find(input);
        return { Quota: show(quota, setTo(quota.code) ?? quota.value) };
      },
    },
    GetAWSDefaultServiceQuota: {
      parameters: ['ServiceCode!', 'QuotaCode!'],
      run(input) {
        const quota = find(input);
        return { Quota: show(quota, quota.value) };
      },
    },
    ListServiceQuotas: {
      parameters: ['ServiceCode!', 'MaxResults', 'NextToken'],
      run(input) {
        const most = Number(input.MaxResults ?? 100);
        const from = Number(input.NextToken ?? 0);
        const all = QUOTAS.filter(({ service }) => service === input.ServiceCode);
        return {
          Quotas: all.slice(from, from + most).map((quota) => show(quota, setTo(quota.code) ?? quota.value)),
          ...(all.length > from + most ? { NextToken: String(from + most) } : {}),
        };
      },
    },
  };
  return { service: jsonService('servicequotas', actions, context) };
}
