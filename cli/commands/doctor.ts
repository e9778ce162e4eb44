/** `longshore doctor`: whether everything is there that jobs need, and what to do if not. */
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import type { Finding } from '../findings.ts';
import { examineMachine } from '../examine-machine.ts';
import type { Shell } from '../main.ts';
import { withBackend, withJson, type CommonOptions } from '../options.ts';
import { readTasks } from '../tasks-folder.ts';

export function declare(program: Command, { out, exit }: Shell): void {
  withJson(withBackend(program.command('doctor')))
    .description(
      'Check engine, images, disk and access (or, for AWS, credentials, stack, images and quotas).',
    )
    .action(async (options: CommonOptions) => {
      const findings = await examine(options);
      out.line(options.json ? JSON.stringify(findings, null, 2) : findings.map(findingText).join('\n'));
      if (findings.some(({ verdict }) => verdict === 'missing')) exit(EXIT.environment);
    });
}

async function examine(options: CommonOptions): Promise<Finding[]> {
  const tasks = await readTasks();
  if (options.backend === 'local') return await examineMachine(tasks, options.home);
  const { examineAws } = await import('../examine-aws.ts');
  return await examineAws(tasks, options, process.env);
}

const MARKS: Record<Finding['verdict'], string> = { good: '✓', warning: '!', missing: '✗' };

/** `✗ image longshore/osm-mapsforge: not built` and, below it, what to do. */
export function findingText({ verdict, what, detail, todo }: Finding): string {
  const line = `${MARKS[verdict]} ${what}: ${detail}`;
  return todo === undefined ? line : `${line}\n    ${todo}`;
}
