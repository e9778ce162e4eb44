import type { Command } from 'commander';
import type { Shell } from '../main.ts';
export function declare(_program: Command, _shell: Shell): void {}
