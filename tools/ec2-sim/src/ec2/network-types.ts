import type { Resource } from '../world.ts';

export interface SimVpc extends Resource {
  cidr: string;
  isDefault: boolean;
  dnsSupport: boolean;
  dnsHostnames: boolean;
}

export interface SimSubnet extends Resource {
  vpcId: string;
  zone: string;
  cidr: string;
  isDefault: boolean;
  mapPublicIp: boolean;
}

export interface SimRule extends Resource {
  groupId: string;
  egress: boolean;
  protocol: string;
  fromPort?: number;
  toPort?: number;
  cidr?: string;
  cidr6?: string;
  prefixListId?: string;
  sourceGroup?: string;
  description?: string;
}

export interface SimGroup extends Resource {
  name: string;
  description: string;
  vpcId: string;
  rules: Map<string, SimRule>;
}

export interface SimGateway extends Resource {
  vpcId?: string;
}

export interface SimRoute {
  destination: string;
  target: string;
  origin: 'CreateRouteTable' | 'CreateRoute';
}

export interface SimRouteTable extends Resource {
  vpcId: string;
  routes: SimRoute[];
  associations: { id: string; subnetId?: string; main: boolean }[];
}

export interface SimNat extends Resource {
  subnetId: string;
  vpcId: string;
  state: 'pending' | 'available' | 'deleting' | 'deleted' | 'failed';
  allocationId?: string;
  interfaceId: string;
  privateIp: string;
  connectivity: 'public' | 'private';
  clientToken?: string;
}

export interface SimEndpoint extends Resource {
  vpcId: string;
  service: string;
  kind: 'Gateway' | 'Interface';
  state: 'pending' | 'available' | 'deleting';
  routeTableIds: string[];
  subnetIds: string[];
  groupIds: string[];
  interfaceIds: string[];
  policy?: string;
}

export interface SimAddress extends Resource {
  publicIp: string;
  instanceId?: string;
  interfaceId?: string;
  associationId?: string;
  privateIp?: string;
}

export interface SimInterface extends Resource {
  subnetId: string;
  vpcId: string;
  zone: string;
  privateIp: string;
  publicIp?: string;
  groups: string[];
  description: string;
  kind: 'interface' | 'nat_gateway' | 'vpc_endpoint';
  requesterManaged: boolean;
  instanceId?: string;
  attachmentId?: string;
  status: 'in-use' | 'available' | 'detaching';
  deleteOnTermination: boolean;
}
