import type { JsonAction } from '../services/json-service.ts';
import { ApiError, type ServiceContext } from '../services/service.ts';
import { type Parameter, showParameter } from './store.ts';

/** Most names or results of one call. */
const MOST = 10;

/** The reading actions of Parameter Store. */
export function readActions(parameters: Map<string, Parameter>, context: ServiceContext): Record<string, JsonAction> {
  /** A parameter by `name` or `name:version`. */
  const find = (reference: string, decrypt: boolean) => {
    const [name = '', version] = reference.replace(/^arn:aws:ssm:[^:]*:[^:]*:parameter/, '').split(':');
    const parameter = parameters.get(name) ?? parameters.get(name.slice(1));
    if (!parameter) return undefined;
    if (version === undefined) return showParameter(parameter, decrypt, context);
    const number = Number(version);
    if (!Number.isInteger(number) || number < 1 || number > parameter.version)
      throw new ApiError('ParameterVersionNotFound', `Systems Manager could not find version ${version} of ${name}.`);
    return showParameter(parameter, decrypt, context, number);
  };
  return {
    GetParameter: {
      parameters: ['Name!', 'WithDecryption'],
      run(input) {
        const Parameter = find(String(input.Name), input.WithDecryption === true);
        if (!Parameter) throw new ApiError('ParameterNotFound', `Parameter ${input.Name} not found.`);
        return { Parameter };
      },
    },
    GetParameters: {
      parameters: ['Names!', 'WithDecryption'],
      run(input) {
        const names = input.Names as string[];
        if (names.length > MOST)
          throw new ApiError(
            'ValidationException',
            `1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length less than or equal to ${MOST}`,
          );
        const found = names.map((name) => find(name, input.WithDecryption === true));
        return {
          Parameters: found.filter((parameter) => parameter !== undefined),
          InvalidParameters: names.filter((_, index) => !found[index]),
        };
      },
    },
    GetParametersByPath: {
      parameters: ['Path!', 'Recursive', 'WithDecryption', 'MaxResults', 'NextToken'],
      run(input) {
        const path = String(input.Path);
        if (!path.startsWith('/'))
          throw new ApiError('ValidationException', 'The parameter path must begin with a slash /');
        const most = input.MaxResults === undefined ? MOST : Number(input.MaxResults);
        if (!Number.isInteger(most) || most < 1 || most > MOST)
          throw new ApiError('ValidationException', `MaxResults must be between 1 and ${MOST}`);
        const from = input.NextToken === undefined ? 0 : Number(input.NextToken);
        if (!Number.isInteger(from)) throw new ApiError('InvalidNextToken', 'The specified token is not valid.');
        const prefix = path.endsWith('/') ? path : `${path}/`;
        const under = [...parameters.values()]
          .filter(({ name }) => name.startsWith(prefix))
          .filter(({ name }) => input.Recursive === true || !name.slice(prefix.length).includes('/'))
          .sort((a, b) => (a.name < b.name ? -1 : 1));
        return {
          Parameters: under
            .slice(from, from + most)
            .map((parameter) => showParameter(parameter, input.WithDecryption === true, context)),
          ...(under.length > from + most ? { NextToken: String(from + most) } : {}),
        };
      },
    },
  };
}
