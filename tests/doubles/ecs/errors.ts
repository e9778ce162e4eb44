/** Errors as the ECS API tells them: HTTP 400 (5xx for the service's own), a type, a message, sometimes more fields. */

export class EcsError extends Error {
  override name = 'EcsError';
  readonly type: string;
  readonly status: number;
  readonly fields: Record<string, unknown>;
  constructor(type: string, message: string, { status = 400, ...fields }: Record<string, unknown> = {}) {
    super(message);
    this.type = type;
    this.status = Number(status);
    this.fields = fields;
  }
}

export const invalid = (message: string): EcsError => new EcsError('InvalidParameterException', message);
export const client = (message: string): EcsError => new EcsError('ClientException', message);
export const noCluster = (): EcsError => new EcsError('ClusterNotFoundException', 'Cluster not found.');
