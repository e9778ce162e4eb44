/** Metrics of the Lambdas, from the events of the pipeline that are logged anyway: nothing has to be counted in two places. */
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { LogFields } from '../ports.ts';

type Unit = (typeof MetricUnit)[keyof typeof MetricUnit];

interface Metric {
  name: string;
  unit: Unit;
  /** The field of the event that has the value; 1 without it. */
  field?: string;
}

const count = (name: string, field?: string): Metric => ({
  name,
  unit: MetricUnit.Count,
  ...(field === undefined ? {} : { field }),
});

/** By event. The alarms and the dashboard (resources/alarms.yml, resources/dashboard.yml) go by these names. */
const METRICS: Record<string, Metric[]> = {
  'Job:End:Published': [count('JobsPublished')],
  'Job:End:Failed': [count('JobsFailed')],
  'Job:End:Quarantined': [count('JobsQuarantined')],
  'Job:End:Cancelled': [count('JobsCancelled')],
  'Task:Launch:Done': [count('TasksLaunched')],
  'Task:Launch:Wait': [count('LaunchesRefused')],
  'Task:Stop:Settled': [
    { name: 'TaskSeconds', unit: MetricUnit.Seconds, field: 'seconds' },
    { name: 'TaskCostUsd', unit: MetricUnit.NoUnit, field: 'costUsd' },
  ],
  // Only logged while there is work: a metric costs by the hour in which it is sent.
  'Jobs:Look:Busy': [
    count('TasksRunning', 'running'),
    count('JobsInLine', 'inLine'),
    { name: 'JobsStalledSeconds', unit: MetricUnit.Seconds, field: 'stalledSeconds' },
  ],
};

/** Counts an event for its stage (a dimension of all metrics), and for its task where it has one. */
export function countEvent(metrics: Metrics, event: string, fields: LogFields): void {
  for (const { name, unit, field } of METRICS[event] ?? []) {
    const value = field === undefined ? 1 : fields[field];
    if (typeof value !== 'number') continue;
    metrics.singleMetric().addMetric(name, unit, value);
    if (typeof fields.task !== 'string') continue;
    // A line of its own: Powertools warns of every second set of dimensions in one.
    const ofTask = metrics.singleMetric();
    ofTask.addDimensions({ task: fields.task });
    ofTask.addMetric(name, unit, value);
  }
}
