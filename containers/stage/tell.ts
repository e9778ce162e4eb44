/** One JSON object a line, for the log group of the task. */

export function tell(event: string, fields: Record<string, unknown>): void {
  console.log(JSON.stringify({ level: 'info', time: new Date().toISOString(), event, ...fields }));
}

export function tellError(event: string, error: unknown, fields: Record<string, unknown> = {}): void {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  console.error(
    JSON.stringify({ level: 'error', time: new Date().toISOString(), event, ...fields, message, stack }),
  );
}
