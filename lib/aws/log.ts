/** Structured logs and metrics of the Lambdas: one JSON line each, CloudWatch makes metrics of those in EMF. */
import { LogFormatter, Logger, LogItem } from '@aws-lambda-powertools/logger';
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Log, LogFields } from '../ports.ts';
import { countEvent } from './metrics.ts';

/** CloudWatch namespace of all metrics, and the `service` of all log lines. */
const SERVICE = 'longshore';

type Level = 'debug' | 'info' | 'warn' | 'error';

/**
 * A {@link Log} for Lambda. The level is LONGSHORE_LOG_LEVEL's, `info` without it; LONGSHORE_STAGE tells the metrics of one
 * stage from another's. Both are set on the functions.
 */
export function lambdaLog(
  {
    LONGSHORE_LOG_LEVEL: level = 'info',
    LONGSHORE_STAGE: stage = 'unknown',
  }: Record<string, string | undefined> = process.env,
): Log {
  const logger = new Logger({
    serviceName: SERVICE,
    logLevel: level.toUpperCase() as 'INFO',
    logFormatter: new SameFields(),
  });
  const metrics = new Metrics({ namespace: SERVICE, serviceName: SERVICE, defaultDimensions: { stage } });
  return counted(logger, (event, fields) => countEvent(metrics, event, fields), {});
}

/** The fields that all logs of longshore have (docs/logs.md), in place of Powertools' own names for them. */
class SameFields extends LogFormatter {
  formatAttributes(attributes: UnformattedAttributes, fields: LogAttributes): LogItem {
    const { timestamp, logLevel, message, serviceName, lambdaContext, xRayTraceId } = attributes;
    return new LogItem({
      attributes: {
        time: timestamp.toISOString(),
        level: logLevel.toLowerCase(),
        event: message,
        service: serviceName,
        function: lambdaContext?.functionName,
        requestId: lambdaContext?.awsRequestId,
        trace: xRayTraceId,
      },
    }).addAttributes(fields);
  }
}

type Count = (event: string, fields: LogFields) => void;

function counted(logger: Logger, count: Count, fields: LogFields): Log {
  const write =
    (level: Level) =>
    (event: string, more: LogFields = {}) => {
      const all = { ...fields, ...more };
      logger[level](event, all);
      count(event, all);
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (more) => counted(logger, count, { ...fields, ...more }),
  };
}
