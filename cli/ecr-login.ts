/** The way into ECR: a password that holds twelve hours, got with the account's own credentials. */
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { awsConfig } from '../lib/aws/clients.ts';

export interface RegistryLogin {
  /** `123456789012.dkr.ecr.eu-west-1.amazonaws.com` */
  host: string;
  user: string;
  password: string;
}

/** `123456789012.dkr.ecr.eu-west-1.amazonaws.com`, China's too. */
const ECR_HOST = /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/;

export const isEcr = (host: string): boolean => ECR_HOST.test(host);

/** The registry of the account, or the one named. Throws the SDK's errors: no credentials, no region, no right to it. */
export async function ecrLogin(region: string | undefined, host?: string): Promise<RegistryLogin> {
  const [, , hostRegion] = ECR_HOST.exec(host ?? '') ?? [];
  const where = hostRegion ?? region;
  const client = new ECRClient({ ...awsConfig(), ...(where === undefined ? {} : { region: where }) });
  const { authorizationData: [data] = [] } = await client.send(new GetAuthorizationTokenCommand({}));
  if (data?.authorizationToken === undefined || data.proxyEndpoint === undefined)
    throw new Error('ECR gave no authorization token');
  const [user = '', password = ''] = Buffer.from(data.authorizationToken, 'base64').toString().split(':', 2);
  return { host: host ?? new URL(data.proxyEndpoint).host, user, password };
}
