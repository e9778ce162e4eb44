/** Structured logs and metrics of the Lambdas: one JSON line each, CloudWatch makes metrics of those in EMF. */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Log, LogFields } from '../ports.ts';

/** CloudWatch namespace of all metrics, and the `service` of all log lines. */
const SERVICE = 'longshore';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** A {@link Log} for Lambda. The level is LONGSHORE_LOG_LEVEL's (set on the function), `info` without it. */
export function lambdaLog(level: string = process.env.LONGSHORE_LOG_LEVEL ?? 'info'): Log {
  const logger = new Logger({ serviceName: SERVICE, logLevel: level.toUpperCase() as 'INFO' });
  return counted(logger, new Metrics({ namespace: SERVICE, serviceName: SERVICE }), {});
}

function counted(logger: Logger, metrics: Metrics, fields: LogFields): Log {
  const write =
    (level: Level) =>
    (event: string, more: LogFields = {}) => {
      const all = { ...fields, ...more };
      logger[level](event, all);
      count(metrics, event, all);
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (more) => counted(logger, metrics, { ...fields, ...more }),
  };
}

/** What is counted is an event of the pipeline that is logged anyway: nothing has to be counted in two places. */
const ENDS: Record<string, string> = {
  'Job:End:Published': 'JobsPublished',
  'Job:End:Failed': 'JobsFailed',
  'Job:End:Quarantined': 'JobsQuarantined',
  'Job:End:Cancelled': 'JobsCancelled',
};

function count(metrics: Metrics, event: string, fields: LogFields): void {
  const task = typeof fields.task === 'string' ? fields.task : 'unknown';
  const add = (name: string, unit: (typeof MetricUnit)[keyof typeof MetricUnit], value: unknown): void => {
    if (typeof value !== 'number') return;
    const metric = metrics.singleMetric();
    metric.addDimension('task', task);
    metric.addMetric(name, unit, value);
  };
  const ended = ENDS[event];
  if (ended !== undefined) add(ended, MetricUnit.Count, 1);
  switch (event) {
    case 'Task:Launch:Done':
      add('TasksLaunched', MetricUnit.Count, 1);
      break;
    case 'Task:Launch:Wait':
      add('LaunchesRefused', MetricUnit.Count, 1);
      break;
    case 'Task:Stop:Settled':
      add('TaskSeconds', MetricUnit.Seconds, fields.seconds);
      add('TaskCostUsd', MetricUnit.NoUnit, fields.costUsd);
      break;
    case 'Sweep:Run:Done':
      add('Sweeps', MetricUnit.Count, 1);
      break;
  }
}
