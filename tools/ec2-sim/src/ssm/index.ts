import { type JsonAction, jsonService } from '../services/json-service.ts';
import { ApiError, type Service, type ServiceContext } from '../services/service.ts';
import { readActions } from './read.ts';
import { checkName, type Parameter } from './store.ts';

export interface Ssm {
  service: Service;
  parameters: Map<string, Parameter>;
}

const LONGEST_STANDARD = 4096;
const LONGEST_ADVANCED = 8192;

type Tags = { Key: string; Value: string }[];

/** Parameter Store. `published` are AWS's own parameters (`/aws/service/…`): name to value. */
export function createSsm(context: ServiceContext, published: Iterable<[string, string]> = []): Ssm {
  const parameters = new Map<string, Parameter>();
  for (const [name, value] of published)
    parameters.set(name, {
      name,
      type: 'String',
      value,
      history: [value],
      version: 1,
      modified: context.clock.now(),
      tags: new Map(),
      tier: 'Standard',
      dataType: 'text',
    });

  const existing = (name: string): Parameter => {
    const found = parameters.get(name);
    if (!found) throw new ApiError('ParameterNotFound', `Parameter ${name} not found.`);
    return found;
  };

  const put: JsonAction = {
    parameters: ['Name!', 'Value!', 'Type', 'Overwrite', 'Description', 'KeyId', 'Tags', 'Tier', 'DataType'],
    run(input) {
      const {
        Name,
        Value,
        Type,
        Overwrite = false,
      } = input as { Name: string; Value: string } & Record<string, unknown>;
      checkName(Name);
      const tier = String(input.Tier ?? 'Standard');
      const longest = tier === 'Standard' ? LONGEST_STANDARD : LONGEST_ADVANCED;
      if (Value.length === 0 || Value.length > longest)
        throw new ApiError(
          'ValidationException',
          `${tier} tier parameters support a maximum parameter value of ${longest} characters.`,
        );
      const before = parameters.get(Name);
      if (before && Overwrite !== true)
        throw new ApiError(
          'ParameterAlreadyExists',
          'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
        );
      if (input.Tags && Overwrite === true)
        throw new ApiError('ValidationException', "Invalid request: tags and overwrite can't be used together.");
      if (!before && !Type)
        throw new ApiError('ValidationException', 'A parameter type is required when you create a parameter.');
      if (Type !== undefined && !['String', 'StringList', 'SecureString'].includes(String(Type)))
        throw new ApiError('UnsupportedParameterType', `The parameter type ${Type} is not supported.`);
      const type = (Type ?? before?.type) as Parameter['type'];
      if (before && before.type !== type)
        throw new ApiError('HierarchyTypeMismatchException', "Parameter Store doesn't change the type of a parameter.");
      const history = [...(before?.history ?? []), Value];
      parameters.set(Name, {
        name: Name,
        type,
        value: Value,
        history,
        version: history.length,
        modified: context.clock.now(),
        tags: before?.tags ?? new Map(((input.Tags ?? []) as Tags).map(({ Key, Value: value }) => [Key, value])),
        ...(input.Description === undefined ? {} : { description: String(input.Description) }),
        tier,
        dataType: String(input.DataType ?? 'text'),
        ...(type === 'SecureString' ? { keyId: String(input.KeyId ?? 'alias/aws/ssm') } : {}),
      });
      return { Version: history.length, Tier: tier };
    },
  };

  const actions: Record<string, JsonAction> = {
    PutParameter: put,
    ...readActions(parameters, context),
    DeleteParameter: {
      parameters: ['Name!'],
      run(input) {
        checkName(String(input.Name));
        parameters.delete(existing(String(input.Name)).name);
        return {};
      },
    },
    DeleteParameters: {
      parameters: ['Names!'],
      run(input) {
        const names = input.Names as string[];
        names.forEach(checkName);
        const gone = names.filter((name) => parameters.delete(name));
        return { DeletedParameters: gone, InvalidParameters: names.filter((name) => !gone.includes(name)) };
      },
    },
    AddTagsToResource: {
      parameters: ['ResourceType!', 'ResourceId!', 'Tags!'],
      run(input) {
        const { tags } = taggable(input);
        for (const { Key, Value } of input.Tags as Tags) tags.set(Key, Value);
        return {};
      },
    },
    ListTagsForResource: {
      parameters: ['ResourceType!', 'ResourceId!'],
      run: (input) => ({ TagList: [...taggable(input).tags].map(([Key, Value]) => ({ Key, Value })) }),
    },
  };

  function taggable(input: Record<string, unknown>): Parameter {
    const found = input.ResourceType === 'Parameter' ? parameters.get(String(input.ResourceId)) : undefined;
    if (!found) throw new ApiError('InvalidResourceId', 'The resource ID is not valid.');
    return found;
  }

  return { service: jsonService('ssm', actions, context), parameters };
}
