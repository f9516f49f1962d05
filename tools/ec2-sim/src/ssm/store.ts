import { createHash } from 'node:crypto';
import { ApiError, type ServiceContext } from '../services/service.ts';

export interface Parameter {
  name: string;
  type: 'String' | 'StringList' | 'SecureString';
  value: string;
  version: number;
  modified: number;
  /** Values of versions 1, 2, … */
  history: string[];
  tags: Map<string, string>;
  description?: string;
  tier: string;
  dataType: string;
  keyId?: string;
}

/** Refuses a name as Parameter Store does. */
export function checkName(name: string): void {
  if (!/^[a-zA-Z0-9_.\-/]+$/.test(name))
    throw new ApiError(
      'ValidationException',
      'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_',
    );
  if (/^\/?(aws|ssm)/i.test(name))
    throw new ApiError('AccessDeniedException', `No access to reserved parameter name: ${name}.`);
  if (name.includes('/') && !name.startsWith('/'))
    throw new ApiError('ValidationException', 'Parameter name must be a fully qualified name.');
  if (name.split('/').length > 16)
    throw new ApiError('HierarchyLevelLimitExceededException', 'The hierarchy is deeper than 15 levels.');
}

/** What a reader without decryption gets of a SecureString. */
const sealed = (parameter: Parameter): string =>
  createHash('sha512').update(`${parameter.keyId}:${parameter.value}`).digest('base64');

/** A parameter as answers show it; `version` asks for an older one. */
export function showParameter(parameter: Parameter, decrypt: boolean, context: ServiceContext, version?: number) {
  const number = version ?? parameter.version;
  const value = parameter.history[number - 1] ?? parameter.value;
  const arnRegion = parameter.name.startsWith('/aws/')
    ? `${context.region}:`
    : `${context.region}:${context.accountId}`;
  return {
    Name: parameter.name,
    Type: parameter.type,
    Value: parameter.type === 'SecureString' && !decrypt ? sealed(parameter) : value,
    Version: number,
    LastModifiedDate: parameter.modified / 1000,
    ARN: `arn:aws:ssm:${arnRegion}:parameter${parameter.name.startsWith('/') ? '' : '/'}${parameter.name}`,
    DataType: parameter.dataType,
  };
}
