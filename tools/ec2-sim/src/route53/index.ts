import { randomBytes } from 'node:crypto';
import { XMLParser } from 'fast-xml-parser';
import {
  ApiError,
  type Service,
  type ServiceCall,
  type ServiceContext,
  type ServiceReply,
} from '../services/service.ts';
import { type XmlValue, xml } from '../services/xml.ts';
import { actionsOf } from './actions.ts';
import { type HostedZone, newZone } from './zones.ts';

const NAMESPACE = 'https://route53.amazonaws.com/doc/2013-04-01/';

/** The REST routes: method, path, action, query parameters it takes. */
const ROUTES: { method: string; path: RegExp; action: string; query: string[] }[] = [
  {
    method: 'GET',
    path: /^\/hostedzonesbyname$/,
    action: 'ListHostedZonesByName',
    query: ['dnsname', 'hostedzoneid', 'maxitems'],
  },
  { method: 'GET', path: /^\/hostedzone\/([^/]+)$/, action: 'GetHostedZone', query: [] },
  {
    method: 'GET',
    path: /^\/hostedzone\/([^/]+)\/rrset$/,
    action: 'ListResourceRecordSets',
    query: ['name', 'type', 'maxitems'],
  },
  { method: 'POST', path: /^\/hostedzone\/([^/]+)\/rrset$/, action: 'ChangeResourceRecordSets', query: [] },
  { method: 'GET', path: /^\/change\/([^/]+)$/, action: 'GetChange', query: [] },
];

export interface Route53 {
  service: Service;
  zones: Map<string, HostedZone>;
  /** Makes a hosted zone, as somebody did in the console long ago; answers its id. */
  addZone(name: string, options?: { private?: boolean }): string;
}

/** Route 53 as far as a cluster uses it: finding a zone, changing a record, waiting until the change is everywhere. */
export function createRoute53(context: ServiceContext): Route53 {
  const zones = new Map<string, HostedZone>();
  const actions = actionsOf(zones, context);
  const parser = new XMLParser({ parseTagValue: false, ignoreAttributes: true });
  const answer = (status: number, body: string): ServiceReply => ({
    status,
    headers: { 'content-type': 'text/xml' },
    body,
  });

  function refuse(kind: 'action' | 'parameter', action: string, text: string): never {
    context.violation(kind, `route53:${action}`, text);
    throw new ApiError('InvalidInput', text);
  }

  function read(request: { method: string; path: string; body: string }): ServiceCall {
    const url = new URL(request.path, 'http://route53');
    const path = url.pathname.replace(/^\/2013-04-01/, '').replace(/\/$/, '');
    const route = ROUTES.find((candidate) => candidate.method === request.method && candidate.path.test(path));
    if (!route) return refuse('action', `${request.method} ${path}`, 'unknown action');
    const parameters: Record<string, unknown> = {};
    const [, Id] = route.path.exec(path) ?? [];
    if (Id) parameters.Id = decodeURIComponent(Id);
    for (const [key, value] of url.searchParams) {
      if (!route.query.includes(key)) refuse('parameter', route.action, `unknown parameter ${key}`);
      parameters[key] = value;
    }
    if (request.body)
      Object.assign(
        parameters,
        Object.values(parser.parse(request.body) as Record<string, object>).find((node) => typeof node === 'object'),
      );
    return { action: route.action, parameters };
  }

  return {
    zones,
    addZone(name, options = {}) {
      const id = `Z${randomBytes(10).toString('hex').toUpperCase()}`;
      zones.set(id, newZone(name, id, options.private ?? false));
      return id;
    },
    service: {
      read,
      run({ action, parameters }) {
        const result: XmlValue = actions[action]?.(parameters) ?? {};
        return answer(200, xml(`${action}Response`, result).replace(/^<(\w+)>/, `<$1 xmlns="${NAMESPACE}">`));
      },
      fail(error) {
        const RequestId = randomBytes(16).toString('hex');
        const body = xml('Error', { Type: 'Sender', Code: error.code, Message: error.message });
        return answer(
          error.status,
          `<ErrorResponse xmlns="${NAMESPACE}">${body}${xml('RequestId', RequestId)}</ErrorResponse>`,
        );
      },
    },
  };
}
