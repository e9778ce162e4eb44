/** One JSON object a line, for the log group of the task, with the fields of docs/logs.md. */

const { LONGSHORE_TASK: task, LONGSHORE_LAUNCH: launch } = process.env;

const head = (level: string, event: string): Record<string, unknown> => ({
  time: new Date().toISOString(),
  level,
  event,
  task,
  launch,
});

export function tell(event: string, fields: Record<string, unknown>): void {
  console.log(JSON.stringify({ ...head('info', event), ...fields }));
}

export function tellError(event: string, error: unknown, fields: Record<string, unknown> = {}): void {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  console.error(JSON.stringify({ ...head('error', event), ...fields, message, stack }));
}
