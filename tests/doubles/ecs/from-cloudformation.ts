/** From the properties of an AWS::ECS::TaskDefinition to what RegisterTaskDefinition takes. */
import type { RegisterTaskDefinitionRequest } from '@aws-sdk/client-ecs';

/** Their keys are names of somebody's own, not the API's. */
const OWN_KEYS = new Set(['Options', 'DockerLabels', 'DriverOpts', 'Labels']);

/** `resolve` answers Ref, Fn::GetAtt, Fn::Sub and the like: `{ Ref: 'StateBucket' }` → the bucket's name. */
export function fromCloudFormation(
  properties: unknown,
  resolve: (intrinsic: Record<string, unknown>) => string,
): RegisterTaskDefinitionRequest {
  const convert = (value: unknown, ownKeys = false): unknown => {
    if (Array.isArray(value)) return value.map((one) => convert(one));
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value);
    const first = entries[0]?.[0] ?? '';
    if (entries.length === 1 && (first === 'Ref' || first.startsWith('Fn::'))) {
      return resolve(value as Record<string, unknown>);
    }
    return Object.fromEntries(
      entries.map(([key, inner]) => [ownKeys ? key : lowerFirst(key), convert(inner, OWN_KEYS.has(key))]),
    );
  };
  return convert(properties) as RegisterTaskDefinitionRequest;
}

const lowerFirst = (key: string): string => key.charAt(0).toLowerCase() + key.slice(1);
