"""Starts MiniStack with what it lacks of AWS put in. docs/testing.md lists it."""

import dataclasses
import functools
import os
import signal
import sys
import threading

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

# Its ECS is not used, and the one that is tells of its tasks by PutEvents: AWS's own services may use a source of AWS's.
eventbridge._put_events = functools.partial(eventbridge._put_events, allow_aws_source=True)

# Who may SendMessage may send a batch: AWS has no action of that name.
action_of = iam_actions.extract_iam_action


def action_without_batch(service, *request):
    action = action_of(service, *request)
    return action.removesuffix("Batch") if service == "sqs" and action else action


iam_actions.extract_iam_action = action_without_batch

# A role of containers is taken in the name of ECS, which says for which account; the emulator's STS does not know of it.
trusts = iam_evaluator.evaluate_trust_policy


def trusts_for_the_account(policy, caller, context):
    account = {"aws:sourceaccount": context.principal_account}
    return trusts(policy, caller, dataclasses.replace(context, service_context={**context.service_context, **account}))


iam_evaluator.evaluate_trust_policy = trusts_for_the_account

# It would take the machine's port 443 besides its own.
app._port_is_bindable = lambda *_: False

create_task_definition = provisioners._ecs_task_def_create


def whole_task_definition(logical_id, props, stack_name):
    """It keeps some properties as CloudFormation spells them (volumes, dependsOn), and others not at all."""
    arn, attributes = create_task_definition(logical_id, props, stack_name)
    definition = provisioners._ecs._task_defs[arn.rsplit("/", 1)[1]]
    definition.update(provisioners._pascal_to_camel({key: value for key, value in props.items() if key != "Tags"}))
    return arn, attributes


provisioners._RESOURCE_HANDLERS["AWS::ECS::TaskDefinition"]["create"] = whole_task_definition

metric_alarm = provisioners._cw_metric_alarm_record


def alarm_of_the_metric_below(name, props):
    """An alarm on metric math: it is made on the metric that the expression is about, so that the rest is judged."""
    if not props.get("Metrics"):
        return metric_alarm(name, props)
    stat = next(query["MetricStat"] for query in props["Metrics"] if "MetricStat" in query)
    plain = {key: value for key, value in props.items() if key != "Metrics"}
    return metric_alarm(name, {**plain, **stat["Metric"], "Statistic": stat["Stat"], "Period": stat["Period"]})


provisioners._cw_metric_alarm_record = alarm_of_the_metric_below


def end_with_stdin():
    """Whoever started it holds the other end: nobody is left to stop it when that one is gone."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=end_with_stdin, daemon=True).start()
    app.main()
