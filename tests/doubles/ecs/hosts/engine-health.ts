/** ECS's own health check: a command in the container, again and again. The engines' own ones need a daemon or systemd. */
import type { HealthCheck } from '@aws-sdk/client-ecs';
import { ask, type EngineKind } from './engine-command.ts';

/** Resolves at the first success; never, when there is none. Gives up when the container is gone. */
export async function watchHealth(
  kind: EngineKind,
  name: string,
  { command = [], interval = 30, timeout = 5 }: HealthCheck,
  sleep: (ms: number) => Promise<void>,
): Promise<void> {
  const [how, ...words] = command;
  const args = how === 'CMD-SHELL' ? ['sh', '-c', words.join(' ')] : words;
  for (;;) {
    const answer = await ask(kind, ['exec', name, ...args], timeout);
    if (answer.exitCode === 0) return;
    if (/no such container|not running|is not running|state improper/i.test(answer.stderr)) {
      await new Promise<never>(() => {});
    }
    await sleep(interval * 1000);
  }
}
